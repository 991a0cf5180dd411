"""Rows of the store as values of the memory, and filters as the parameters of a statement."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from athena.errors import NotFound
from athena.memory.names import Names
from athena.memory.types import Filter, Kind, Memory, Scope

if TYPE_CHECKING:
    from athena.store.pool import Connection


def memory_of(row: Mapping[str, Any]) -> Memory:
    return Memory(
        id=str(row["uid"]),
        content=row["content"],
        kind=Kind(row["kind"]),
        scope=Scope(row["project"], row["user_id"], row["agent_id"], row["session"]),
        occurred_at=row["occurred_at"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        recorded_at=row["recorded_at"],
        importance=round(row["importance"], 4),
        tags=tuple(row["tags"]),
        metadata=json.loads(row["metadata"]),
        source=row["source"],
        supersedes=_text(row["supersedes"]),
        superseded_by=_text(row["superseded_by"]),
        times_seen=row["times_seen"],
        expires_at=row["expires_at"],
        derived=row["derived"],
        recalls=row.get("recalls") or 0,
        last_recalled_at=row.get("last_recalled_at"),
        twin_of=_text(row.get("twin_of")),
        embedding="ready" if row["ready"] else "pending",
    )


def uid_of(id: str) -> uuid.UUID:
    """Raises `NotFound` for what can't be an id: to the caller it is one that doesn't exist."""
    try:
        return uuid.UUID(id)
    except ValueError as exc:
        raise NotFound(f"there is no memory {id!r}") from exc


async def scope_parameters(
    connection: Connection, where: Filter, names: Names, *, everything: bool = False
) -> list[Any] | None:
    """The parameters $1..$10 of every statement that looks through a scope.

    None where the project or the session has never been written to: nothing can be in it.
    `everything`: without an `as_of`, whenever it was true, and what was concluded, too; otherwise only what is true now
    (or was, at `known_at`), and what was concluded only where kinds are named.
    """
    project = (await names.projects(connection, [where.scope.project])).get(where.scope.project)
    if project is None:
        return None
    session = None
    if where.scope.session_id is not None:
        wanted = (project, where.scope.session_id)
        session = (await names.sessions(connection, [wanted])).get(wanted)
        if session is None:
            return None
    return [
        project,
        session,
        where.scope.user_id,
        where.scope.agent_id,
        [kind.value for kind in where.kinds or (tuple(Kind) if everything else ())] or None,
        list(where.tags) or None,
        where.since,
        where.until,
        where.as_of or (None if everything else where.known_at or datetime.now(UTC)),
        where.known_at,
    ]


def _text(value: uuid.UUID | None) -> str | None:
    return None if value is None else str(value)
