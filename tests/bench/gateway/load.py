"""Requests over kept connections, timed: to the first byte of the body and to the last."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PATIENCE_S = 60.0
_LINE = "The quick brown fox of module {} jumps over lazy dog number {}.\n"


@dataclass(frozen=True, slots=True)
class Shape:
    """What is asked: `size` bytes of body, `wire` `messages` or `chat`."""

    wire: str
    size: int
    stream: bool

    @property
    def label(self) -> str:
        return f"{self.wire} {self.size / 1000:g} KB {'stream' if self.stream else 'whole'}"


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds."""

    first: float
    total: float


def body(shape: Shape, model: str) -> bytes:
    """A conversation of that size: one short question, or a long one of lines that all differ."""
    request: dict[str, Any] = {"model": model, "max_tokens": 256, "messages": []}
    if shape.stream:
        request["stream"] = True
    empty = len(json.dumps({**request, "messages": [{"role": "user", "content": ""}]}))
    text = "".join(_LINE.format(line * 7919 % 1009, line) for line in range(shape.size // 40 + 1))
    request["messages"] = [{"role": "user", "content": text[: max(1, shape.size - empty)].rstrip() or "Hi"}]
    return json.dumps(request, separators=(",", ":")).encode()


class Target:
    """One gateway (or the provider itself) and how it is asked."""

    def __init__(self, port: int, path: str, headers: Mapping[str, str]) -> None:
        self._port = port
        lines = [f"POST {path} HTTP/1.1", f"host: 127.0.0.1:{port}", "content-type: application/json", "accept: */*"]
        self._head = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items())])

    async def run(self, content: bytes, requests: int, at_once: int) -> list[Timed]:
        """Raises `RuntimeError` for any answer that isn't a 200."""
        wire = f"{self._head}\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content
        shares = [requests // at_once + (place < requests % at_once) for place in range(at_once)]
        timed = await asyncio.gather(*(self._connection(wire, share) for share in shares))
        return [one for some in timed for one in some]

    async def _connection(self, wire: bytes, requests: int) -> list[Timed]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        try:
            async with asyncio.timeout(_PATIENCE_S + requests):
                return [await self._request(reader, writer, wire) for _ in range(requests)]
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wire: bytes) -> Timed:
        started = time.perf_counter()
        writer.write(wire)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(f"answered {head[:60]!r} {(await reader.read(500))!r}")
        first = await self._read_body(reader, head)
        return Timed(1e3 * (first - started), 1e3 * (time.perf_counter() - started))

    async def _read_body(self, reader: asyncio.StreamReader, head: bytes) -> float:
        """When its first byte came."""
        at = head.find(b"content-length:")
        if at >= 0:
            left = int(head[at + 15 :].split(b"\r\n", 1)[0])
            first = await reader.readexactly(1)
            arrived = time.perf_counter()
            await reader.readexactly(left - len(first))
            return arrived
        arrived = 0.0
        while True:
            size = int(await reader.readuntil(b"\r\n"), 16)
            arrived = arrived or time.perf_counter()
            await reader.readexactly(size + 2)
            if size == 0:
                return arrived
