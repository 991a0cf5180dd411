"""Runs and their records: one at a time for a project, taken up again where one was interrupted."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from athena.errors import Conflict, NotFound
from athena.store.pool import Database, translated
from athena.store.sql import statements

_SQL = statements("runs")

State = Literal["running", "done", "failed", "undone"]
Action = Literal["concluded", "refined", "described", "supported", "closed", "reopened", "questioned", "twinned"]


@dataclass(frozen=True, slots=True)
class Run:
    """`progress`: stage, done, total while it runs. `counts`: what it read and did. `cause`: asked, schedule.
    `interrupted`: it is said to be running, and nobody is at it."""

    id: int
    project: str
    state: State
    cause: str
    started_at: datetime
    ended_at: datetime | None
    progress: Mapping[str, Any]
    counts: Mapping[str, Any]
    error: str | None
    changes: int
    interrupted: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a run. `content`: the beginning of what `subject` says, if it is still there; `object_content`: of
    what `object` says. `support`: how many events bear the subject out, if it was concluded."""

    place: int
    action: Action
    subject: str
    object: str | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    at: datetime
    content: str | None
    object_content: str | None
    support: int | None


class Runs:
    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def holding(self, project: int) -> AsyncIterator[None]:
        """Only one at a time; raises `Conflict` while another holds it. Whoever dies lets go."""
        with translated():
            await self._database.ensure_ready()
            connection = await self._database.connect()
        try:
            with translated():
                if not await connection.fetchval(_SQL["lock_project"], project):
                    raise Conflict("this project is being consolidated already", hint="athena consolidate runs")
            yield
        finally:
            with suppress(Exception):
                await connection.close(timeout=2)

    async def begin(self, project: int, cause: str) -> int:
        """A new run, or the one that was interrupted. Only while `holding` the project."""
        async with self._database.acquire() as connection:
            run = await connection.fetchval(_SQL["interrupted"], project)
            return int(run if run is not None else await connection.fetchval(_SQL["begin"], project, cause))

    async def progress(self, run: int, stage: str, done: int, total: int) -> None:
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["progress"], run, json.dumps({"stage": stage, "done": done, "total": total}))

    async def end(self, run: int, state: State, counts: Mapping[str, Any], error: str | None = None) -> None:
        async with self._database.acquire() as connection:
            changed = {row["action"]: row["n"] for row in await connection.fetch(_SQL["counts"], run)}
            await connection.execute(_SQL["end"], run, state, json.dumps({**counts, **changed}), error)

    async def get(self, run: int) -> Run:
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(_SQL["run"], run)
        if row is None:
            raise NotFound(f"there is no run {run}", hint="athena consolidate runs")
        return _run(row)

    async def list(self, project: str | None, *, before: int | None = None, limit: int = 20) -> list[Run]:
        """Newest first."""
        async with self._database.acquire() as connection:
            return [_run(row) for row in await connection.fetch(_SQL["runs"], project, before, limit)]

    async def changes(
        self, run: int, *, after: int = 0, limit: int = 100, actions: Sequence[Action] = ()
    ) -> tuple[Change, ...]:
        """In the order they were made; only `actions`, if there are any. Raises `NotFound`."""
        await self.get(run)
        only = list(actions) or None
        async with self._database.acquire() as connection:
            return tuple(_change(row) for row in await connection.fetch(_SQL["changes"], run, after, limit, only))

    async def due(self) -> tuple[str, ...]:
        """Projects where something was remembered since the last run."""
        async with self._database.acquire() as connection:
            return tuple(row["name"] for row in await connection.fetch(_SQL["due_projects"]))


def _run(row: Mapping[str, Any]) -> Run:
    return Run(
        id=row["id"],
        project=row["project"],
        state=cast("State", row["state"]),
        cause=row["cause"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        progress=json.loads(row["progress"]),
        counts=json.loads(row["counts"]),
        error=row["error"],
        changes=row["changes"],
        interrupted=row["interrupted"],
    )


def _change(row: Mapping[str, Any]) -> Change:
    return Change(
        place=row["place"],
        action=cast("Action", row["action"]),
        subject=str(row["subject"]),
        object=None if row["object"] is None else str(row["object"]),
        before=None if row["before"] is None else json.loads(row["before"]),
        after=None if row["after"] is None else json.loads(row["after"]),
        at=row["at"],
        content=row["content"],
        object_content=row["object_content"],
        support=row["support"],
    )
