"""The compressor service's client: LLMLingua-2 behind HTTP, as a `Squeezer`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import BaseModel, ValidationError

from athena import http
from athena.compression.types import Segment, Squeezed
from athena.errors import AthenaError, InvalidInput, ModelServerError, ModelServerUnavailable, Source, TooLarge

_SOURCE: Source = "compressor"
_HINT = "athena status says whether it runs; without it extraction does the work"
_CONNECT_S = 1.0
_HEALTH_S = 2.0
# The deadline is the service's; the answer's way back needs a little more.
_GRACE_S = 0.25


class _AnsweredSegment(BaseModel):
    text: str
    kept: list[tuple[int, int]] = []


class _Answer(BaseModel):
    segments: list[_AnsweredSegment]


class Loaded(BaseModel):
    """A model that the service has, and what runs it."""

    model: str
    engine: str | None = None


class Described(BaseModel):
    """What the service says of itself. `engine`: the one that a request gets."""

    version: str | None = None
    engine: str | None = None
    models: list[Loaded] = []

    @property
    def model(self) -> str | None:
        """The one that a request gets."""
        return next((each.model for each in self.models if each.engine == self.engine), None)


@dataclass(frozen=True, slots=True)
class _Bound:
    """A pool of connections belongs to one event loop and can't outlive it."""

    loop: asyncio.AbstractEventLoop
    http: httpx.AsyncClient


class CompressorClient:
    """`squeeze` raises `ModelServerUnavailable`, `ModelServerError`, `TooLarge` or `InvalidInput`; nothing of httpx."""

    def __init__(self, url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.url = url
        self._transport = transport
        self._bound: _Bound | None = None

    async def squeeze(self, segments: Sequence[Segment], /, *, target_tokens: int, deadline_ms: int) -> list[Squeezed]:
        body = {
            "segments": [
                {"text": each.text, "protected": [list(span) for span in each.protected]} for each in segments
            ],
            "target_tokens": target_tokens,
            "deadline_ms": deadline_ms,
        }
        answer = await self._call("POST", "/compress", body, deadline_ms / 1000 + _GRACE_S)
        try:
            found = _Answer.model_validate(answer)
        except ValidationError as exc:
            raise ModelServerError(f"the compressor at {self.url} answered in another form", source=_SOURCE) from exc
        return [Squeezed(each.text, tuple(each.kept)) for each in found.segments]

    async def health(self) -> Described:
        """Raises what `squeeze` does, of a service that isn't ready too."""
        answer = await self._call("GET", "/health", None, _HEALTH_S)
        try:
            return Described.model_validate(answer)
        except ValidationError as exc:
            raise ModelServerError(f"what listens at {self.url} isn't the compressor", source=_SOURCE) from exc

    async def aclose(self) -> None:
        bound, self._bound = self._bound, None
        if bound is not None and bound.loop is asyncio.get_running_loop():
            await bound.http.aclose()

    async def _call(self, method: str, path: str, body: dict[str, Any] | None, timeout_s: float) -> Any:
        timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S))
        try:
            response = await self._connected().request(method, path, json=body, timeout=timeout)
        except httpx.TimeoutException as exc:
            raise ModelServerUnavailable(
                f"the compressor at {self.url} took too long to answer", hint=_HINT, source=_SOURCE
            ) from exc
        except httpx.HTTPError as exc:
            raise ModelServerUnavailable(
                f"the compressor at {self.url} can't be reached: {exc or type(exc).__name__}",
                hint=_HINT,
                source=_SOURCE,
            ) from exc
        except UnicodeEncodeError as exc:
            raise InvalidInput("the text isn't valid Unicode: it holds half of a surrogate pair") from exc
        if not response.is_success:
            raise self._failure(response)
        try:
            return response.json()
        except ValueError as exc:
            raise ModelServerError(f"what listens at {self.url} isn't the compressor", source=_SOURCE) from exc

    def _failure(self, response: httpx.Response) -> AthenaError:
        said = f"the compressor answered {response.status_code}: {_message(response)}"
        if response.status_code in (429, 503):
            wait = response.headers.get("retry-after", "")
            return ModelServerUnavailable(
                said, hint=_HINT, source=_SOURCE, retry_after=int(wait) if wait.isdecimal() else 2
            )
        if response.status_code == 413:
            return TooLarge(said, source=_SOURCE)
        if response.status_code in (400, 422):
            return InvalidInput(said, source=_SOURCE)
        return ModelServerError(said, source=_SOURCE)

    def _connected(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._bound is None or self._bound.loop is not loop:
            pool = http.client(base_url=self.url, connect_s=_CONNECT_S, transport=self._transport)
            self._bound = _Bound(loop, pool)
        return self._bound.http


def _message(response: httpx.Response) -> str:
    try:
        error = response.json()["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        return response.text[:200] or response.reason_phrase
