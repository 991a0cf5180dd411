"""Taps hear the same however a stream is cut, and hear it at the byte at which it is complete."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from athena.gateway import sse, wires
from athena.gateway.types import Tokens, Wire
from athena.gateway.wires.events import Splitter, events
from tests.fakes.wire_samples import (
    BLOCK,
    CHAT,
    DONE,
    END,
    ERROR,
    HELLO,
    MESSAGE,
    OVERLOADED,
    PING,
    START,
    STOP,
    USAGE,
    chunk,
    event,
)

# Text that looks like what taps look for.
NASTY = st.sampled_from(
    [
        "hello",
        "",
        "event: message_stop",
        "\n\nevent: error\ndata: {}\n\n",
        "data: [DONE]",
        '"usage":{"prompt_tokens":1}',
        '"finish_reason":"stop"',
        "message_delta \r\n\r\n error",
        "ü🦉\u2028",
    ]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]


def state(tap: wires.Ear) -> tuple[object, ...]:
    failure = tap.failure and (tap.failure.kind, tap.failure.message)
    return (tap.committed, tap.done, failure, tap.tokens, tap.stop)


def heard_at_once(wire: Wire, data: bytes) -> tuple[object, ...]:
    tap = wires.of(wire).listen()
    tap.feed(data)
    return state(tap)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """An Anthropic stream of any texts, maybe with an error in it, maybe ended early."""
    parts = [START]
    for index, text in enumerate(draw(st.lists(NASTY, max_size=4))):
        parts += [event("content_block_start", index=index, content_block={"type": "text", "text": ""}), PING]
        parts += [event("content_block_delta", index=index, delta={"type": "text_delta", "text": text})]
        parts += [event("content_block_stop", index=index)]
    parts += [STOP, END]
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), ERROR)
    return b"".join(parts[: draw(st.integers(1, len(parts)))])


@st.composite
def chats(draw: st.DrawFn) -> bytes:
    parts = [chunk({"role": "assistant", "content": ""}), b": comment\n\n"]
    for text in draw(st.lists(NASTY, max_size=4)):
        name = draw(st.sampled_from(["content", "reasoning_content"]))
        parts.append(chunk({name: text}))
    parts += [chunk({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": '{"usage":{}}'}}]})]
    parts += [chunk({}, "tool_calls"), chunk(usage=USAGE), DONE]
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), b'data: {"error":{"message":"no","type":"server_error"}}\n\n')
    return b"".join(parts[: draw(st.integers(1, len(parts)))])


STREAMS: dict[Wire, st.SearchStrategy[bytes]] = {"anthropic": messages(), "openai": chats()}


@pytest.mark.parametrize("wire", ["anthropic", "openai"])
@given(data=st.data(), end=ENDS, places=st.lists(st.integers(0, 5000), max_size=12))
def test_every_cutting_is_heard_alike(wire: Wire, data: st.DataObject, end: bytes, places: list[int]) -> None:
    stream = data.draw(STREAMS[wire]).replace(b"\n", end)
    tap = wires.of(wire).listen()
    for piece in cut(stream, places):
        tap.feed(piece)
    assert state(tap) == heard_at_once(wire, stream)
    assert tap.at_boundary


@pytest.mark.parametrize("wire", ["anthropic", "openai"])
@given(data=st.data())
def test_heard_at_the_byte_at_which_it_is_complete(wire: Wire, data: st.DataObject) -> None:
    """Byte by byte, against a parser that decodes everything."""
    stream = data.draw(STREAMS[wire])
    tap, parser, reference = wires.of(wire).listen(), sse.Parser(), REFERENCES[wire]
    heard: dict[str, Any] = {"committed": False, "done": False, "failed": False, "stop": None}
    for place in range(len(stream)):
        byte = stream[place : place + 1]
        tap.feed(byte)
        for each in parser.feed(byte):
            reference(heard, each)
        assert (tap.committed, tap.done, tap.failure is not None, tap.stop) == tuple(heard.values())
        assert tap.at_boundary == parser.at_boundary


def _anthropic(heard: dict[str, Any], event: sse.Event) -> None:
    data = json.loads(event.data)
    kind = data["type"]
    heard["committed"] |= kind.startswith("content_block")
    heard["done"] |= kind == "message_stop"
    heard["failed"] |= kind == "error"
    if kind == "message_delta":
        heard["stop"] = data["delta"]["stop_reason"]


def _openai(heard: dict[str, Any], event: sse.Event) -> None:
    if event.data == b"[DONE]":
        heard["done"] = True
        return
    data = json.loads(event.data)
    heard["failed"] |= "error" in data
    for choice in data.get("choices", ()):
        heard["committed"] |= any(choice["delta"].get(name) for name in ("content", "reasoning_content", "tool_calls"))
        heard["stop"] = choice["finish_reason"] or heard["stop"]


REFERENCES: dict[Wire, Callable[[dict[str, Any], sse.Event], None]] = {"anthropic": _anthropic, "openai": _openai}


@given(stream=messages(), end=ENDS, places=st.lists(st.integers(0, 5000), max_size=12), tail=st.binary(max_size=9))
@example(stream=START, end=b"\r\n", places=[len(START) + 1], tail=b"\n")
def test_splitter_keeps_every_byte_and_every_event(stream: bytes, end: bytes, places: list[int], tail: bytes) -> None:
    whole = stream.replace(b"\n", end)
    splitter = Splitter()
    given_back = [splitter.feed(piece) for piece in cut(whole + tail, places)]
    assert b"".join(given_back) + splitter.rest == whole + tail
    parser = sse.Parser()
    expected = [*parser.feed(whole + tail), *parser.end()]
    assert [*(each for piece in given_back for each in events(piece)), *events(splitter.rest)] == expected


def test_a_long_event_is_joined_once_and_bounded() -> None:
    splitter = Splitter()
    for _ in range(64):
        assert splitter.feed(b"x" * 1024 * 1024) == b""
    with pytest.raises(ValueError, match="64 MiB"):
        splitter.feed(b"x")


class TestAnthropic:
    def test_usage_is_cumulative_and_what_is_not_said_again_stays(self) -> None:
        tap = wires.of("anthropic").listen()
        for piece in MESSAGE:
            tap.feed(piece)
        assert tap.tokens == Tokens(input=7, cached=5, written=3, output=12)
        assert (tap.stop, tap.done, tap.failure) == ("end_turn", True, None)

    def test_the_start_and_pings_commit_nothing_and_the_first_block_does(self) -> None:
        tap = wires.of("anthropic").listen()
        tap.feed(START + PING)
        assert not tap.committed
        tap.feed(BLOCK)
        assert tap.committed

    def test_an_overload_inside_the_stream(self) -> None:
        tap = wires.of("anthropic").listen()
        tap.feed(START + ERROR)
        assert tap.failure is not None
        assert (tap.failure.kind, tap.failure.status, tap.failure.body) == ("overloaded", 529, OVERLOADED)
        assert not tap.committed

    def test_the_event_line_may_be_missing(self) -> None:
        tap = wires.of("anthropic").listen()
        for piece in MESSAGE:
            tap.feed(b"data:" + piece.partition(b"\ndata:")[2])
        assert (tap.committed, tap.done, tap.stop) == (True, True, "end_turn")

    def test_a_stream_without_its_end_is_not_done(self) -> None:
        tap = wires.of("anthropic").listen()
        tap.feed(START + BLOCK + HELLO + STOP)
        tap.end()
        assert not tap.done

    def test_a_last_event_without_its_empty_line_counts(self) -> None:
        tap = wires.of("anthropic").listen()
        tap.feed(START + BLOCK + STOP + END.rstrip(b"\n"))
        assert not tap.done
        tap.end()
        assert tap.done


class TestOpenAI:
    def test_usage_without_what_was_cached(self) -> None:
        tap = wires.of("openai").listen()
        for piece in CHAT:
            tap.feed(piece)
        assert tap.tokens == Tokens(input=4, cached=16, output=4)
        assert (tap.stop, tap.done) == ("stop", True)

    def test_what_google_thinks_is_only_in_the_total(self) -> None:
        tap = wires.of("openai").listen()
        tap.feed(chunk(usage={"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 53}))
        assert tap.tokens == Tokens(input=10, output=43)

    @pytest.mark.parametrize(
        "delta",
        [
            {"content": "x"},
            {"reasoning_content": "x"},
            {"tool_calls": [{"index": 0, "function": {"name": "f"}}]},
            {"refusal": "no"},
        ],
    )
    def test_content_commits(self, delta: dict[str, Any]) -> None:
        tap = wires.of("openai").listen()
        tap.feed(chunk({"role": "assistant", "content": ""}))
        assert not tap.committed
        tap.feed(chunk(delta))
        assert tap.committed

    def test_done_without_the_mark(self) -> None:
        tap = wires.of("openai").listen()
        tap.feed(chunk({"content": "x"}) + chunk({}, "length"))
        assert not tap.done
        tap.end()
        assert tap.done

    def test_an_error_with_a_number_for_a_code(self) -> None:
        tap = wires.of("openai").listen()
        tap.feed(b'data: {"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}\n\n')
        assert tap.failure is not None
        assert tap.failure.kind == "overloaded"

    def test_what_is_not_as_documented_is_still_content_with_a_bill(self) -> None:
        tap = wires.of("openai").listen()
        tap.feed(b'data: {"choices":[{"delta":"odd"}],"usage":{"prompt_tokens":2,"completion_tokens":1}}\n\n')
        assert (tap.committed, tap.failure, tap.tokens) == (True, None, Tokens(input=2, output=1))

    def test_cut_json_before_content_is_a_failure(self) -> None:
        tap = wires.of("openai").listen()
        tap.feed(b'data: {"choices":[{"del\n\n')
        assert tap.failure is not None
        assert tap.failure.kind == "server"


@pytest.mark.parametrize("wire", ["anthropic", "openai"])
def test_what_we_put_into_a_stream_is_heard_as_meant(wire: Wire) -> None:
    speech = wires.of(wire)
    for kind in ("rate", "spend", "overloaded", "timeout", "auth", "missing", "context", "request", "server"):
        tap = speech.listen()
        tap.feed(speech.PING + speech.error_event("two\nlines", kind))
        assert tap.failure is not None
        said = json.loads(tap.failure.body)["error"]
        assert (said["message"], said["source"]) == ("two\nlines", "athena")
        if wire == "anthropic" and kind != "context":
            assert tap.failure.kind == kind
