"""A streamed answer on its way to the client: whole events only, in the client's format, to a proper end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Protocol

from athena.gateway.sse import Parser
from athena.gateway.types import Answer, Failure, StreamBroken

# Written down before the last bytes leave: what was answered is never missing from the ledger.
Finished = Callable[[str, Failure | None], Awaitable[None]]
ErrorEvent = Callable[[Failure], bytes]


class Back(Protocol):
    """From what the provider sends to what the client reads. Only whole events come out."""

    def feed(self, chunk: bytes) -> bytes: ...

    def end(self) -> bytes: ...


class Verbatim:
    """The same wire on both sides. An event that is cut is held until the rest comes: should the rest never
    come, the client reads an error and not half of something."""

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
        events = data.split(b"\n\n")
        return b"\n\n".join(event for event in events if not _is_usage(event))


class Translated:
    """Another wire: events are parsed and said again, one by one."""

    def __init__(self, feed: Callable[[bytes], bytes], end: Callable[[], bytes]) -> None:
        self._parser = Parser()
        self._feed = feed
        self._end = end

    def feed(self, chunk: bytes) -> bytes:
        return b"".join([self._feed(event.data) for event in self._parser.feed(chunk)])

    def end(self) -> bytes:
        return b"".join([self._feed(event.data) for event in self._parser.end()]) + self._end()


async def relay(answer: Answer, back: Back, error_event: ErrorEvent, finished: Finished) -> AsyncGenerator[bytes, None]:
    """The client's bytes. `finished` is awaited exactly once, whatever happens."""
    assert answer.chunks is not None
    told = False

    async def tell(outcome: str, failure: Failure | None) -> None:
        nonlocal told
        if not told:
            told = True
            await finished(outcome, failure)

    try:
        async for chunk in answer.chunks:
            said = back.feed(chunk)
            if answer.tap.done:
                await tell("broken" if answer.tap.failure else "ok", answer.tap.failure)
            if said:
                yield said
        last = back.end()
        await tell("broken" if answer.tap.failure else "ok", answer.tap.failure)
        if last:
            yield last
    except StreamBroken as broken:
        if not told:
            # After the end of what was said, a broken connection takes nothing away.
            await tell("broken", broken.failure)
            yield error_event(broken.failure)
    finally:
        await answer.chunks.aclose()
        await tell("cancelled", None)


def _after(data: bytes, mark: bytes) -> int:
    found = data.rfind(mark)
    return found + len(mark) if found >= 0 else 0


def _is_usage(event: bytes) -> bool:
    """The last event of a stream that was asked for usage: no choices, only the bill."""
    return b'"usage"' in event and (b'"choices":[]' in event or b'"choices": []' in event)
