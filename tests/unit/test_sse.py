"""Server-sent events: what comes out doesn't depend on how the bytes were cut, nor on how the lines end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.gateway.sse import Event, Parser, encode

# No line ends: what a name or a line of data can hold.
lines = st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), max_size=12)
names = st.one_of(st.just(""), st.sampled_from(("message_start", "ping")), lines)
events = st.builds(Event, name=names, data=st.lists(lines, min_size=1, max_size=3).map(lambda x: "\n".join(x).encode()))
ends = st.sampled_from(("\n", "\r\n", "\r"))
noise = st.sampled_from(([], [":"], [": keep-alive"], ["id: 4"], ["retry: 10"], ["unknown"], [": a", "id"]))
cuts = st.lists(st.integers(min_value=0, max_value=400), max_size=20)


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[Event], list[int]]:
    """Bytes, the events in them, and where each of them ends."""
    written, told, boundaries = "", draw(st.lists(events, max_size=5)), []
    for event in told:
        fields = draw(noise) + ([_named(event.name, draw(st.booleans()))] if event.name else [])
        fields += [f"data: {line}" for line in event.data.decode().split("\n")] + draw(noise)
        end = draw(ends)
        written += "".join(field + (end if draw(st.booleans()) else "\n") for field in fields) + end
        boundaries.append(len(written.encode()))
    return written.encode(), told, boundaries


def _named(name: str, space: bool) -> str:
    """One space after the colon is the format's: a name that begins with one needs it."""
    return f"event: {name}" if space or name.startswith(" ") else f"event:{name}"


def parsed(data: bytes, at: list[int]) -> list[Event]:
    parser, found, begin = Parser(), [], 0
    for cut in [*sorted({cut for cut in at if cut < len(data)}), len(data)]:
        found += parser.feed(data[begin:cut])
        begin = cut
    return found + parser.end()


@given(streams(), cuts)
def test_events_are_the_same_however_the_bytes_are_cut(stream: tuple[bytes, list[Event], list[int]], at: list[int]):
    data, told, _ = stream
    assert parsed(data, at) == told
    assert parsed(data, list(range(len(data)))) == told, "one byte at a time"


@given(st.binary(max_size=200), cuts)
def test_any_bytes_give_the_same_events_however_they_are_cut(data: bytes, at: list[int]):
    assert parsed(data, at) == parsed(data, [])


@given(streams())
def test_a_boundary_is_where_an_event_has_ended_and_nowhere_else(stream: tuple[bytes, list[Event], list[int]]):
    data, _, boundaries = stream
    parser = Parser()
    assert parser.at_boundary
    begin = 0
    for boundary in boundaries:
        for position in range(begin, boundary - 1):
            parser.feed(data[position : position + 1])
            # The first half of a CRLF is a whole line end: the event is over, whatever follows.
            assert not parser.at_boundary or data[position : position + 1] == b"\r"
        parser.feed(data[boundary - 1 : boundary])
        assert parser.at_boundary
        begin = boundary


@given(events)
def test_what_is_encoded_is_read_again(event: Event):
    if b"\n" not in event.data and not event.name.startswith(" "):
        assert Parser().feed(encode(event.data, event.name)) == [event]


def test_a_line_without_a_colon_is_a_field_without_a_value():
    assert Parser().feed(b"event\ndata\n\n") == [Event("", b"")]
    assert Parser().feed(b"data\ndata\n\n") == [Event("", b"\n")]


def test_an_event_without_data_is_none_and_leaves_its_name_to_nobody():
    assert Parser().feed(b"event: ping\n\ndata: x\n\n") == [Event("", b"x")]


def test_only_one_space_after_the_colon_is_the_formats():
    assert Parser().feed(b"data:  x\ndata:y\n\n") == [Event("", b" x\ny")]


def test_a_byte_order_mark_is_no_part_of_the_first_field():
    assert parsed(b"\xef\xbb\xbfdata: a\n\ndata: \xef\xbb\xbfb\n\n", list(range(40))) == [
        Event("", b"a"),
        Event("", b"\xef\xbb\xbfb"),
    ]


def test_an_event_ends_with_its_empty_line_though_the_line_ends_are_lone_carriage_returns():
    parser = Parser()
    assert parser.feed(b"data: a\r\r") == [Event("", b"a")], "not only when the next one comes"
    assert parser.feed(b"data: b\r\n\r") == [Event("", b"b")]
    assert parser.feed(b"\ndata: c\n\n") == [Event("", b"c")]


def test_the_end_gives_what_lacks_only_its_empty_line():
    parser = Parser()
    assert parser.feed(b"data: a\n\nevent: last\ndata: b") == [Event("", b"a")]
    assert parser.end() == [Event("last", b"b")]
    assert parser.end() == []


@pytest.mark.parametrize("step", [1 << 20, 1 << 26])
def test_an_event_that_never_ends_is_refused_however_it_comes(step: int):
    parser, longest = Parser(), 1 << 26
    for _ in range(longest // step):
        assert parser.feed(b"x" * step) == []
    with pytest.raises(ValueError, match="64 MiB"):
        parser.feed(b"x")
