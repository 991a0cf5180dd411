"""One model server: pooled connections, bounded concurrency, time-outs and retries."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from athena import http
from athena.core import failures
from athena.core.failures import Transient
from athena.errors import InvalidInput, InvalidSetting, ModelServerError, ModelServerUnavailable, Source

# Beside the requests in flight, room for a health check that must not wait for them.
_SPARE_CONNECTIONS = 2
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0
# The system's source, so that servers started together don't pause in step.
_jitter = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, and requests at a time. `read_s` is the wait for an answer, `retry_for_s` the time
    after the first attempt in which further ones are made."""

    connect_s: float
    read_s: float
    retry_for_s: float
    in_flight: int


@dataclass(frozen=True, slots=True)
class _Bound:
    """What belongs to one event loop and can't outlive it."""

    loop: asyncio.AbstractEventLoop
    http: httpx.AsyncClient
    slots: asyncio.Semaphore


class ModelServer:
    """Speaks JSON with one llama-server. Its answers depend on nothing but the question, so
    repeating a request whose connection broke is safe.

    Raises `ModelServerUnavailable`, `InputTooLong`, `ModelServerError`; nothing of httpx gets out.
    """

    def __init__(
        self, url: str, source: Source, limits: Limits, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.source: Source = source
        self.limits = limits
        self._url = _parsed(url, source)
        self._transport = transport
        self._bound: _Bound | None = None
        self._closed = False
        self._known_down = False

    @property
    def shown_url(self) -> str:
        """The address without credentials, for messages."""
        return str(self._url.copy_with(userinfo=b"")).rstrip("/")

    async def get(self, path: str) -> Any:
        return await self._call("GET", path, None)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return await self._call("POST", path, body)

    async def once(self, path: str, timeout_s: float) -> Any:
        """A GET that doesn't wait for its turn and isn't repeated: for health checks."""
        try:
            return await self._attempt("GET", path, None, httpx.Timeout(timeout_s))
        except Transient as transient:
            raise transient.error from transient

    async def aclose(self) -> None:
        """Closes the connections; requests in flight end with `ModelServerUnavailable`."""
        self._closed = True
        bound, self._bound = self._bound, None
        if bound is not None and bound.loop is asyncio.get_running_loop():
            await bound.http.aclose()

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        async with self._connected().slots:
            loop = asyncio.get_running_loop()
            # A server that was just found down gets one attempt per call, so that callers
            # who can do without it aren't each kept waiting.
            give_up_at = loop.time() + (0 if self._known_down else self.limits.retry_for_s)
            pause = _FIRST_PAUSE_S
            while True:
                try:
                    answer = await self._attempt(method, path, body)
                except Transient as transient:
                    wait = transient.at_least_s + _jitter.uniform(0, pause)
                    if self._closed or loop.time() + wait > give_up_at:
                        self._known_down = True
                        raise transient.error from transient
                    await asyncio.sleep(wait)
                    pause = min(2 * pause, _LONGEST_PAUSE_S)
                else:
                    self._known_down = False
                    return answer

    async def _attempt(
        self, method: str, path: str, body: Mapping[str, Any] | None, limit: httpx.Timeout | None = None
    ) -> Any:
        url = self.shown_url
        try:
            response = await self._connected().http.request(
                method, path, json=body, timeout=limit or httpx.USE_CLIENT_DEFAULT
            )
        except (httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout) as exc:
            # It is at work or overloaded: asking again would only add to that.
            raise failures.unreachable(self.source, url, exc) from exc
        except httpx.TransportError as exc:
            raise Transient(failures.unreachable(self.source, url, exc)) from exc
        except httpx.HTTPError as exc:
            raise ModelServerError(f"the {self.source} server at {url}: {exc}", source=self.source) from exc
        except UnicodeEncodeError as exc:
            raise InvalidInput("the text isn't valid Unicode: it holds half of a surrogate pair") from exc
        failures.check(self.source, url, response)
        try:
            return response.json()
        except ValueError as exc:
            raise failures.not_json(self.source, url) from exc

    def _connected(self) -> _Bound:
        if self._closed:
            raise ModelServerUnavailable("this client was closed", source=self.source, retry_after=None)
        loop = asyncio.get_running_loop()
        if self._bound is None or self._bound.loop is not loop:
            limits = self.limits
            self._bound = _Bound(
                loop=loop,
                http=http.client(
                    base_url=str(self._url),
                    connect_s=limits.connect_s,
                    read_s=limits.read_s,
                    max_connections=limits.in_flight + _SPARE_CONNECTIONS,
                    transport=self._transport,
                ),
                slots=asyncio.Semaphore(limits.in_flight),
            )
        return self._bound


def _parsed(url: str, source: Source) -> httpx.URL:
    try:
        parsed = httpx.URL(url.rstrip("/"))
    except httpx.InvalidURL as exc:
        raise InvalidSetting(f"the {source} server's URL is not a URL: {exc}") from exc
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidSetting(f"the {source} server's URL must begin with http:// or https:// and name a host")
    return parsed
