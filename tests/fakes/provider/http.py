"""HTTP/1.1 on bare sockets: a server that can break every promise an HTTP server makes.

A framework's server won't reset a connection in the middle of an answer, stay silent after
half an event or stop listening for a while. This one does, and is fast enough that a soak
measures the gateway and not the fake.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}
_LARGEST_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """`headers` have lower-case names; of a repeated one the values are joined with a comma."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class Reply:
    """The way back to one client. Nothing is sent until asked; what is sent goes out at once."""

    def __init__(self, transport: asyncio.Transport, writable: asyncio.Event, *, head_only: bool) -> None:
        self._transport = transport
        self._writable = writable
        self._head_only = head_only
        self.begun = False
        self.open = True

    def send(self, status: int, headers: dict[str, str], body: bytes, *, length: int | None = None) -> None:
        """All of an answer. `length`: what `content-length` says when it lies."""
        head = _head(status, {**headers, "content-length": str(len(body) if length is None else length)})
        self.begun = True
        self._transport.write(head if self._head_only else head + body)

    def begin(self, status: int, headers: dict[str, str], first: bytes = b"") -> None:
        """The head of a chunked answer, and its first chunk in the same segment."""
        self.begun = True
        head = _head(status, {**headers, "transfer-encoding": "chunked"})
        self._transport.write(head + (_chunk(first) if first else b""))

    def write(self, data: bytes) -> None:
        self._transport.write(_chunk(data))

    async def drain(self) -> None:
        await self._writable.wait()

    def end(self) -> None:
        self._transport.write(b"0\r\n\r\n")

    def close(self) -> None:
        """The connection ends, tidily for TCP and in the middle of things for HTTP."""
        self.open = False
        self._transport.close()

    def reset(self) -> None:
        """RST: the other side gets "connection reset by peer", and loses what it hasn't read."""
        self.open = False
        sock: socket.socket = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


Answer = Callable[[Request, Reply], Awaitable[None]]


class Server:
    """Listens on a free port of 127.0.0.1. A client that leaves cancels the answer it was waiting for."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._server: asyncio.Server | None = None
        self.connections: set[_Connection] = set()
        self.accepted = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def listen(self, port: int = 0) -> None:
        """Again on the same port after `refuse`."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self, self._answer), "127.0.0.1", port or self.port, backlog=1024, reuse_address=True
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """From now on "connection refused"; connections that are kept alive end, answers under way go on."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in list(self.connections):
            if not connection.busy:
                connection.drop()

    async def stop(self) -> None:
        self.refuse()
        answers = [task for connection in list(self.connections) if (task := connection.drop()) is not None]
        await asyncio.gather(*answers, return_exceptions=True)


class _Connection(asyncio.Protocol):
    def __init__(self, server: Server, answer: Answer) -> None:
        self._server = server
        self._answer = answer
        self._buffer = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    @property
    def busy(self) -> bool:
        return self._task is not None

    def drop(self) -> asyncio.Task[None] | None:
        if self._task is not None:
            self._task.cancel()
        self._transport.abort()
        return self._task

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections.add(self)
        self._server.accepted += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._writable.set()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._task is None:
            self._next()

    def _next(self) -> None:
        try:
            request = _take(self._buffer)
        except ValueError:
            self._transport.abort()
            return
        if request is not None:
            self._task = asyncio.get_running_loop().create_task(self._serve(request))

    async def _serve(self, request: Request) -> None:
        reply = Reply(self._transport, self._writable, head_only=request.method == "HEAD")
        try:
            await self._answer(request, reply)
        except asyncio.CancelledError:
            return  # the client has left
        except Exception:
            reply.close()  # whoever gave us `answer` keeps the exception
            return
        self._task = None
        if reply.open and request.headers.get("connection", "").lower() == "close":
            reply.close()
        elif reply.open and self._buffer:
            self._next()


def _take(buffer: bytearray) -> Request | None:
    """The first whole request, taken off the buffer. Raises `ValueError` for what is no HTTP."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > _LARGEST_HEAD:
            raise ValueError("an endless head")
        return None
    first, *lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name, value = name.strip().lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    start = end + 4
    if "chunked" in headers.get("transfer-encoding", ""):
        body, after = _dechunk(buffer, start)
    else:
        after = start + int(headers.get("content-length", "0"))
        body = bytes(buffer[start:after]) if len(buffer) >= after else None
    if body is None:
        return None
    del buffer[:after]
    path, _, query = target.partition("?")
    return Request(method, path, query, headers, body)


def _dechunk(buffer: bytearray, at: int) -> tuple[bytes | None, int]:
    parts: list[bytes] = []
    while True:
        line = buffer.find(b"\r\n", at)
        if line < 0:
            return None, at
        size = int(bytes(buffer[at:line]).partition(b";")[0], 16)
        at = line + 2 + size + 2
        if len(buffer) < at:
            return None, at
        if size == 0:
            return b"".join(parts), at
        parts.append(bytes(buffer[line + 2 : at - 2]))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}\r\n{lines}\r\n".encode("latin-1")
