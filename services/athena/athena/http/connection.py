"""One HTTP/1.1 connection, as an asyncio protocol around llhttp: one exchange at a time, then the next.

Written for the gateway, where most of a request's cost is its transport: a streamed answer takes a
sixth of httpx's CPU time this way (the numbers are in DECISION-channel.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import httptools
import httpx

Fields = list[tuple[bytes, bytes]]

# More than any provider sends; a server that never ends its header fields must not fill the memory.
_LONGEST_HEAD: Final = 256 * 1024
# Unread bytes of an answer at which its server is made to wait.
_HIGH_WATER: Final = 256 * 1024
_NO_BODY: Final = (204, 304)


class Cut(httpx.ReadError):
    """The exchange was ended from this side: what it was allowed for is no longer allowed."""


class Connection(asyncio.Protocol):
    """`send`, then `head`, then `chunk` until it is empty. Failures are httpx's exceptions.

    Whoever is cancelled while waiting, or leaves before the end, closes the connection: there is
    no way to tell a server of HTTP/1.1 to stop but that.
    """

    _transport: asyncio.Transport
    # Of the exchange that is under way.
    _status: int
    _fields: Fields
    _body: list[bytes]
    _unread: int
    _head_size: int
    _has_head: bool
    _bodiless: bool
    _until_closed: bool
    _paused: bool
    _heard: float
    _patience: float
    _read_s: float

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._failure: httpx.TransportError | None = None
        self._on_lost: Callable[[Connection], None] | None = None
        self.closed = False
        # An answer is owed from `send` until its last byte was seen.
        self._ended = True
        self._keep = True
        self._forget_answer()

    @property
    def reusable(self) -> bool:
        """The answer is complete, and both sides can go on with another one."""
        # A server that answered before it read the whole request would take its rest for the next one.
        return self._ended and self._keep and not self.closed and self._transport.get_write_buffer_size() == 0

    @property
    def idle_s(self) -> float | None:
        """How long the server said it keeps the connection open."""
        for name, value in self._fields:
            if name.lower() == b"keep-alive":
                _, found, number = value.lower().partition(b"timeout=")
                digits = number.partition(b",")[0].strip()
                return float(digits) if found and digits.isdigit() else None
        return None

    def send(self, method: str, head: bytes, content: bytes, *, first_s: float, read_s: float) -> None:
        """`first_s`: seconds until the answer's header fields, `read_s`: of silence in its body."""
        self._forget_answer()
        self._ended = False
        self._bodiless = method == "HEAD"
        self._patience, self._read_s = first_s, read_s
        self._transport.writelines((head, content) if content else (head,))
        self._heard = self._loop.time()
        self._timer = self._loop.call_at(self._heard + first_s, self._look)

    async def head(self) -> tuple[int, Fields]:
        """Status and header fields of the final answer (not of a 100 or 103 before it)."""
        while not self._has_head:
            if self._failure is not None:
                raise self._failure
            await self._wait()
        return self._status, self._fields

    async def chunk(self) -> bytes:
        """What has come of the body since the last call, at least a byte; empty at its end."""
        while not self._body:
            if self._ended:
                return b""
            if self._failure is not None:
                raise self._failure
            await self._wait()
        body = self._body
        data = body[0] if len(body) == 1 else b"".join(body)
        body.clear()
        self._unread = 0
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        return data

    def rest(self) -> None:
        """The exchange is over: no clock runs, and nothing may come any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def abort(self) -> None:
        self.rest()
        self.closed = True
        self._transport.abort()

    def fail(self, failure: httpx.TransportError) -> None:
        """End the exchange with `failure` for whoever waits or asks next."""
        if not self._ended and self._failure is None:
            self._failure = failure
        self.abort()
        self._wake()

    def on_lost(self, tell: Callable[[Connection], None]) -> None:
        self._on_lost = tell

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream's transport both reads and writes

    def data_received(self, data: bytes) -> None:
        if self._ended:
            # Nothing was asked: an answer to somebody else's question, or a late word of the last one.
            self.abort()
            return
        self._heard = self._loop.time()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.fail(httpx.RemoteProtocolError("the server changed to another protocol"))
            return
        except httptools.HttpParserError as exc:
            self.fail(httpx.RemoteProtocolError(f"the server's answer isn't HTTP/1.1: {exc}"))
            return
        if not self._has_head:
            self._head_size += len(data)
            if self._head_size > _LONGEST_HEAD:
                self.fail(httpx.RemoteProtocolError("the server's header fields don't end"))
            return
        if self._unread > _HIGH_WATER and not self._paused and not self._ended:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self.rest()
        if not self._ended:
            if exc is None and self._has_head and self._until_closed:
                self._ended = True
            elif self._failure is None:
                self._failure = _lost(exc, self._has_head or self._head_size > 0)
        self._wake()
        if self._on_lost is not None:
            self._on_lost(self)

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self._ended:
            # Two answers to one question.
            self._keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        # What follows a body in chunks is no header field: nobody may be told of a length or a type afterwards.
        if not self._has_head:
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        if self._ended:
            return
        self._status = self._parser.get_status_code()
        if self._status < 200:
            return
        self._has_head = True
        self._keep = self._parser.should_keep_alive()
        if self._bodiless:
            self._keep, self._ended = False, True
        elif not self._keep:
            self._until_closed = self._status not in _NO_BODY and not any(
                name.lower() in (b"content-length", b"transfer-encoding") for name, _ in self._fields
            )
        if self._read_s != self._patience:
            self._patience = self._read_s
            self._look()

    def on_body(self, data: bytes) -> None:
        if not self._ended:
            self._body.append(data)
            self._unread += len(data)

    def on_message_complete(self) -> None:
        if self._has_head:
            self._ended = True
        else:
            self._fields = []

    # Waiting, and the clock.

    async def _wait(self) -> None:
        self._heard = self._loop.time()
        waiter = self._waiter = self._loop.create_future()
        try:
            await waiter
        except asyncio.CancelledError:
            self.abort()
            raise
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _look(self) -> None:
        """The clock is set once per exchange and moved only when it strikes, not at every chunk.

        Silence counts while somebody waits for it to end: a reader that takes its time is not the server's fault.
        """
        self.rest()
        now = self._loop.time()
        due = (self._heard if self._waiter is not None else now) + self._patience
        if now >= due:
            what = "say anything more" if self._has_head else "answer"
            self.fail(httpx.ReadTimeout(f"the server didn't {what} for {self._patience:g} s"))
        else:
            self._timer = self._loop.call_at(due, self._look)

    def _forget_answer(self) -> None:
        self._status = 0
        self._fields = []
        self._body = []
        self._unread = 0
        self._head_size = 0
        self._has_head = False
        self._bodiless = False
        self._until_closed = False
        self._paused = False
        self._heard = 0.0
        self._patience = self._read_s = 0.0


def _lost(exc: Exception | None, begun: bool) -> httpx.TransportError:
    if exc is not None:
        return httpx.ReadError(f"the connection broke: {exc}")
    if begun:
        return httpx.RemoteProtocolError("the server closed the connection before its answer was complete")
    return httpx.RemoteProtocolError("the server closed the connection without an answer")
