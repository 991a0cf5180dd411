"""A streamed answer: bytes as they come, from the first on, to a known end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import httpx

from athena.gateway.egress.lanes import Pass
from athena.gateway.egress.trial import Trial
from athena.gateway.egress.upstream import FOREIGN, body_of, failure_of, refusal
from athena.gateway.types import Failure, StreamBroken
from athena.gateway.wires import Ear, Speech

# A complete answer whose connection isn't ended isn't waited for longer than this.
_AFTER_END_S: Final = 1.0
_NO_STREAM: Final = ("application/json", "text/html")


class Flow:
    """The chunks of one answer. Must be closed, which ends the exchange with the provider at any point of it;
    `on_close` is called then.

    An error event that comes after content is handed on like any other chunk and seen in `tap.failure`;
    `StreamBroken` is raised where the provider fell silent or the connection ended too early.
    """

    def __init__(
        self, open: Callable[[], Awaitable[httpx.Response]], speech: Speech, attempt: Trial, admission: Pass
    ) -> None:
        self.tap: Ear = speech.listen()
        self.response: httpx.Response | None = None
        self.on_close: Callable[[], None] | None = None
        self._open = open
        self._speech = speech
        self._attempt = attempt
        self._admission = admission
        self._beginning: asyncio.Task[None] | None = None
        self._parts: AsyncIterator[bytes]
        self._held: list[bytes] = []
        self._ended = False
        self._closed = False

    async def begun(self, wait_s: float) -> None:
        """Wait until there is content, for `wait_s` at most; where there is none by then, the reader of the chunks
        goes on waiting. Raises `StreamBroken` for an answer that never began."""
        # A task, for it may outlast this call; one per attempt, none per chunk.
        self._beginning = asyncio.create_task(self._begin())
        await asyncio.wait((self._beginning,), timeout=wait_s)
        if self._beginning.done():
            await self._have_begun(self._beginning)

    def __aiter__(self) -> Flow:
        return self

    async def __anext__(self) -> bytes:
        if self._beginning is not None:
            await self._have_begun(self._beginning)
        if self._held:
            held, self._held = b"".join(self._held), []
            return held
        if self._ended:
            raise StopAsyncIteration
        tap = self.tap
        if tap.done or tap.failure is not None:
            return await self._after_end()
        chunk = await self._read()
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = self._ended = True
        try:
            await self._stop_beginning()
            self._held.clear()
            if self.response is not None:
                await self.response.aclose()
        finally:
            self._attempt.over("cancelled", tap=self.tap)
            self._admission.leave()
            if self.on_close is not None:
                self.on_close()

    async def _begin(self) -> None:
        """To the first content, or to the end of an answer without any."""
        try:
            self.response = response = await self._open()
            self._attempt.status = response.status_code
            failure = await refusal(response, self._speech) or _no_stream(response)
        except FOREIGN as exc:
            raise self._failed(failure_of(exc)) from exc
        if failure is not None:
            raise self._failed(failure)
        self._parts = body_of(response)
        tap = self.tap
        while not (tap.committed or tap.done or tap.failure is not None):
            chunk = await self._read()
            if chunk:
                self._held.append(chunk)
        if tap.failure is not None and not tap.committed:
            raise StreamBroken(tap.failure)
        self._admission.began()

    async def _have_begun(self, beginning: asyncio.Task[None]) -> None:
        await beginning
        self._beginning = None

    async def _stop_beginning(self) -> None:
        beginning, self._beginning = self._beginning, None
        if beginning is None:
            return
        beginning.cancel()
        await asyncio.wait((beginning,))
        if not beginning.cancelled():
            # Looked at, so that nobody complains that it never was.
            beginning.exception()

    async def _read(self) -> bytes:
        """The next chunk, heard; empty at the end of a complete answer. Raises `StreamBroken`."""
        tap = self.tap
        try:
            chunk = await anext(self._parts, b"")
            if chunk:
                tap.feed(chunk)
            else:
                tap.end()
        except FOREIGN as exc:
            raise self._failed(failure_of(exc)) from exc
        except ValueError as exc:
            raise self._failed(Failure("server", str(exc))) from exc
        if tap.committed and self._attempt.first_ms is None:
            self._attempt.content()
        if tap.failure is not None:
            self._note(tap.failure)
        elif tap.done and self._attempt.outcome is None:
            self._attempt.over("ok", tap=tap)
            self._admission.good()
        if not chunk:
            self._ended = True
            if not tap.done and tap.failure is None:
                raise self._failed(Failure("server", "the answer ended before it was complete"))
        return chunk

    async def _after_end(self) -> bytes:
        """What follows the end mark, nothing as a rule: read, so that the connection can be used again."""
        try:
            async with asyncio.timeout(_AFTER_END_S):
                chunk = await anext(self._parts, b"")
        except FOREIGN:
            chunk = b""
        if chunk:
            return chunk
        self._ended = True
        raise StopAsyncIteration

    def _failed(self, failure: Failure) -> StreamBroken:
        self._ended = True
        self._note(failure)
        return StreamBroken(failure)

    def _note(self, failure: Failure) -> None:
        if self._attempt.outcome is None:
            self._attempt.over("broken" if self.tap.committed else "error", failure, self.tap)
            self._admission.bad(failure)


def _no_stream(response: httpx.Response) -> Failure | None:
    """A stream was asked for, and this is something else."""
    kind = str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()
    if kind in _NO_STREAM:
        return Failure("server", f"answered with {kind} where a stream was asked for")
    return None
