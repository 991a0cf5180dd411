"""What keys and projects want done to their requests.

All of it is read at once and kept for a moment: a request costs no query for it, and a change is
felt everywhere within two seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from athena.errors import NotFound
from athena.store.fresh import Fresh
from athena.store.pool import Database
from athena.store.sql import statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

_SQL = statements("preferences")
_FRESH_S = 2.0
LEAST_MEMORY_TOKENS, MOST_MEMORY_TOKENS = 50, 20_000


@dataclass(frozen=True, slots=True)
class Choices:
    """None: not said. `project` (of a key only): where its requests belong. `memory_tokens`: at most so much
    recalled text per request. `capture`: whether what is said may be remembered."""

    project: str | None = None
    compress: bool | None = None
    memory: bool | None = None
    memory_tokens: int | None = None
    capture: bool | None = None


NAMES = tuple(each.name for each in fields(Choices))
UNSAID = Choices()


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who said anything, and what."""

    keys: Mapping[str, Choices] = field(default_factory=dict)
    projects: Mapping[str, Choices] = field(default_factory=dict)


class Preferences:
    """Every method but `current` raises `StoreUnavailable` while PostgreSQL is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._fresh: Fresh[None, Chosen] = Fresh(self._read, for_s=_FRESH_S)

    async def current(self) -> Chosen:
        """At most two seconds old; older while PostgreSQL is away. Raises `StoreUnavailable` if nothing was ever
        read."""
        return await self._fresh.get(None)

    async def change_key(self, name: str, changes: Mapping[str, Any]) -> Choices:
        """Set what is named in `changes`, None to take it back; all that holds now. Raises `NotFound`."""
        values = [changes.get(each) for each in NAMES]
        row = await self._change("change_key", name, *values, list(changes))
        if row is None:
            raise NotFound(f"there is no key named {name}", hint="athena keys list")
        return _choices(row)

    async def change_project(self, name: str, changes: Mapping[str, Any]) -> Choices:
        """The same for a project, which need not hold anything yet."""
        values = [changes.get(each) for each in NAMES if each != "project"]
        row = await self._change("change_project", name, *values, list(changes))
        assert row is not None
        return _choices(row)

    async def clear_key(self, name: str) -> bool:
        """Whether there was anything to clear."""
        return await self._change("drop_key", name) is not None

    async def clear_project(self, name: str) -> bool:
        return await self._change("drop_project", name) is not None

    async def has_key(self, name: str) -> bool:
        async with self._database.acquire() as connection:
            return bool(await connection.fetchval(_SQL["is_key"], name))

    async def _change(self, statement: str, *values: Any) -> asyncpg.Record | None:
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(_SQL[statement], *values)
        self._fresh.outdate(None)
        return row

    async def _read(self, _: None) -> Chosen:
        async with self._database.acquire() as connection:
            rows: Sequence[asyncpg.Record] = await connection.fetch(_SQL["read"])
        return Chosen(
            keys={row["name"]: _choices(row) for row in rows if row["of_key"]},
            projects={row["name"]: _choices(row) for row in rows if not row["of_key"]},
        )


def _choices(row: asyncpg.Record) -> Choices:
    return Choices(**{name: row[name] for name in NAMES})
