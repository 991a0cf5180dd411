"""The gateway's way out: requests with a streamed answer, over pooled connections, with little in between."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

import httpx

from athena.http.connection import Connection, Cut
from athena.http.dial import dial
from athena.http.gate import Gate, LocalOnly

_IDLE_S: Final = 60.0
_KEPT_PER_ORIGIN: Final = 32
# A server that says when it closes must be left before that, or a request meets the closing.
_MARGIN_S: Final = 1.0

_Origin = tuple[str, str, int]
Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Target:
    """`host` without brackets; `path` with its query."""

    origin: _Origin
    host: str
    authority: str
    path: str


@dataclass(frozen=True, slots=True)
class _Rest:
    """What ends a connection while nothing is asked over it."""

    timer: asyncio.TimerHandle
    forget: Callable[[], None] | None

    def end(self) -> None:
        self.timer.cancel()
        if self.forget is not None:
            self.forget()


class Streamed(httpx.Response):
    """An answer whose body is read as it comes."""

    stream: httpx.AsyncByteStream


class Channel:
    """Sends a request and gives back the answer as soon as its header fields are there.

    HTTP/1.1 over TCP or TLS. No redirects, cookies, proxies, decompression or repetition: what comes is what
    was sent. It belongs to the event loop in which it is first used.
    """

    def __init__(self, gate: Gate, tls: Callable[[], ssl.SSLContext], *, max_connections: int) -> None:
        """`max_connections`: requests under way at a time; one more raises `PoolTimeout` at once."""
        self._gate = gate
        self._tls = tls
        self._max = max_connections
        self._open: set[Connection] = set()
        self._dialing = 0
        self._idle: dict[_Origin, dict[Connection, _Rest]] = {}
        self._closed = False

    async def open(
        self,
        method: str,
        url: str,
        headers: Headers,
        content: bytes = b"",
        *,
        connect_s: float = 5.0,
        read_s: float = 120.0,
        first_s: float | None = None,
    ) -> Streamed:
        """The answer, its body unread: iterate `response.stream` (bytes as they come), then `response.aclose()`.

        `connect_s`: to a connection that stands, TLS included; `first_s`: to the answer's header fields (`read_s`
        if None); `read_s`: between two pieces of its body. `headers` without host and content-length.

        Raises `LocalOnly`, and of httpx `ConnectError`, `ConnectTimeout`, `ReadTimeout`, `ReadError`,
        `RemoteProtocolError`, `LocalProtocolError`, `PoolTimeout`; the body's iteration `ReadTimeout`, `ReadError`
        and `RemoteProtocolError`. Cancelled at any moment, it leaves no connection behind.
        """
        target = _target(url)
        head = _head(method, target, headers, len(content))
        await self._gate.admit(target.host)
        connection = self._take(target.origin)
        if connection is None:
            connection = await self._connect(target, connect_s)
        forget = None
        if not self._gate.is_local(target.host):
            forget = self._gate.watch(partial(_cut, connection))
        body = _Body(self, target, connection, forget)
        try:
            connection.send(method, head, content, first_s=first_s or read_s, read_s=read_s)
            status, fields = await connection.head()
        except Cut as exc:
            await body.aclose()
            raise LocalOnly(str(exc)) from exc
        except BaseException:
            await body.aclose()
            raise
        return Streamed(status, headers=fields, stream=body)

    async def aclose(self) -> None:
        """Close everything, answers that are still being read too."""
        self._closed = True
        for connection in list(self._open):
            connection.fail(httpx.ReadError("the channel was closed"))

    def release(self, target: _Target, connection: Connection) -> None:
        """Keep the connection for the next request, if it can serve one."""
        connection.rest()
        kept = self._idle.setdefault(target.origin, {})
        said = connection.idle_s
        idle_s = _IDLE_S if said is None else min(_IDLE_S, said - _MARGIN_S)
        if self._closed or not connection.reusable or len(kept) >= _KEPT_PER_ORIGIN or idle_s <= 0:
            connection.abort()
            return
        # An open connection says things too, if only that it ends.
        forget = None if self._gate.is_local(target.host) else self._gate.watch(connection.abort)
        kept[connection] = _Rest(asyncio.get_running_loop().call_later(idle_s, connection.abort), forget)

    def _take(self, origin: _Origin) -> Connection | None:
        """The one that rested least: it is the least likely to be gone."""
        kept = self._idle.get(origin)
        while kept:
            connection, rest = kept.popitem()
            rest.end()
            if not connection.closed:
                return connection
        return None

    def _lost(self, origin: _Origin, connection: Connection) -> None:
        self._open.discard(connection)
        if (rest := self._idle.get(origin, {}).pop(connection, None)) is not None:
            rest.end()

    async def _connect(self, target: _Target, connect_s: float) -> Connection:
        if self._closed:
            raise httpx.ConnectError("the channel was closed")
        resting = sum(len(kept) for kept in self._idle.values())
        if len(self._open) - resting + self._dialing >= self._max:
            raise httpx.PoolTimeout(f"{self._max} requests are under way already")
        self._dialing += 1
        try:
            async with asyncio.timeout(connect_s) as limit:
                loop = asyncio.get_running_loop()
                local = self._gate.is_local(target.host)
                with nullcontext() if local else self._gate.watching(partial(_end_now, limit, loop)):
                    connection = await self._established(loop, target)
        except TimeoutError as exc:
            await self._gate.admit(target.host)
            raise httpx.ConnectTimeout(f"{target.authority} can't be reached within {connect_s:g} s") from exc
        except OSError as exc:
            raise httpx.ConnectError(f"{target.authority} can't be reached: {exc}") from exc
        finally:
            self._dialing -= 1
        return connection

    async def _established(self, loop: asyncio.AbstractEventLoop, target: _Target) -> Connection:
        scheme, host, port = target.origin
        sock = await dial(host, port)
        secure = scheme == "https"
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(loop),
                sock=sock,
                ssl=self._tls() if secure else None,
                server_hostname=host if secure else None,
            )
        except BaseException:
            sock.close()
            raise
        self._open.add(connection)
        connection.on_lost(partial(self._lost, target.origin))
        return connection


class _Body(httpx.AsyncByteStream):
    """The answer's body, and what to do with its connection afterwards."""

    def __init__(
        self, channel: Channel, target: _Target, connection: Connection, forget: Callable[[], None] | None
    ) -> None:
        self._channel = channel
        self._target = target
        self._connection: Connection | None = connection
        self._forget = forget

    def __aiter__(self) -> _Body:
        return self

    async def __anext__(self) -> bytes:
        if self._connection is None:
            raise StopAsyncIteration
        data = await self._connection.chunk()
        if not data:
            await self.aclose()
            raise StopAsyncIteration
        return data

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            if self._forget is not None:
                self._forget()
            self._channel.release(self._target, connection)


