"""What a model server's failures mean: httpx's errors and llama-server's bodies, translated once.

Wordings are llama-server's own (tools/server/server-context.cpp): an input over the
physical batch is a 500, one over the context a 400 `exceed_context_size_error`.
"""

from __future__ import annotations

import os
import re
from typing import Any

import httpx

from athena.errors import AthenaError, InputTooLong, ModelServerError, ModelServerUnavailable, Source

_START = {
    "embedding": "athena up",
    "reasoning": "athena local serve",
}
_LOGS = {"embedding": "athena logs embeddings", "reasoning": "athena logs reasoning"}
_SETTING = {"embedding": "LLAMACPP_EMBEDDINGS_URL", "reasoning": "LLAMACPP_REASONING_URL"}
POOLING_HINT = "start the embedding server with --pooling mean (or the pooling its model was trained with)"

_OVER_BATCH = re.compile(r"input \((\d+) tokens\) is too large to process.*current batch size: (\d+)", re.DOTALL)


class Transient(Exception):
    """An attempt that may succeed if repeated, `at_least_s` seconds from now at the earliest."""

    def __init__(self, error: ModelServerUnavailable, at_least_s: float = 0.0) -> None:
        super().__init__(error.message)
        self.error = error
        self.at_least_s = at_least_s


class RouteMissing(ModelServerError):
    """The server has no such path: an older llama-server, or something else."""


def unreachable(source: Source, url: str, exc: httpx.TransportError) -> ModelServerUnavailable:
    """No answer: refused, reset, or not in time."""
    if isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout):
        return ModelServerUnavailable(
            f"the {source} server at {url} can't be reached: {_reason(exc)}", hint=_START.get(source), source=source
        )
    if isinstance(exc, httpx.TimeoutException):
        return ModelServerUnavailable(
            f"the {source} server at {url} took too long to answer", hint=_LOGS.get(source), source=source
        )
    return ModelServerUnavailable(
        f"the {source} server at {url} closed the connection: {_reason(exc)}", hint=_LOGS.get(source), source=source
    )


def check(source: Source, url: str, response: httpx.Response) -> None:
    """Returns if the answer is a success; raises `Transient` or an `AthenaError` if not."""
    if response.is_success:
        return
    body = _error_body(response)
    message = str(body.get("message") or response.text[:200] or response.reason_phrase)
    wait = retry_after(response)
    if response.status_code == 503 or (response.status_code == 429 and wait is not None):
        loading = "is loading its model" if "loading" in message.lower() else f"can't take the request: {message}"
        error = ModelServerUnavailable(
            f"the {source} server at {url} {loading}",
            hint=f"try again in a few seconds; {_LOGS.get(source, 'athena logs')} says how far it is",
            source=source,
            retry_after=2 if wait is None else wait,
        )
        raise Transient(error, wait or 0)
    raise _permanent(source, url, response.status_code, body, message)


def not_json(source: Source, url: str) -> ModelServerError:
    return ModelServerError(
        f"what listens at {url} doesn't answer as llama-server does",
        hint=f"is another program on that port? set {_SETTING.get(source, 'its URL')} to the {source} server's address",
        source=source,
    )


def retry_after(response: httpx.Response) -> int | None:
    """Seconds of the Retry-After header; None without one (or with a date, which llama-server never sends)."""
    value = response.headers.get("retry-after", "").strip()
    return int(value) if value.isdecimal() else None


def _permanent(source: Source, url: str, status: int, body: dict[str, Any], message: str) -> AthenaError:
    if body.get("type") == "exceed_context_size_error":
        tokens, limit = body.get("n_prompt_tokens"), body.get("n_ctx")
        return InputTooLong(
            f"the input is too long for the {source} model: {tokens} tokens, its context is {limit}",
            tokens=tokens,
            limit=limit,
            hint="send less text, or start its server with a larger --ctx-size",
            source=source,
        )
    if over := _OVER_BATCH.search(message):
        tokens, limit = int(over[1]), int(over[2])
        return InputTooLong(
            f"the input is too long for the {source} server: {tokens} tokens, it takes {limit} at once",
            tokens=tokens,
            limit=limit,
            hint="send less text, or start its server with a larger --ubatch-size",
            source=source,
        )
    kind = RouteMissing if status in (404, 405) else ModelServerError
    return kind(
        f"the {source} server at {url} answered {status}: {message}", hint=_hint(status, message), source=source
    )


def _hint(status: int, message: str) -> str | None:
    lowered = message.lower()
    if "pooling type" in lowered:
        return POOLING_HINT
    if "does not support embeddings" in lowered:
        return f"start the server with --embeddings, or set {_SETTING['embedding']} to the one that has it"
    if "mmproj" in lowered:
        return "start the reasoning server with a vision model and its --mmproj file"
    if status in (401, 403):
        return "this llama-server was started with --api-key, which Athena doesn't send: start it without"
    return None


def _error_body(response: httpx.Response) -> dict[str, Any]:
    try:
        error = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return error if isinstance(error, dict) else {"message": error}


def _reason(exc: Exception) -> str:
    """The operating system's own words, from under the libraries' layers."""
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror and cause.errno:
            # asyncio puts the address into it, and the message has that already.
            return os.strerror(cause.errno).lower() if cause.errno > 0 else cause.strerror.lower()
        # A name with several addresses fails once for each.
        cause = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else cause.__cause__ or cause.__context__
    return str(exc) or type(exc).__name__
