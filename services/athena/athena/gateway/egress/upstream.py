"""The one place where a request leaves for a provider, and where what can go wrong with it gets its name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final, Protocol

import httpx

from athena.errors import AthenaError
from athena.gateway.types import Failure, Outgoing, StreamBroken
from athena.gateway.wires import Speech
from athena.gateway.wires.faults import one_line
from athena.http.connection import Cut

_LONGEST_ERROR: Final = 1024 * 1024
_LONGEST_ANSWER: Final = 256 * 1024 * 1024
# An error's body is worth a short wait, no more.
_ERROR_BODY_S: Final = 10.0


class Channel(Protocol):
    """What is needed of `athena.http.Channel`."""

    async def open(
        self,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]],
        content: bytes = b"",
        *,
        connect_s: float,
        read_s: float,
        first_s: float | None = None,
    ) -> httpx.Response: ...


async def opened(
    channel: Channel, outgoing: Outgoing, *, connect_s: float, first_s: float, read_s: float
) -> httpx.Response:
    """The answer's header, body unread. Raises what `failure_of` understands."""
    headers = outgoing.headers
    if not any(name == "accept-encoding" for name, _ in headers):
        # Bytes are handed on as they come, and looked into on the way.
        headers = (*headers, ("accept-encoding", "identity"))
    url = outgoing.model.provider.url + outgoing.path
    return await channel.open(
        "POST", url, headers, outgoing.content, connect_s=connect_s, read_s=read_s, first_s=first_s
    )


def body_of(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body in plain bytes, without httpx's own layers where nothing has to be decoded."""
    if response.headers.get("content-encoding", "identity") != "identity":
        return response.aiter_bytes()
    assert isinstance(response.stream, httpx.AsyncByteStream)
    return aiter(response.stream)


async def read(response: httpx.Response, longest: int = _LONGEST_ANSWER) -> bytes:
    """All of it. Raises `StreamBroken` for more than `longest` bytes."""
    parts, size = [], 0
    async for part in body_of(response):
        parts.append(part)
        size += len(part)
        if size > longest:
            raise StreamBroken(Failure("server", f"the answer is longer than {longest} bytes"))
    return b"".join(parts)


async def refusal(response: httpx.Response, speech: Speech) -> Failure | None:
    """Why this answer is none, read from its status and body; None if its status is 2xx."""
    status = response.status_code
    if 200 <= status < 300:
        return None
    try:
        async with asyncio.timeout(_ERROR_BODY_S):
            body = await read(response, _LONGEST_ERROR)
    except (OSError, httpx.HTTPError, StreamBroken):
        # The status says enough.
        body = b""
    return replace(speech.failure(status, response.headers, body), headers=response.headers)


# What `failure_of` understands. Everything else is a mistake of ours and goes up.
FOREIGN: Final = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, AthenaError, StreamBroken)


def failure_of(exc: Exception) -> Failure:
    if isinstance(exc, StreamBroken):
        return exc.failure
    if isinstance(exc, AthenaError):
        return Failure("refused", exc.message, status=exc.status)
    if isinstance(exc, Cut):
        return Failure("refused", str(exc), status=503)
    if isinstance(exc, httpx.PoolTimeout):
        # Ours: all connections are taken. It says nothing of the model.
        return Failure("rate", "too many requests are on their way to providers", retry_after_s=1.0)
    if isinstance(exc, httpx.LocalProtocolError):
        return Failure("request", _words(exc))
    if isinstance(exc, (httpx.ReadTimeout, httpx.WriteTimeout, TimeoutError)):
        return Failure("timeout", _words(exc))
    if isinstance(exc, (httpx.TransportError, OSError)):
        return Failure("unreachable", _words(exc))
    return Failure("server", _words(exc))


def _words(exc: Exception) -> str:
    return one_line(str(exc)) or ("no answer in time" if isinstance(exc, TimeoutError) else type(exc).__name__)
