"""Some hundred lines of an export at a time, into the tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
import msgspec

from athena.memory.identity import fingerprint, speaker
from athena.memory.names import Names
from athena.memory.transfer.links import REFUSED, take_in, text, why
from athena.memory.transfer.records import Content, Link, MemoryRecord, TombstoneRecord, bad
from athena.memory.transfer.tally import Tally
from athena.memory.types import NewMemory, Scope
from athena.store.sql import statements

if TYPE_CHECKING:
    from uuid import UUID

    from athena.store.pool import Connection

_SQL = statements("transfer")
_ROWS = 500
_BYTES = 2 * 1024 * 1024

_Numbered: TypeAlias = tuple[int, MemoryRecord]


class Batch:
    """Gathers records and takes them in, some hundred at a time, in the order they come."""

    def __init__(self, connection: Connection, tally: Tally, *, revive: bool) -> None:
        self._connection = connection
        self._tally = tally
        self._revive = revive
        # Its own: what this transaction makes may be undone.
        self._names = Names()
        self._memories: dict[UUID, _Numbered] = {}
        self._tombstones: dict[UUID, tuple[int, TombstoneRecord]] = {}
        self._links: list[tuple[int, Link]] = []
        self._bytes = 0

    async def add(self, line: int, record: Content) -> None:
        if not isinstance(record, MemoryRecord | TombstoneRecord):
            self._links.append((line, record))
            if len(self._links) >= _ROWS:
                await self.flush()
            return
        if record.id in self._memories or record.id in self._tombstones:
            # The same id again: what the first one became has to be known.
            await self.flush()
        if isinstance(record, TombstoneRecord):
            self._tombstones[record.id] = (line, record)
        else:
            self._memories[record.id] = (line, record)
            self._bytes += len(record.content) + len(bytes(record.metadata)) + 100 * len(record.beliefs)
        if len(self._memories) + len(self._tombstones) >= _ROWS or self._bytes >= _BYTES:
            await self.flush()

    async def flush(self) -> None:
        memories, tombstones = list(self._memories.values()), list(self._tombstones.values())
        links = self._links
        self._memories, self._tombstones, self._links, self._bytes = {}, {}, [], 0
        if memories:
            try:
                await self._in_savepoint(memories)
            except (asyncpg.UniqueViolationError, *REFUSED):
                await self._find_refused(memories)
        if tombstones:
            await self._bury(tombstones)
        if links:
            await take_in(self._connection, links, self._tally)

    async def _in_savepoint(self, memories: Sequence[_Numbered]) -> None:
        async with self._connection.transaction():
            superseded, stored = await self._store([record for _, record in memories])
        tally, rest = self._tally, [each for each in memories if each[1].id not in stored]
        tally.memories += len(memories)
        tally.created += len(stored)
        tally.superseded += len(superseded)
        if rest:
            await self._explain(rest, superseded)

    async def _find_refused(self, memories: Sequence[_Numbered]) -> None:
        """PostgreSQL says what it can't take, and not where: one line at a time says that too."""
        for line, record in memories:
            try:
                await self._in_savepoint([(line, record)])
            except REFUSED as exc:
                raise bad(line, f"this can't be stored: {why(exc)}") from exc

    async def _store(self, memories: list[MemoryRecord]) -> tuple[set[UUID], set[UUID]]:
        """The ids of what was brought up to date, and of what was new."""
        if self._revive:
            await self._connection.execute(_SQL["revive"], [each.id for each in memories])
        superseded = await self._bring_up_to_date(memories)
        projects = await self._names.ensure_projects(self._connection, sorted({each.project for each in memories}))
        sessions = await self._names.ensure_sessions(
            self._connection,
            sorted({(projects[each.project], each.session_id) for each in memories if each.session_id}),
        )
        stored = await self._connection.fetch(_SQL["take_in"], *_columns(memories, projects, sessions))
        new = {row["uid"] for row in stored}
        await self._take_in_beliefs([each for each in memories if each.id in new or each.id in superseded])
        return superseded, new

    async def _bring_up_to_date(self, memories: list[MemoryRecord]) -> set[UUID]:
        """What is known here, and of which the file knows more."""
        beliefs = [(each.id, place, belief) for each in memories for place, belief in enumerate(each.beliefs)]
        rows = await self._connection.fetch(
            _SQL["bring_up_to_date"],
            [each.id for each in memories],
            [each.lineage or each.id for each in memories],
            [each.superseded_by for each in memories],
            [each.content for each in memories],
            [text(each.valid_from) for each in memories],
            [text(each.valid_until) for each in memories],
            [id for id, _, _ in beliefs],
            [place for _, place, _ in beliefs],
            [text(belief.valid_from) for _, _, belief in beliefs],
            [text(belief.valid_until) for _, _, belief in beliefs],
            [belief.superseded_by for _, _, belief in beliefs],
        )
        return {row["uid"] for row in rows}

    async def _take_in_beliefs(self, memories: list[MemoryRecord]) -> None:
        beliefs = [(each.id, belief) for each in memories for belief in each.beliefs]
        if not beliefs:
            return
        # What was believed here as well is among them.
        await self._connection.execute(_SQL["drop_beliefs"], list({id for id, _ in beliefs}))
        await self._connection.execute(
            _SQL["take_in_beliefs"],
            [id for id, _ in beliefs],
            [text(belief.valid_from) for _, belief in beliefs],
            [text(belief.valid_until) for _, belief in beliefs],
            [belief.superseded_by for _, belief in beliefs],
            [text(belief.known_until) for _, belief in beliefs],
            [belief.holds for _, belief in beliefs],
        )

    async def _explain(self, left: Sequence[_Numbered], superseded: set[UUID]) -> None:
        """Why these weren't stored."""
        rows = await self._connection.fetch(
            _SQL["standing"],
            [record.id for _, record in left],
            [record.lineage or record.id for _, record in left],
            [record.content for _, record in left],
            [record.memory_type.value for _, record in left],
            [record.project for _, record in left],
        )
        standing = {row["uid"]: row for row in rows}
        for line, record in left:
            here = standing[record.id]
            if not here["known"]:
                self._tally.left_out(line, record.id, "forgotten" if here["forgotten"] else "duplicate")
            elif not here["same"]:
                self._tally.left_out(line, record.id, "different")
            elif record.superseded_by and record.superseded_by not in here["superseded_by"]:
                self._tally.left_out(line, record.id, "diverged")
            elif record.id not in superseded:
                self._tally.known += 1

    async def _bury(self, tombstones: Sequence[tuple[int, TombstoneRecord]]) -> None:
        records = [record for _, record in tombstones]
        projects = await self._names.ensure_projects(self._connection, sorted({each.project for each in records}))
        buried = await self._connection.fetch(
            _SQL["take_in_tombstones"],
            [each.id for each in records],
            [projects[each.project] for each in records],
            [each.lineage for each in records],
            [text(each.recorded_at) for each in records],
            [text(each.forgotten_at) for each in records],
        )
        self._tally.tombstones += len(buried)
        if len(buried) < len(records):
            rows = await self._connection.fetch(_SQL["remembered"], [each.id for each in records])
            alive = {row["uid"] for row in rows}
            for line, record in tombstones:
                if record.id in alive:
                    self._tally.left_out(line, record.id, "remembered")


