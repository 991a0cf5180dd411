"""The lines of an export: what is damaged is named by its line, however the bytes come in."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athena.errors import InvalidInput
from athena.memory.transfer import lines
from athena.memory.transfer.lines import records
from athena.memory.transfer.records import MemoryRecord, decode

HEADER = b'{"record":"header","format":"athena-memory","version":1,"memories":2,"tombstones":1}'
FIRST = (
    b'{"record":"memory","id":"0192f0c1-2345-7abc-8def-0123456789ab","project":"kitchen","memory_type":"fact",'
    b'"content":"Ada prefers tea","valid_from":"2026-11-20T09:30:00Z","recorded_at":"2026-11-20T09:30:00Z",'
    b'"metadata":{"n": 1.10, "m": 12345678901234567890123456789.123456789}}'
)
SECOND = FIRST.replace(b'ab"', b'ac"', 1).replace(b"tea", "Käse\u2028und Brot".encode())
STONE = (
    b'{"record":"tombstone","id":"0192f0c1-2345-7abc-8def-0123456789ad","lineage":"0192f0c1-2345-7abc-8def-0123456789ad",'
    b'"project":"kitchen","recorded_at":"2026-11-20T09:30:00Z","forgotten_at":"2026-11-20T09:31:00Z"}'
)
BEFORE = b"".join(line + b"\n" for line in (HEADER, FIRST, SECOND, STONE))
END = b'{"record":"end","sha256":"%s"}\n' % hashlib.sha256(BEFORE).hexdigest().encode()
WHOLE = BEFORE + END


async def read(data: bytes, sizes: list[int] | None = None) -> list[tuple[int, Any]]:
    async def chunks() -> AsyncIterator[bytes]:
        left, cuts = data, iter(sizes or [])
        while left:
            size = next(cuts, len(left))
            piece, left = left[:size], left[size:]
            yield piece

    return [each async for each in records(chunks())]


@given(st.lists(st.integers(0, 60), max_size=60))
@settings(max_examples=60, deadline=None)
async def test_how_the_bytes_are_cut_changes_nothing(sizes: list[int]) -> None:
    assert await read(WHOLE, sizes) == await read(WHOLE)


async def test_each_record_comes_with_the_number_of_its_line() -> None:
    found = await read(WHOLE)
    assert [number for number, _ in found] == [1, 2, 3, 4]
    _, first = found[1]
    assert isinstance(first, MemoryRecord)
    assert bytes(first.metadata) == b'{"n": 1.10, "m": 12345678901234567890123456789.123456789}'
    assert found[2][1].content == "Ada prefers Käse\u2028und Brot"


@given(st.data())
@settings(max_examples=150, deadline=None)
async def test_one_changed_or_missing_byte_is_always_found(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(BEFORE) - 1))
    other = data.draw(st.sampled_from([b"", b"x", b"7", b'"', b"}", b"\n", b"\xff", b"\x00"]))
    changed = WHOLE[:at] + other + WHOLE[at + 1 :]
    if changed == WHOLE:
        return
    with pytest.raises(InvalidInput, match=r"^line \d+: "):
        await read(changed)


@given(st.integers(0, len(WHOLE) - 2))
@settings(max_examples=100, deadline=None)
async def test_a_file_that_was_cut_off_is_never_taken_for_a_whole_one(length: int) -> None:
    with pytest.raises(InvalidInput, match=r"^line \d+: "):
        await read(WHOLE[:length])


def changed(old: bytes, new: bytes) -> Callable[[], bytes]:
    def make() -> bytes:
        assert old in WHOLE
        return WHOLE.replace(old, new, 1)

    return make


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: b"", "line 1: the file is empty"),
        (lambda: b"\n", "line 1: this is no export"),
        (lambda: FIRST + b"\n", "line 1: this is no export"),
        (changed(b'"version":1', b'"version":3,"later":true'), "line 1: this export has format 3"),
        (lambda: BEFORE, "line 5: the last line of the export is missing"),
        (lambda: WHOLE + WHOLE, "line 6: something follows"),
        (lambda: BEFORE + WHOLE, "line 5: another export begins here"),
        (lambda: WHOLE.replace(SECOND + b"\n", b""), "line 4: there were 1 memories, and the header says 2"),
        (changed(b"prefers", b"detests"), "line 5: what came before isn't what was exported"),
        (changed(b'"memory_type":"fact"', b'"memory_type":"gossip"'), "line 2: .*gossip.*memory_type"),
        (changed(b'"project":"kitchen",', b""), "line 2: .*project"),
        (changed(b'"project"', b'"Project"'), "line 2: .*Project"),
        (changed(b'"metadata":{', b'"metadata":[{'), "line 2: this isn't JSON"),
        (changed(b"09:30:00Z", b"09:30:00"), "line 2: .*timezone"),
        (changed(b"2026-11-20T09:30:00Z", b"0001-01-01T00:00:00+02:00"), "line 2: valid_from must be between"),
        (changed(b"Ada", b"\xffda"), "line 2: this isn't UTF-8"),
        (changed(b'{"n": 1.10', b'{"n\xff": 1.10'), "line 2: this isn't UTF-8"),
        (changed(b'{"n": 1.10', b'{"n": ' + b"[" * 10_000 + b"1" + b"]" * 10_000), "line 2: this is nested too deep"),
    ],
)
async def test_what_is_wrong_is_said_with_its_line(make: Callable[[], bytes], said: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{said}") as refused:
        await read(make())
    assert refused.value.hint


async def test_what_speaks_of_memories_is_read_and_counted() -> None:
    one, other = b"0192f0c1-2345-7abc-8def-0123456789ab", b"0192f0c1-2345-7abc-8def-0123456789ac"
    links = [
        b'{"record":"evidence","pattern":"%s","memory":"%s","quote":"tea"}' % (one, other),
        b'{"record":"twin","memory":"%s","original":"%s","likeness":0.9,"since":"2026-11-20T09:30:00Z"}' % (one, other),
        b'{"record":"review","memory":"%s","because":"%s","since":"2026-11-20T09:30:00Z"}' % (one, other),
        b'{"record":"rejection","project":"kitchen","memories":["%s"],"at":"2026-11-20T09:30:00Z"}' % one,
    ]
    believed = FIRST.replace(
        b'"metadata"',
        b'"derived":true,"expires_at":"2090-01-01T00:00:00Z","beliefs":[{"valid_from":"2026-11-20T09:30:00Z",'
        b'"valid_until":null,"superseded_by":null,"known_until":"2026-11-20T09:31:00Z"}],"metadata"',
    )
    header = (
        b'{"record":"header","format":"athena-memory","version":2,"evidence":1,"twins":1,"reviews":1,"rejections":1}'
    )
    file = [header, believed, *links, b'{"record":"end"}', b""]
    found = await read(b"\n".join(file))
    assert [type(record).__name__ for _, record in found[2:]] == [
        *("EvidenceRecord", "TwinRecord", "ReviewRecord", "RejectionRecord"),
    ]
    assert found[1][1].beliefs[0].known_until.minute == 31
    for place, what in enumerate(("evidence", "twins", "reviews", "rejections"), 2):
        with pytest.raises(InvalidInput, match=f"there were 0 {what}, and the header says 1"):
            await read(b"\n".join(file[:place] + file[place + 1 :]))
    for old, new in ((b"09:31:00Z", b"09:31:00"), (b"2026-11-20T09:31:00Z", b"0001-01-01T00:00:00+02:00")):
        with pytest.raises(InvalidInput, match=r"^line 2: .*(known_until|timezone)"):
            await read(b"\n".join([header, believed.replace(old, new), *file[2:]]))


async def test_counts_and_digest_may_be_left_out_by_who_writes_a_file_by_hand() -> None:
    by_hand = b"\n".join(
        (b'{"record":"header","format":"athena-memory","version":1}', SECOND, b'{"record":"end"}', b"", b"")
    )
    assert [number for number, _ in await read(by_hand)] == [1, 2]


async def test_a_line_without_end_is_refused_before_it_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 1_000)
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        yield HEADER + b"\n"
        while True:
            taken += 100
            yield b"x" * 100

    with pytest.raises(InvalidInput, match=r"^line 2: this is longer"):
        [each async for each in records(endless())]
    assert taken < 1_300


def test_what_was_said_in_a_damaged_line_is_not_repeated() -> None:
    with pytest.raises(InvalidInput) as refused:
        decode(FIRST.replace(b'"content":"Ada prefers tea"', b'"content":["Ada prefers tea"]'), 7)
    assert "prefers" not in str(refused.value)
