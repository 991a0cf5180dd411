"""Bodies that are as long as they are: read and written piece by piece, and never waited for without end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import ClassVar

import structlog
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from athena.errors import InvalidInput

_log = structlog.get_logger("athena.api")
NDJSON = "application/x-ndjson"
# How long the other side may take for one piece: meanwhile it holds a connection to PostgreSQL.
_PIECE_S = 60.0


class Body:
    """What a client sends, as it comes. `InvalidInput` when nothing comes for a minute."""

    longest_wait_s: ClassVar[float] = _PIECE_S

    def __init__(self, request: Request) -> None:
        self._pieces = request.stream()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            async with asyncio.timeout(self.longest_wait_s):
                return await anext(self._pieces)
        except TimeoutError as exc:
            raise InvalidInput(
                f"nothing came for {self.longest_wait_s:.0f} s", hint="nothing was imported: send it again"
            ) from exc

    async def drop(self) -> None:
        """Read what is left: a client that is still sending sees a broken connection rather than the answer."""
        with suppress(InvalidInput, ClientDisconnect):
            async for _ in self:
                pass


class Stream(StreamingResponse):
    """Answers with `chunks` after `first`, which is there already, so that what failed before it has a status."""

    longest_wait_s: ClassVar[float] = _PIECE_S

    def __init__(self, first: bytes, chunks: AsyncGenerator[bytes], headers: dict[str, str]) -> None:
        super().__init__(_after(first, chunks), media_type=NDJSON, headers=headers)
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def in_time(message: Message) -> None:
            async with asyncio.timeout(self.longest_wait_s):
                await send(message)

        try:
            await super().__call__(scope, receive, in_time)
        except (TimeoutError, ClientDisconnect):
            # An answer that isn't complete when this returns is broken off by the server: a reader sees that.
            _log.info("nobody reads on", path=scope["path"])
        finally:
            # Also when the reader has gone: a connection to PostgreSQL hangs on it.
            await self._chunks.aclose()


async def _after(first: bytes, chunks: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in chunks:
        yield chunk
