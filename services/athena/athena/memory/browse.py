"""Reading without a query, and forgetting."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING

from athena.errors import InvalidInput, NotFound
from athena.memory.names import Names
from athena.memory.rows import memory_of, scope_parameters, uid_of
from athena.memory.types import Filter, Forgotten, HistoryEntry, Memory, Page
from athena.store.pool import Database
from athena.store.sql import statements

if TYPE_CHECKING:
    import uuid

    from athena.store.pool import Connection

_SQL = statements("memory")


class Shelf:
    """Get, list, history, forget."""

    def __init__(self, database: Database, names: Names | None = None) -> None:
        self._database = database
        self._names = names or Names()

    async def get(self, id: str) -> Memory:
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(_SQL["get"], uid_of(id))
        if row is None:
            raise NotFound(f"there is no memory {id!r}")
        return memory_of(row)

    async def list(
        self, where: Filter, *, limit: int = 50, cursor: str | None = None, include_superseded: bool = False
    ) -> Page:
        """Newest first. A cursor stays valid while memories come and go."""
        after = _place(cursor)
        async with self._database.acquire() as connection:
            scope = await scope_parameters(connection, where, self._names, now=False)
            if scope is None:
                return Page((), None)
            rows = await connection.fetch(_SQL["list"], *scope, include_superseded, after, limit + 1)
        page = rows[:limit]
        more = len(rows) > limit
        return Page(tuple(memory_of(row) for row in page), str(page[-1]["place"]) if more else None)

    async def history(self, id: str) -> builtins.list[HistoryEntry]:
        """Every version of the memory that `id` is a version of, oldest first."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_SQL["history"], uid_of(id))
        if not rows:
            raise NotFound(f"there is no memory {id!r}")
        return [HistoryEntry(str(row["uid"]), row["action"], row["at"], row["content"]) for row in rows]

    async def forget(self, ids: Sequence[str], *, project: str | None = None) -> Forgotten:
        """These memories with all their versions, for good. Ids that aren't there, or not in `project`:
        `NotFound`, and nothing is forgotten."""
        uids = [uid_of(id) for id in ids]

        async def once(connection: Connection) -> Forgotten:
            lineages = [row["lineage"] for row in await connection.fetch(_SQL["lineages_of"], uids, project)]
            known = {row["uid"] for row in await connection.fetch(_SQL["versions"], lineages)}
            unknown = [str(uid) for uid in uids if uid not in known]
            if unknown:
                raise NotFound(f"there is no memory {unknown[0]!r}")
            return await self._forget(connection, lineages, dry_run=False)

        return await self._database.in_transaction(once)

    async def forget_where(
        self, where: Filter, *, query: str | None = None, limit: int = 1000, dry_run: bool = True
    ) -> Forgotten:
        """What the filter finds and, with `query`, holds every word of it; at most `limit` memories."""

        async def once(connection: Connection) -> Forgotten:
            scope = await scope_parameters(connection, where, self._names, now=False)
            if scope is None:
                return Forgotten((), 0, dry_run)
            found = await connection.fetch(_SQL["lineages_in_scope"], *scope, query, limit)
            return await self._forget(connection, [row["lineage"] for row in found], dry_run=dry_run)

        return await self._database.in_transaction(once)

    async def _forget(self, connection: Connection, lineages: builtins.list[uuid.UUID], *, dry_run: bool) -> Forgotten:
        statement = _SQL["versions"] if dry_run else _SQL["forget"]
        gone = [row["uid"] for row in await connection.fetch(statement, lineages)]
        # A version that was written while the statement waited for the one before it is seen only by the next.
        while not dry_run and (more := await connection.fetch(statement, lineages)):
            gone += [row["uid"] for row in more]
        if gone and not dry_run:
            await connection.execute(_SQL["forget_answers"], gone)
        return Forgotten(tuple(str(uid) for uid in gone), len(gone), dry_run)


def _place(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise InvalidInput("this cursor is none that a listing gave", hint="take next_cursor from the page before")
    return int(cursor)
