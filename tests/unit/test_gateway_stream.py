"""A stream on its way through: whole events, one end, told once."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.gateway.flow.stream import Back, Relay, Translated, Verbatim, WithoutUsage
from athena.gateway.types import Answer, Attempt, Failure, Model, Provider, StreamBroken, Tokens

EVENTS = [
    b'event: message_start\ndata: {"type":"message_start"}\n\n',
    b'event: content_block_delta\r\ndata: {"type":"content_block_delta"}\r\n\r\n',
    b"event: ping\ndata: {}\n\n",
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
]
MODEL = Model(Provider("p", "anthropic", "http://localhost", True, "anthropic"), "m")


@dataclass
class Listening:
    """A tap that knows the end when it sees it."""

    committed: bool = True
    done: bool = False
    at_boundary: bool = True
    failure: Failure | None = None
    tokens: Tokens | None = None
    stop: str | None = None
    seen: bytes = b""

    def feed(self, chunk: bytes) -> None:
        self.seen += chunk
        self.done = b"message_stop" in self.seen


@dataclass
class Heard:
    told: list[str] = field(default_factory=list)
    before: list[bytes] = field(default_factory=list)
    said: list[bytes] = field(default_factory=list)

    async def finished(self, outcome: str, failure: Failure | None) -> None:
        self.told.append(outcome)
        self.before = list(self.said)


def answer_of(chunks: list[bytes], broken: Failure | None = None) -> tuple[Answer, list[str]]:
    tap, closed = Listening(), []

    async def upstream() -> AsyncIterator[bytes]:
        try:
            for chunk in chunks:
                tap.feed(chunk)
                yield chunk
            if broken:
                raise StreamBroken(broken)
        finally:
            closed.append("closed")

    return Answer(MODEL, 200, {}, tap, [Attempt(MODEL, 0.0)], chunks=upstream()), closed


def error_event(failure: Failure) -> bytes:
    return b"event: error\ndata: {}\n\n"


async def passed(chunks: list[bytes], back: Back, broken: Failure | None = None) -> tuple[Heard, list[str]]:
    answer, closed = answer_of(chunks, broken)
    heard = Heard()
    async for said in Relay(answer, back, error_event, heard.finished):
        heard.said.append(said)
    return heard, closed


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % len(data) for place in places}), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges) if a < b]


@given(st.lists(st.integers(0, 10_000)))
async def test_verbatim_says_every_byte_and_only_whole_events(places: list[int]) -> None:
    data = b"".join(EVENTS)
    heard, closed = await passed(cut(data, places), Verbatim())
    assert b"".join(heard.said) == data
    assert all(said.endswith((b"\n\n", b"\r\n\r\n")) for said in heard.said)
    assert (heard.told, closed) == (["ok"], ["closed"])
    assert b"message_stop" not in b"".join(heard.before), "told before the last bytes leave"


@given(st.lists(st.integers(0, 10_000)), st.integers(0, 2))
async def test_a_broken_stream_ends_with_an_error_and_never_inside_an_event(places: list[int], whole: int) -> None:
    data = b"".join(EVENTS[:whole]) + EVENTS[whole][:20]
    heard, closed = await passed(cut(data, places), Verbatim(), Failure("timeout", "silence"))
    assert b"".join(heard.said) == b"".join(EVENTS[:whole]) + error_event(Failure("timeout", ""))
    assert (heard.told, closed) == (["broken"], ["closed"])


async def test_a_connection_that_breaks_after_the_end_takes_nothing_away() -> None:
    heard, _ = await passed([b"".join(EVENTS)], Verbatim(), Failure("unreachable", "reset"))
    assert b"".join(heard.said) == b"".join(EVENTS)
    assert heard.told == ["ok"]


async def test_a_client_that_leaves_closes_the_upstream() -> None:
    answer, closed = answer_of(EVENTS)
    heard = Heard()
    stream = Relay(answer, Verbatim(), error_event, heard.finished)
    await anext(stream)
    await stream.aclose()
    assert (heard.told, closed) == (["cancelled"], ["closed"])


@given(st.lists(st.integers(0, 10_000)))
async def test_the_usage_that_nobody_asked_for_is_left_out(places: list[int]) -> None:
    content = b'data: {"choices":[{"index":0,"delta":{"content":"the \\"usage\\" of"}}],"usage":null}\n\n'
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n'
    done = b"data: [DONE]\n\n"
    heard, _ = await passed(cut(content + usage + done, places), WithoutUsage())
    assert b"".join(heard.said) == content + done


@given(st.lists(st.integers(0, 10_000)))
async def test_another_wire_is_said_again_event_by_event(places: list[int]) -> None:
    said = Echo()
    heard, _ = await passed(cut(b"".join(EVENTS), places), Translated(said))
    assert len(said.seen) == len(EVENTS)
    assert heard.said[-1].endswith(b"data: end\n\n")


class Echo:
    """A translation that says what it hears, or fails at the second event."""

    def __init__(self, *, breaks: bool = False) -> None:
        self.failed = False
        self.seen: list[bytes] = []
        self._breaks = breaks

    def feed(self, data: bytes) -> bytes:
        self.seen.append(data)
        if self._breaks and len(self.seen) == 2:
            raise KeyError("nobody thought of this")
        return b"data: " + data + b"\n\n"

    def end(self) -> bytes:
        return b"data: end\n\n"


async def test_what_nobody_thought_of_ends_in_an_error_event() -> None:
    heard, closed = await passed([EVENTS[0], EVENTS[2]], Translated(Echo(breaks=True)))
    assert heard.said[-1] == error_event(Failure("server", ""))
    assert (heard.told, closed) == (["broken"], ["closed"])


async def test_an_error_that_the_translation_had_to_say_is_told() -> None:
    said = Echo()
    said.failed = True
    heard, _ = await passed(EVENTS, Translated(said))
    assert heard.told == ["broken"]


async def test_a_stream_that_was_never_begun_is_closed_all_the_same() -> None:
    answer, _ = answer_of(EVENTS)
    closing: list[str] = []

    class Unread:
        def __aiter__(self) -> AsyncIterator[bytes]:
            raise AssertionError("nobody reads it")

        async def aclose(self) -> None:
            closing.append("closed")

    answer.chunks = Unread()  # type: ignore[assignment]
    heard = Heard()
    await Relay(answer, Verbatim(), error_event, heard.finished).aclose()
    assert (heard.told, closing) == (["cancelled"], ["closed"])


@pytest.mark.parametrize("outcome", [Failure("overloaded", "inside the stream")])
async def test_an_error_inside_the_stream_is_passed_on_and_told(outcome: Any) -> None:
    answer, _ = answer_of([EVENTS[0], b'event: error\ndata: {"type":"error"}\n\n'])
    answer.tap.failure = outcome
    heard = Heard()
    said = [chunk async for chunk in Relay(answer, Verbatim(), error_event, heard.finished)]
    assert said[-1].startswith(b"event: error")
    assert heard.told == ["broken"]
