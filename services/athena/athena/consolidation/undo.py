"""A run taken back: what it made goes, what it changed is as it was. What people changed since stays theirs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from athena.consolidation.runs import Runs
from athena.errors import Conflict
from athena.store.pool import Database
from athena.store.sql import statements

if TYPE_CHECKING:
    from athena.store.pool import Connection

_SQL = statements("runs")


@dataclass(frozen=True, slots=True)
class Undone:
    """`runs`: those that were taken back, the latest first. `changes`: how many of their changes. `kept`: ids of
    memories that somebody changed since, which stay as they are."""

    runs: tuple[int, ...]
    changes: int
    kept: tuple[str, ...]


async def undo(database: Database, runs: Runs, run: int, *, with_later: bool = False) -> Undone:
    """Take `run` back, all of it or nothing. Where later runs stand on it: `Conflict` that names them, unless
    `with_later`. An undone run is left as it is."""
    found = await runs.get(run)
    if found.state == "undone":
        return Undone((), 0, ())
    async with database.acquire() as connection:
        project = await connection.fetchval(_SQL["project_of"], run)
    async with runs.holding(project):

        async def once(connection: Connection) -> Undone:
            chain = await _standing_on(connection, run)
            if chain[1:] and not with_later:
                later = ", ".join(map(str, chain[1:]))
                raise Conflict(
                    f"run {run} can't be undone alone: later ones stand on it ({later})",
                    hint=f"athena consolidate undo {run} --with-later",
                )
            await connection.execute(_SQL["rewinding"])
            count, kept, touched = 0, set[uuid.UUID](), set[uuid.UUID]()
            for each in reversed(chain):
                for row in await connection.fetch(_SQL["to_undo"], each):
                    subject = row["subject"]
                    touched.add(subject)
                    # What is kept is kept whole: its evidence goes with its words.
                    if (subject in kept and row["action"] != "concluded") or not await _take_back(connection, row):
                        kept.add(subject)
                    else:
                        count += 1
                await connection.execute(_SQL["undone"], each)
            for row in await connection.fetch(_SQL["unborne"], list(touched)):
                await _unmade(connection, row["uid"])
            return Undone(tuple(reversed(chain)), count, tuple(sorted(map(str, kept))))

        return await database.in_transaction(once)


async def _standing_on(connection: Connection, run: int) -> list[int]:
    """The run and those that stand on it, and on those, in the order they ran."""
    chain, look = {run}, [run]
    while look:
        rows = await connection.fetch(_SQL["later_on"], look.pop())
        new = {row["id"] for row in rows} - chain
        chain |= new
        look += new
    return sorted(chain)


async def _take_back(connection: Connection, row: Mapping[str, Any]) -> bool:
    """False where somebody else has changed it since."""
    subject, other = row["subject"], row["object"]
    before, after = _loaded(row["before"]), _loaded(row["after"])
    match row["action"]:
        case "concluded":
            return await _unmade(connection, subject)
        case "refined":
            return await _unrefined(connection, subject, other, _moment(before["valid_until"]), row["at"])
        case "described":
            return bool(
                await connection.fetchval(_SQL["describe_back"], subject, json.dumps(before), json.dumps(after))
            ) or not await connection.fetchval(_SQL["is_there"], subject)
        case "closed" | "reopened":
            return await _reopened(connection, subject, before, after, row["at"])
        case "supported":
            await connection.execute(_SQL["unsupport"], subject, other)
        case "twinned":
            await connection.execute(_SQL["untwin"], subject, other)
        case "questioned":
            await connection.execute(_SQL["unquestion"], subject, other)
    return True


async def _unrefined(
    connection: Connection, new: uuid.UUID, old: uuid.UUID, valid_until: datetime | None, at: datetime
) -> bool:
    """Both or neither."""
    try:
        async with connection.transaction():
            stands = await connection.fetchval(_SQL["stand_again"], old, valid_until, new)
            if not stands and await connection.fetchval(_SQL["is_there"], old):
                raise _Kept
            if not await _unmade(connection, new):
                raise _Kept
            await connection.execute(_SQL["unbelieve"], old, at)
    except _Kept:
        return False
    return True


class _Kept(Exception):
    pass


async def _unmade(connection: Connection, uid: uuid.UUID) -> bool:
    """What was forgotten meanwhile is gone, too."""
    if await connection.fetchval(_SQL["unmake"], uid):
        return True
    return not await connection.fetchval(_SQL["is_there"], uid)


async def _reopened(
    connection: Connection, uid: uuid.UUID, before: Mapping[str, Any], after: Mapping[str, Any], at: datetime
) -> bool:
    opened = await connection.fetchval(
        _SQL["reopen"],
        uid,
        _uid(before["superseded_by"]),
        _moment(before["valid_until"]),
        _uid(after["superseded_by"]),
        _moment(after["valid_until"]),
    )
    if opened:
        await connection.execute(_SQL["unbelieve"], uid, at)
        return True
    return not await connection.fetchval(_SQL["is_there"], uid)


def _loaded(value: str | None) -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = json.loads(value) if value else {}
    return loaded


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _uid(value: str | None) -> uuid.UUID | None:
    return None if value is None else uuid.UUID(value)
