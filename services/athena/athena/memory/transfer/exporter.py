"""Everything remembered, as lines, while writing goes on: one snapshot, read page by page."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from athena.errors import Unavailable
from athena.memory.transfer.records import (
    VERSION,
    Belief,
    EmbeddingReference,
    End,
    EvidenceRecord,
    Header,
    Link,
    MemoryRecord,
    RejectionRecord,
    ReviewRecord,
    TombstoneRecord,
    TwinRecord,
    encode,
)
from athena.memory.types import Kind
from athena.store.pool import Database
from athena.store.sql import statements

if TYPE_CHECKING:
    from athena.store.pool import Connection

_SQL = statements("transfer")
_PAGE_ROWS = 500
_PAGE_BYTES = 2 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
# Each holds a connection for as long as its reader takes.
_AT_ONCE = 2
# In the order of the file, by their statements.
_LINKS: dict[str, type[Link]] = {
    "evidence": EvidenceRecord,
    "twins": TwinRecord,
    "reviews": ReviewRecord,
    "rejections": RejectionRecord,
}


class Exporter:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._running = 0

    async def export(self, project: str | None = None) -> AsyncGenerator[bytes]:
        """The export of one project, or of all, in pieces; its format is in `memory/export.md`.

        Close it: it holds a connection. Raises `Unavailable` at the first piece when others are being read.
        """
        if self._running >= _AT_ONCE:
            raise Unavailable(f"{_AT_ONCE} exports are being read just now", retry_after=10)
        self._running += 1
        try:
            async with (
                self._database.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                await connection.execute(_SQL["bound_idling"])
                async for chunk in _in_chunks(_lines(connection, project)):
                    yield chunk
        finally:
            self._running -= 1


async def _lines(connection: Connection, project: str | None) -> AsyncIterator[bytes]:
    counts = await connection.fetchrow(_SQL["count"], project)
    embedding = await connection.fetchrow(_SQL["embedding"])
    yield encode(
        Header(
            format="athena-memory",
            version=VERSION,
            **dict(counts),
            embedding=EmbeddingReference(**dict(embedding)) if embedding else None,
        )
    )
    place = 0
    while rows := await connection.fetch(_SQL["memories"], project, place, _PAGE_ROWS, _PAGE_BYTES):
        beliefs = await _beliefs(connection, rows)
        for row in rows:
            yield encode(_memory(row, beliefs.get(row["place"], [])))
        place = rows[-1]["place"]
    last = None
    while rows := await connection.fetch(_SQL["tombstones"], project, last, _PAGE_ROWS):
        for row in rows:
            yield encode(_tombstone(row))
        last = rows[-1]["uid"]
    for name, kind in _LINKS.items():
        place = other = 0
        while rows := await connection.fetch(_SQL[name], project, place, other, _PAGE_ROWS):
            for row in rows:
                yield encode(kind(**{field: row[field] for field in kind.__struct_fields__}))
            place, other = rows[-1]["place"], rows[-1]["other"]


async def _beliefs(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[int, list[Belief]]:
    """What was believed before of these memories, by their places."""
    found: dict[int, list[Belief]] = {}
    if revised := [row["place"] for row in rows if row["revised"]]:
        for row in await connection.fetch(_SQL["beliefs"], revised):
            found.setdefault(row["memory_id"], []).append(
                Belief(
                    valid_from=_utc(row["valid_from"]),
                    valid_until=row["valid_until"] and _utc(row["valid_until"]),
                    superseded_by=row["superseded_by"],
                    known_until=_utc(row["known_until"]),
                    holds=row["holds"],
                )
            )
    return found


async def _in_chunks(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Pieces worth sending, and at the end the line that says that this was all."""
    digest, waiting = hashlib.sha256(), bytearray()
    async for line in lines:
        waiting += line
        waiting += b"\n"
        if len(waiting) >= _CHUNK_BYTES:
            digest.update(waiting)
            yield bytes(waiting)
            waiting.clear()
    digest.update(waiting)
    waiting += encode(End(sha256=digest.hexdigest())) + b"\n"
    yield bytes(waiting)


def _memory(row: Mapping[str, Any], beliefs: list[Belief]) -> MemoryRecord:
    return MemoryRecord(
        id=row["uid"],
        lineage=row["lineage"],
        supersedes=row["supersedes"],
        superseded_by=row["superseded_by"],
        previous=row["previous"],
        project=row["project"],
        user_id=row["user_id"],
        agent_id=row["agent_id"],
        session_id=row["session"],
        memory_type=Kind(row["kind"]),
        content=row["content"],
        occurred_at=row["occurred_at"] and _utc(row["occurred_at"]),
        valid_from=_utc(row["valid_from"]),
        valid_until=row["valid_until"] and _utc(row["valid_until"]),
        recorded_at=row["recorded_at"],
        importance=row["importance"],
        tags=row["tags"],
        source=row["source"],
        times_seen=row["times_seen"],
        last_seen_at=_utc(row["last_seen_at"]),
        expires_at=row["expires_at"] and _utc(row["expires_at"]),
        derived=row["derived"],
        beliefs=beliefs,
        fingerprint=row["fingerprint"],
        metadata=msgspec.Raw(row["metadata"].encode()),
    )


def _tombstone(row: Mapping[str, Any]) -> TombstoneRecord:
    return TombstoneRecord(
        id=row["uid"],
        lineage=row["lineage"],
        project=row["project"],
        recorded_at=row["recorded_at"],
        forgotten_at=row["forgotten_at"],
    )


def _utc(moment: datetime) -> datetime:
    """The driver gives the infinities as the first and the last moment there is, of no time zone."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
