"""An answer that isn't streamed: all of it, or why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx

from athena.gateway.egress.lanes import Pass
from athena.gateway.egress.trial import Trial
from athena.gateway.egress.upstream import FOREIGN, failure_of, read, refusal
from athena.gateway.types import Failure, StreamBroken
from athena.gateway.wires import Heard, Speech

Opened = Callable[[], Awaitable[httpx.Response]]


async def ask(
    open: Opened, speech: Speech, attempt: Trial, admission: Pass, *, within_s: float
) -> tuple[httpx.Response, bytes, Heard]:
    """Raises `StreamBroken`. The connection is free, or closed, when this returns."""
    try:
        async with asyncio.timeout(within_s):
            response, body = await _exchange(open, speech, attempt)
        heard = speech.heard(body)
        if heard is None:
            raise StreamBroken(Failure("server", "the answer isn't a JSON object"))
        if heard.failure is not None:
            raise StreamBroken(heard.failure)
    except FOREIGN as exc:
        failure = failure_of(exc)
        attempt.over("error", failure)
        admission.bad(failure)
        raise StreamBroken(failure) from exc
    except BaseException:
        attempt.over("cancelled")
        admission.leave()
        raise
    attempt.over("ok", tap=heard)
    admission.good()
    return response, body, heard


async def _exchange(open: Opened, speech: Speech, attempt: Trial) -> tuple[httpx.Response, bytes]:
    response = await open()
    try:
        attempt.status = response.status_code
        failure = await refusal(response, speech)
        if failure is not None:
            raise StreamBroken(failure)
        return response, await read(response)
    finally:
        await response.aclose()
