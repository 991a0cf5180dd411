"""What speaks of memories, into the tables: evidence, twins, reviews, rejections. Never of one that isn't here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
import msgspec

from athena.memory.transfer.records import (
    EvidenceRecord,
    Link,
    RejectionRecord,
    ReviewRecord,
    TwinRecord,
    bad,
)
from athena.memory.transfer.tally import Tally
from athena.store.sql import statements

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from athena.store.pool import Connection

_SQL = statements("transfer")
# What PostgreSQL says of a value that it can't take.
REFUSED = (asyncpg.DataError, asyncpg.ProgramLimitExceededError, UnicodeEncodeError)

_Numbered: TypeAlias = tuple[int, Any]


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind of line is taken in: what it is counted as, its columns, of what it speaks first."""

    name: str
    columns: Callable[[Any], tuple[object, ...]]
    subject: Callable[[Any], UUID | None]


_KINDS: dict[type[Link], _Kind] = {
    EvidenceRecord: _Kind("evidence", lambda each: (each.pattern, each.memory, each.quote), lambda each: each.memory),
    TwinRecord: _Kind(
        "twins",
        lambda each: (each.memory, each.original, each.likeness, text(each.since)),
        lambda each: each.memory,
    ),
    ReviewRecord: _Kind(
        "reviews", lambda each: (each.memory, each.because, text(each.since)), lambda each: each.memory
    ),
    RejectionRecord: _Kind(
        "rejections",
        lambda each: (each.project, msgspec.json.encode(each.memories).decode(), text(each.at)),
        lambda each: each.memories[0] if each.memories else None,
    ),
}


async def take_in(connection: Connection, links: Sequence[tuple[int, Link]], tally: Tally) -> None:
    """Raises `InvalidInput`, naming the line, for what can't be stored."""
    for record, kind in _KINDS.items():
        if not (of_kind := [each for each in links if isinstance(each[1], record)]):
            continue
        try:
            await _in_savepoint(connection, kind, of_kind, tally)
        except REFUSED:
            for line, each in of_kind:
                try:
                    await _in_savepoint(connection, kind, [(line, each)], tally)
                except REFUSED as exc:
                    raise bad(line, f"this can't be stored: {why(exc)}") from exc


async def _in_savepoint(connection: Connection, kind: _Kind, links: Sequence[_Numbered], tally: Tally) -> None:
    columns = [list(column) for column in zip(*(kind.columns(each) for _, each in links), strict=True)]
    async with connection.transaction():
        row = await connection.fetchrow(_SQL[f"take_in_{kind.name}"], *columns)
    assert row is not None
    setattr(tally, kind.name, getattr(tally, kind.name) + row["created"])
    for place in row["missing"]:
        line, each = links[place - 1]
        tally.left_out(line, kind.subject(each), "missing")


def text(moment: datetime | None) -> str | None:
    """The driver takes the first moment of the year 1 for minus infinity; PostgreSQL reads it as it is."""
    return None if moment is None else moment.isoformat()


def why(exc: Exception) -> str:
    return "half of a surrogate pair" if isinstance(exc, UnicodeEncodeError) else str(exc)
