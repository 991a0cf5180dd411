"""Reading without a query."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from athena.errors import InvalidInput, NotFound
from athena.memory.names import Names
from athena.memory.rows import memory_of, scope_parameters, uid_of
from athena.memory.types import Filter, Memory, Page, Unused
from athena.store.pool import Database
from athena.store.sql import statements

_SQL = statements("memory")
_USE = statements("use")


class Shelf:
    """Get, list, and what is never asked for."""

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
            scope = await scope_parameters(connection, where, self._names, everything=True)
            if scope is None:
                return Page((), None)
            rows = await connection.fetch(_SQL["list"], *scope, include_superseded, after, limit + 1)
        page = rows[:limit]
        more = len(rows) > limit
        return Page(tuple(memory_of(row) for row in page), str(page[-1]["place"]) if more else None)

    async def unused(
        self, project: str, *, older_than_days: float = 30, limit: int = 50, cursor: str | None = None
    ) -> Unused:
        """What is true and was never recalled, recorded so long ago; oldest first."""
        after = _place(cursor)
        before = datetime.now(UTC) - timedelta(days=older_than_days)
        async with self._database.acquire() as connection:
            number = (await self._names.projects(connection, [project])).get(project)
            if number is None:
                return Unused((), None, 0, 0, None)
            counted = await connection.fetchrow(_USE["count_unused"], number, before)
            rows = await connection.fetch(_USE["unused"], number, before, after, limit + 1)
        page, more = rows[:limit], len(rows) > limit
        return Unused(
            tuple(memory_of(row) for row in page),
            str(page[-1]["place"]) if more else None,
            counted["unused"],
            counted["memories"],
            counted["oldest"],
        )


def _place(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise InvalidInput("this cursor is none that a listing gave", hint="take next_cursor from the page before")
    return int(cursor)
