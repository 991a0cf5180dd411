"""Consolidation as the surfaces see it: runs in the background, one at a time for a project."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from athena.consolidation.given import Given
from athena.consolidation.letters import Letter
from athena.consolidation.pipeline import ASKING_S, ConsolidationPipeline, Pattern, Preview
from athena.consolidation.ports import Bank, Model
from athena.consolidation.runs import Action, Change, Run
from athena.consolidation.undo import Undone, undo
from athena.errors import AthenaError, Conflict

# Each has a connection of its own for as long as it takes.
_MOST_AT_ONCE = 4

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Under:
    task: asyncio.Task[Run]
    began: asyncio.Future[int]


class Consolidation:
    """Every method raises `StoreUnavailable` while PostgreSQL is away."""

    def __init__(self, bank: Bank, model: Model | None, *, asking_s: float = ASKING_S) -> None:
        """`asking_s`: for how long a run may ask the model; 0: not at all."""
        self._bank = bank
        self._pipeline = ConsolidationPipeline(bank, model, asking_s=asking_s)
        self._running: dict[str, _Under] = {}
        self._night: asyncio.Task[None] | None = None

    async def patterns(self, events: Sequence[Given], *, asking_s: float) -> builtins.list[Pattern]:
        """The patterns in these events, of which nothing is stored; the model is asked for `asking_s` at most."""
        return await self._pipeline.extract_patterns(events, asking_s=asking_s)

    async def preview(self, project: str) -> Preview:
        """What a run would change."""
        return await self._pipeline.preview(project)

    async def run(self, project: str, *, cause: str = "asked", wait_s: float = 0.0) -> Run:
        """Start a run; as it is after `wait_s` seconds, or when it has ended. It goes on without its caller.

        Raises `NotFound`, `Conflict` (another is under way, or too many), and what ended it, if it ended within that
        time.
        """
        if project in self._running:
            raise Conflict(f"project {project!r} is being consolidated already", hint="athena consolidate runs")
        if len(self._running) >= _MOST_AT_ONCE:
            raise Conflict(
                f"{_MOST_AT_ONCE} projects are being consolidated already; wait for one", hint="athena consolidate runs"
            )
        began: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        under = _Under(asyncio.create_task(self._run(project, cause, began)), began)
        under.task.add_done_callback(_told)
        self._running[project] = under
        both: list[asyncio.Future[Any]] = [under.task, under.began]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if wait_s > 0:
            await asyncio.wait([under.task], timeout=wait_s)
        if under.task.done():
            return under.task.result()
        return await self._pipeline.runs.get(under.began.result())

    async def _run(self, project: str, cause: str, began: asyncio.Future[int]) -> Run:
        async def told(run: int) -> None:
            if not began.done():
                began.set_result(run)

        try:
            return await self._pipeline.run(project, cause=cause, began=told)
        finally:
            if not began.done():
                began.cancel()
            self._running.pop(project, None)

    def start_nightly(self) -> None:
        """Begin `nightly` beside whatever else goes on, unless it is under way."""
        if self._night is None or self._night.done():
            self._night = asyncio.create_task(self.nightly())

    async def nightly(self) -> None:
        """Each project where something is new, one after the other. What goes wrong with one is in its record."""
        try:
            for project in await self._pipeline.runs.due():
                await self._by_schedule(project)
        except AthenaError as exc:
            log.warning("not consolidated", reason=exc.message)

    async def _by_schedule(self, project: str) -> None:
        try:
            run = await self.run(project, cause="schedule", wait_s=float("inf"))
            log.info("consolidated", project=project, run=run.id, changes=run.changes)
        except Conflict as exc:
            log.info("not consolidated", project=project, reason=exc.message)
        except AthenaError as exc:
            log.warning("not consolidated", project=project, reason=exc.message)
        except Exception:
            # The other projects have nothing to do with it.
            log.exception("not consolidated", project=project)

    async def get(self, run: int) -> Run:
        return await self._pipeline.runs.get(run)

    async def list(
        self, project: str | None = None, *, before: int | None = None, limit: int = 20
    ) -> builtins.list[Run]:
        """Newest first."""
        return await self._pipeline.runs.list(project, before=before, limit=limit)

    async def changes(
        self, run: int, *, after: int = 0, limit: int = 100, actions: Sequence[Action] = ()
    ) -> tuple[Change, ...]:
        return await self._pipeline.runs.changes(run, after=after, limit=limit, actions=actions)

    async def undo(self, run: int, *, with_later: bool = False) -> Undone:
        """Take a run back. Raises `Conflict` naming the later runs that stand on it, `NotFound`."""
        return await undo(self._bank.database, self._pipeline.runs, run, with_later=with_later)

    async def letters(
        self, project: str | None = None, *, before: int | None = None, limit: int = 20
    ) -> builtins.list[Letter]:
        """What could not be used, newest first."""
        return await self._pipeline.letters.list(project, before=before, limit=limit)

    async def retry_letter(self, letter: int) -> None:
        await self._pipeline.letters.retry(letter)

    async def drop_letter(self, letter: int) -> None:
        await self._pipeline.letters.drop(letter)

    async def aclose(self) -> None:
        """Runs under way are interrupted, and taken up again by the next."""
        tasks: builtins.list[asyncio.Task[Any]] = [self._night] if self._night is not None else []
        tasks += [under.task for under in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _told(task: asyncio.Task[Run]) -> None:
    """Whoever asked may have gone before it failed; what a record can't say is in the log."""
    failure = None if task.cancelled() else task.exception()
    if failure is not None and not isinstance(failure, AthenaError):
        log.error("a run ended unexpectedly", exc_info=failure)
