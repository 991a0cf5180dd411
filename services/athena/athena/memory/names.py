"""The numbers that stand for projects and sessions in the tables.

They are given once and never change, so a process remembers what it has read. It forgets all
of it every minute: a database may be put back to an earlier state under a running process.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from athena.store.sql import statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from athena.store.pool import Connection

_SQL = statements("remember")
_REMEMBER_S = 60.0
_MOST = 50_000

Session = tuple[int, str]


class Names:
    """Only what was found is remembered, not what the caller's own transaction has just made: it may be undone."""

    def __init__(self) -> None:
        self._projects: dict[str, int] = {}
        self._sessions: dict[Session, int] = {}
        self._forget_at = 0.0

    def forget(self) -> None:
        """What was remembered may be wrong."""
        self._projects.clear()
        self._sessions.clear()

    async def projects(self, connection: Connection, names: Sequence[str]) -> dict[str, int]:
        """Those that exist."""
        self._refresh()
        missing = [name for name in names if name not in self._projects]
        if missing:
            rows = await connection.fetch(_SQL["projects"], missing)
            self._projects |= {row["name"]: row["id"] for row in rows}
        return {name: self._projects[name] for name in names if name in self._projects}

    async def sessions(self, connection: Connection, wanted: Sequence[Session]) -> dict[Session, int]:
        """Those that exist; a session is named within its project, given by number."""
        self._refresh()
        missing = [session for session in wanted if session not in self._sessions]
        if missing:
            columns = [project for project, _ in missing], [name for _, name in missing]
            rows = await connection.fetch(_SQL["sessions"], *columns)
            self._sessions |= {(row["project_id"], row["name"]): row["id"] for row in rows}
        return {session: self._sessions[session] for session in wanted if session in self._sessions}

    async def ensure_projects(self, connection: Connection, names: Sequence[str]) -> dict[str, int]:
        """All of them, made where they are new."""
        found = await self.projects(connection, names)
        if len(found) < len(names):
            await connection.execute(_SQL["ensure_projects"], list(names))
            rows = await connection.fetch(_SQL["projects"], list(names))
            found = {row["name"]: row["id"] for row in rows}
        return found

    async def ensure_sessions(self, connection: Connection, wanted: Sequence[Session]) -> dict[Session, int]:
        """All of them, made where they are new."""
        found = await self.sessions(connection, wanted)
        if len(found) < len(wanted):
            columns = [project for project, _ in wanted], [name for _, name in wanted]
            await connection.execute(_SQL["ensure_sessions"], *columns)
            rows = await connection.fetch(_SQL["sessions"], *columns)
            found = {(row["project_id"], row["name"]): row["id"] for row in rows}
        return found

    def _refresh(self) -> None:
        now = time.monotonic()
        if now > self._forget_at or len(self._sessions) + len(self._projects) > _MOST:
            self.forget()
            self._forget_at = now + _REMEMBER_S
