"""A streamed answer on its way to the client: whole events only, in the client's format, to a proper end."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final, Protocol

import structlog

from athena.gateway.sse import Parser
from athena.gateway.types import Answer, Failure, StreamBroken

# Written down before the last bytes leave: what was answered is never missing from the ledger.
Finished = Callable[[str, Failure | None], Awaitable[None]]
# Between two events: the mark stays with the first.
_ENDS: Final = re.compile(rb"(?<=\n\n)|(?<=\r\n\r\n)")
ErrorEvent = Callable[[Failure], bytes]

log = structlog.get_logger(__name__)


class Back(Protocol):
    """From what the provider sends to what the client reads. Only whole events come out."""

    @property
    def failed(self) -> bool:
        """It had to say an error of its own."""

    def feed(self, chunk: bytes) -> bytes: ...

    def end(self) -> bytes: ...


class Verbatim:
    """The same wire on both sides. An event that is cut is held until the rest comes: should the rest never
    come, the client reads an error and not half of something."""

    failed = False

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> bytes:
        data = self._rest + chunk if self._rest else chunk
        if data.endswith(b"\n\n"):
            self._rest = b""
            return data
        cut = max(_after(data, b"\n\n"), _after(data, b"\r\n\r\n"))
        self._rest = data[cut:]
        return data[:cut]

    def end(self) -> bytes:
        rest, self._rest = self._rest, b""
        return rest + b"\n\n" if rest.strip() else b""


class WithoutUsage(Verbatim):
    """The OpenAI wire, for a client that didn't ask for the event of usage that Athena needs."""

    def feed(self, chunk: bytes) -> bytes:
        data = super().feed(chunk)
        if b'"usage"' not in data:
            return data
        return b"".join(event for event in _ENDS.split(data) if not _is_usage(event))


class Said(Protocol):
    """A translation, event by event: `feed` takes the data of one."""

    failed: bool

    def feed(self, data: bytes) -> bytes: ...

    def end(self) -> bytes: ...


class Translated:
    """Another wire: events are parsed and said again, one by one."""

    def __init__(self, said: Said) -> None:
        self._parser = Parser()
        self._said = said

    @property
    def failed(self) -> bool:
        return self._said.failed

    def feed(self, chunk: bytes) -> bytes:
        return b"".join([self._said.feed(event.data) for event in self._parser.feed(chunk)])

    def end(self) -> bytes:
        return b"".join([self._said.feed(event.data) for event in self._parser.end()]) + self._said.end()


class Listener(Protocol):
    """Hears what the client gets."""

    def heard(self, said: bytes) -> None: ...

    def over(self) -> None:
        """All of it was said, to its proper end."""


class Relay:
    """The client's bytes, whole events at a time. Must be closed, begun or not. `finished` is awaited exactly once,
    whatever happens."""

    def __init__(
        self,
        answer: Answer,
        back: Back,
        error_event: ErrorEvent,
        finished: Finished,
        listener: Listener | None = None,
    ) -> None:
        assert answer.chunks is not None
        self._tap = answer.tap
        self._upstream = answer.chunks
        self._back = back
        self._error_event = error_event
        self._finished = finished
        self._listener = listener
        self._told = False
        self._chunks = self._said()

    def __aiter__(self) -> Relay:
        return self

    async def __anext__(self) -> bytes:
        said = await anext(self._chunks)
        if self._listener is not None:
            self._listener.heard(said)
        return said

    async def aclose(self) -> None:
        try:
            await self._chunks.aclose()
        finally:
            # A generator that was never begun has no end of its own.
            await self._upstream.aclose()
            await self._tell("cancelled", None)

    async def _said(self) -> AsyncGenerator[bytes, None]:
        try:
            async for chunk in self._upstream:
                said = self._back.feed(chunk)
                if self._tap.done:
                    await self._end()
                if said:
                    yield said
            last = self._back.end()
            await self._end()
            if last:
                yield last
            if self._listener is not None and not self._failed:
                self._listener.over()
        except StreamBroken as broken:
            if not self._told:
                # After the end of what was said, a broken connection takes nothing away.
                await self._tell("broken", broken.failure)
                yield self._error_event(broken.failure)
        except Exception:
            # A provider that says what nobody thought of mustn't leave its client without an end.
            log.exception("an answer couldn't be passed on")
            if not self._told:
                failure = Failure("server", "the provider's answer can't be understood")
                await self._tell("broken", failure)
                yield self._error_event(failure)
        finally:
            await self._upstream.aclose()
            await self._tell("cancelled", None)

    @property
    def _failed(self) -> bool:
        return self._tap.failure is not None or self._back.failed

    async def _end(self) -> None:
        await self._tell("broken" if self._failed else "ok", self._tap.failure)

    async def _tell(self, outcome: str, failure: Failure | None) -> None:
        if not self._told:
            self._told = True
            await self._finished(outcome, failure)


def _after(data: bytes, mark: bytes) -> int:
    found = data.rfind(mark)
    return found + len(mark) if found >= 0 else 0


def _is_usage(event: bytes) -> bool:
    """The last event of a stream that was asked for usage: no choices, only the bill."""
    return b'"usage"' in event and (b'"choices":[]' in event or b'"choices": []' in event)
