"""A stream of bytes as the lines of an export: whole, in order, none missing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator

from athena.errors import InvalidInput
from athena.memory.transfer.records import (
    Content,
    End,
    EvidenceRecord,
    Header,
    MemoryRecord,
    Record,
    RejectionRecord,
    ReviewRecord,
    TombstoneRecord,
    TwinRecord,
    bad,
    decode,
)

# More than the longest text that can be indexed, escaped.
LONGEST_LINE = 32 * 1024 * 1024
# By the names that the header counts them under.
_COUNTED: dict[str, type[Record]] = {
    "memories": MemoryRecord,
    "tombstones": TombstoneRecord,
    "evidence": EvidenceRecord,
    "twins": TwinRecord,
    "reviews": ReviewRecord,
    "rejections": RejectionRecord,
}


async def records(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, Header | Content]]:
    """Each record but the last with the number of its line, the header first.

    Raises `InvalidInput`, naming the line, for what is damaged, cut off, or not what was exported.
    """
    number, digest, seen = 0, hashlib.sha256(), Counter[type[Record]]()
    header: Header | None = None
    ended = False
    async for line in _lines(chunks):
        number += 1
        if ended:
            if line.strip():
                raise bad(number, "something follows the last line of the export")
            continue
        record = decode(line, number)
        if isinstance(record, End):
            assert header is not None
            for what, kind in _COUNTED.items():
                _check_count(number, what, seen[kind], getattr(header, what))
            _check_digest(number, record, digest.hexdigest())
            ended = True
            continue
        if isinstance(record, Header):
            if header is not None:
                raise bad(number, "another export begins here: import one at a time")
            header = record
        seen[type(record)] += 1
        digest.update(line)
        digest.update(b"\n")
        yield number, record
    if not number:
        raise bad(1, "the file is empty")
    if not ended:
        raise bad(number + 1, "the last line of the export is missing: it was cut off")


def _check_count(number: int, what: str, seen: int, announced: int | None) -> None:
    if announced not in (None, seen):
        raise bad(number, f"there were {seen} {what}, and the header says {announced}")


def _check_digest(number: int, end: End, digest: str) -> None:
    if end.sha256 not in (None, digest):
        raise bad(number, "what came before isn't what was exported: its SHA-256 is another one")


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Without their line feeds. Only the line that is coming in is held."""
    held: list[bytes] = []
    size, number = 0, 1
    async for chunk in chunks:
        *whole, rest = chunk.split(b"\n")
        for piece in whole:
            if size + len(piece) > LONGEST_LINE:
                raise _too_long(number)
            yield b"".join((*held, piece)) if held else piece
            held, size, number = [], 0, number + 1
        if rest:
            held.append(rest)
            size += len(rest)
            if size > LONGEST_LINE:
                raise _too_long(number)
    if held:
        yield b"".join(held)


def _too_long(number: int) -> InvalidInput:
    return bad(number, f"this is longer than {LONGEST_LINE} bytes")