def _columns(
    memories: list[MemoryRecord], projects: dict[str, int], sessions: dict[tuple[int, str], int]
) -> list[list[Any]]:
    """The parameters of the statement `take_in`: one array per column."""
    rows = [
        (
            m.id,
            projects[m.project],
            sessions[projects[m.project], m.session_id] if m.session_id else None,
            m.user_id,
            m.agent_id,
            m.memory_type.value,
            m.content,
            _fingerprint(m),
            text(m.occurred_at),
            text(m.valid_from),
            text(m.valid_until),
            text(m.recorded_at),
            m.importance,
            json.dumps(m.tags),
            bytes(m.metadata).decode(),
            m.source,
            m.lineage or m.id,
            m.supersedes,
            m.superseded_by,
            m.times_seen,
            text(m.last_seen_at or m.recorded_at),
            m.previous,
            speaker(m.content),
            text(m.expires_at),
            m.derived,
        )
        for m in memories
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _fingerprint(memory: MemoryRecord) -> bytes:
    if memory.fingerprint is not None:
        return bytes.fromhex(memory.fingerprint)
    scope = Scope(memory.project, memory.user_id, memory.agent_id, memory.session_id)
    metadata = msgspec.json.decode(memory.metadata)
    return fingerprint(NewMemory(memory.content, memory.memory_type, scope, memory.occurred_at, metadata=metadata))