def _cut(connection: Connection) -> None:
    connection.fail(Cut("local-only mode was switched on"))


def _end_now(limit: asyncio.Timeout, loop: asyncio.AbstractEventLoop) -> None:
    limit.reschedule(loop.time())


@lru_cache(maxsize=256)
def _target(url: str) -> _Target:
    """Raises `httpx.UnsupportedProtocol` for what is no http URL."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as exc:
        raise httpx.UnsupportedProtocol(f"not a URL: {exc}") from exc
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise httpx.UnsupportedProtocol("a URL must begin with http:// or https:// and name a host")
    host = parsed.raw_host.decode("ascii").strip("[]")
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    path = parsed.raw_path.decode("ascii")
    return _Target((parsed.scheme, host, port), host, parsed.netloc.decode("ascii"), path)


def _head(method: str, target: _Target, headers: Headers, length: int) -> bytes:
    """Raises `httpx.LocalProtocolError` where a value would be read as more than a value."""
    lines = [f"{method} {target.path} HTTP/1.1", f"host: {target.authority}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if length or method not in ("GET", "HEAD"):
        lines.append(f"content-length: {length}")
    text = "\r\n".join(lines)
    if text.count("\r") + text.count("\n") != 2 * (len(lines) - 1) or "\0" in text:
        raise httpx.LocalProtocolError("a header field holds a line end")
    try:
        return text.encode("latin-1") + b"\r\n\r\n"
    except UnicodeEncodeError as exc:
        raise httpx.LocalProtocolError("a header field holds what no header can") from exc
