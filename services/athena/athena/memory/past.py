"""How a memory came to be what it is, and the way back: history, evidence, and undoing a supersession."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from athena.errors import Conflict, NotFound
from athena.memory.rows import uid_of
from athena.memory.types import HistoryEntry, Support
from athena.store.pool import Database
from athena.store.sql import statements

if TYPE_CHECKING:
    import uuid

    from athena.store.pool import Connection

_SQL = statements("past")


class Past:
    """What was known of a memory before, and why it is here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def history(self, id: str) -> list[HistoryEntry]:
        """Every version of the memory that `id` is a version of, and each time one was revised; oldest first."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_SQL["history"], uid_of(id))
        if not rows:
            raise _unknown(id)
        return [_entry(row) for row in rows]

    async def evidence(self, id: str) -> list[Support]:
        """What `id` was concluded from, oldest first; nothing, where it was told."""
        uid = uid_of(id)
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_SQL["evidence"], uid)
            if not rows and not await connection.fetchval(_SQL["is_there"], uid):
                raise _unknown(id)
        return [Support(str(row["uid"]), row["content"], row["quote"], row["occurred_at"]) for row in rows]

    async def restore(self, id: str) -> None:
        """Undo what superseded the version `id`: it stands again, true when it was believed to be before.

        The version that took its place is superseded by it, and stays in the history: it can be restored in turn.
        What came from elsewhere (see `replaced`) goes on as it is. `Conflict` where `id` is current, where its
        successor has one itself, or where another memory says the same by now.
        """
        uid = uid_of(id)
        await self._database.in_transaction(lambda connection: _restore_once(connection, uid))


async def _restore_once(connection: Connection, uid: uuid.UUID) -> None:
    old = await connection.fetchrow(_SQL["lock_superseded"], uid)
    if old is None:
        raise _unknown(str(uid))
    successor = old["superseded_by"]
    if successor is None:
        raise Conflict(f"memory {uid} is current", hint="nothing was changed")
    next_version = await connection.fetchrow(_SQL["lock_successor"], successor, old["lineage"])
    if next_version is not None and next_version["superseded_by"] is not None:
        raise Conflict(
            f"memory {successor}, which superseded {uid}, has been superseded itself",
            hint=f"restore {successor} first",
        )
    same = await connection.fetchval(_SQL["same_words"], old["project_id"], old["fingerprint"])
    if same is not None:
        raise Conflict(f"memory {same} says this already", hint="forget one of the two")
    await connection.execute(_SQL["stand_again"], uid)
    if next_version is not None:
        await connection.execute(_SQL["give_way"], successor, uid)


def _entry(row: Mapping[str, Any]) -> HistoryEntry:
    return HistoryEntry(
        id=str(row["uid"]),
        action=row["action"],
        at=row["at"],
        content=row["content"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        replaced_by=None if row["replaced_by"] is None else str(row["replaced_by"]),
    )


def _unknown(id: str) -> NotFound:
    return NotFound(f"there is no memory {id!r}")
