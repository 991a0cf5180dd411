"""A provider that does exactly what a test tells it, byte by byte: pauses, resets, silence, half answers.

upstream.says(whole(429, b"{}", {"retry-after": "1"}), stream(b"data: …", 0.1, RESET))
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum


class Act(Enum):
    RESET = "the connection breaks"
    CLOSE = "the connection is closed"
    HANG = "nothing more, until the client leaves"


RESET, CLOSE, HANG = Act.RESET, Act.CLOSE, Act.HANG
# Bytes are sent, a number is a pause in seconds.
Step = bytes | float | Act


@dataclass(frozen=True, slots=True)
class Request:
    line: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Upstream:
    """`left`: connections that the client closed in the middle of an answer. `script` is used up answer by answer;
    after its end `always` is given."""

    url: str = ""
    script: deque[tuple[Step, ...]] = field(default_factory=deque)
    always: tuple[Step, ...] = ()
    requests: list[Request] = field(default_factory=list)
    left: int = 0
    answering: int = 0
    most: int = 0
    connections: set[asyncio.StreamWriter] = field(default_factory=set)

    def says(self, *answers: tuple[Step, ...]) -> None:
        self.script.extend(answers)

    async def idle(self) -> None:
        """Until nothing is being answered."""
        async with asyncio.timeout(5):
            while self.answering:
                await asyncio.sleep(0.005)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer)
        try:
            while (request := await _request(reader)) is not None:
                self.requests.append(request)
                answer = self.script.popleft() if self.script else self.always
                self.answering += 1
                self.most = max(self.most, self.answering)
                try:
                    await self._answer(answer, reader, writer)
                finally:
                    self.answering -= 1
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.connections.discard(writer)
            writer.close()

    async def _answer(
        self, answer: tuple[Step, ...], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        for step in answer:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif isinstance(step, Act):
                await self._act(step, reader, writer)
            elif await _left_within(step, reader):
                self.left += 1
                raise ConnectionError

    async def _act(self, act: Act, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if act is HANG:
            await _left_within(None, reader)
            self.left += 1
        elif act is RESET:
            # A linger of nothing makes the system send RST and not FIN.
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionError


@asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    made = Upstream()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        while made.connections:
            for writer in list(made.connections):
                writer.close()
            await asyncio.sleep(0.002)


def whole(status: int, body: bytes, headers: dict[str, str] | None = None) -> tuple[Step, ...]:
    fields = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    return (_head(status, fields) + body,)


def stream(*steps: Step, end: bool = True) -> tuple[Step, ...]:
    """Server-sent events in chunks; without `end` the last chunk never comes."""
    head = _head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
    body = [b"%x\r\n%s\r\n" % (len(step), step) if isinstance(step, bytes) else step for step in steps]
    return (head, *body, b"0\r\n\r\n") if end else (head, *body)


def free_address() -> str:
    """Where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{sock.getsockname()[1]}"


def _head(status: int, fields: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


async def _request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
    return Request(head[0], headers, await reader.readexactly(int(headers.get("content-length", "0"))))


async def _left_within(seconds: float | None, reader: asyncio.StreamReader) -> bool:
    """Whether the client closed the connection in this time; it sends nothing while it is answered."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await reader.read(1) == b""
    return False
