"""One part under supervision: an explicit state machine around one process at a time.

    stopped → starting → ready → (it ended) → backoff → starting …
    starting → failed   for what no restart mends; starting → absent   when there is nothing to run
    any → stopping → stopped

A part that is alive but doesn't answer is said to be starting again, and is not
killed: on a busy machine that would turn slow into down.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable

import structlog

from athena.errors import AthenaError, StackError
from athena.runtime.ports import CannotStart, Part, State, Status
from athena.runtime.process import Process

_log = structlog.get_logger(__name__)
_FIRST_DELAY_S = 1.0
_LONGEST_DELAY_S = 30.0
_HEALTHY_AFTER_S = 60.0
_PROBE_FAST_S = 0.05
_PROBE_SLOW_S = 2.0
_SETTLED = (State.READY, State.FAILED, State.ABSENT, State.STOPPED)


class Unit:
    """`needs`: units that must be ready (or absent) before this one is started. `vital`: the stack ends with it."""

    def __init__(self, part: Part, *, needs: tuple[Unit, ...] = (), vital: bool = False) -> None:
        self.part = part
        self.vital = vital
        self.problem: StackError | None = None
        self.needs = needs
        self._state = State.STOPPED
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._process: Process | None = None
        self._ready_s: float | None = None
        self._failures = 0
        self._restarts = 0

    @property
    def state(self) -> State:
        return self._state

    @property
    def settled(self) -> bool:
        """Nothing more is to be expected soon: waiting longer for it makes no sense."""
        return self._state in _SETTLED or (self._state is State.BACKOFF and self._failures > 1)

    def status(self) -> Status:
        detail, hint = self.part.describe()
        if self.problem is not None:
            detail, hint = self.problem.message, self.problem.hint or hint
        running = self._process is not None and self._process.returncode is None
        return Status(
            name=self.part.name,
            state=self._state,
            address=self.part.address,
            detail=detail,
            hint=hint,
            pid=self._process.pid if self._process is not None and running else None,
            ready_s=self._ready_s,
            restarts=self._restarts,
        )

    def start(self) -> None:
        """Ask for it to run from now on. Does nothing if that was asked before, unless it failed or is absent."""
        if self._task is None or self._task.done():
            self._failures = self._restarts = 0
            self._enter(State.STARTING)
            self._task = asyncio.create_task(self._keep_running(), name=f"unit-{self.part.name}")
            self._task.add_done_callback(self._report_defect)

    async def ensure_ready(self) -> None:
        """Start it if need be and return when it serves. Raises the `StackError` that keeps it from that."""
        self.start()
        await self.until(lambda: self.settled)
        if self._state is not State.READY:
            raise self.problem or StackError(f"{self.part.name} is {self._state}", hint=self.part.describe()[1] or None)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when `condition` holds; it is looked at whenever the state changes."""
        while not condition():
            await self._changed.wait()

    async def stop(self) -> None:
        if self._task is not None:
            self._enter(State.STOPPING)
            self._task.cancel()
            # gather: an end by cancellation of the task is the aim, one of ourselves must still be raised
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self.problem = None
        self._enter(State.STOPPED)

    def _enter(self, state: State) -> None:
        if state is not self._state:
            _log.debug("part.state", part=self.part.name, state=state.value)
        self._state = state
        self._changed.set()
        self._changed = asyncio.Event()

    async def _keep_running(self) -> None:
        delay = _FIRST_DELAY_S
        while True:
            for other in self.needs:
                await other.until(lambda other=other: other.state in (State.READY, State.ABSENT))  # type: ignore[misc]
            began = time.monotonic()
            try:
                if not await self._run_once(began):
                    self._enter(State.ABSENT)
                    return
            except CannotStart as exc:
                self._give_up(exc)
                return
            except AthenaError as exc:
                self.problem = exc if isinstance(exc, StackError) else StackError(exc.message, hint=exc.hint)
            if time.monotonic() - began > _HEALTHY_AFTER_S:
                delay, self._failures = _FIRST_DELAY_S, 0
            self._failures += 1
            self._restarts += 1
            said = self.problem.message if self.problem else ""
            _log.warning("part.ended", part=self.part.name, why=said, again_in_s=round(delay, 1))
            self._enter(State.BACKOFF)
            await asyncio.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311 - no secret depends on it
            delay = min(2 * delay, _LONGEST_DELAY_S)
            self._enter(State.STARTING)

    def _give_up(self, why: CannotStart) -> None:
        self.problem = why
        _log.error("part.failed", part=self.part.name, why=why.message, hint=why.hint)
        self._enter(State.FAILED)

    def _report_defect(self, task: asyncio.Task[None]) -> None:
        """What no part should raise must not leave those waiting who wait for this one."""
        if not task.cancelled() and (defect := task.exception()) is not None:
            _log.error("part.defect", part=self.part.name, exc_info=defect)
            self._give_up(CannotStart(f"{self.part.name}: {defect!r}", hint="athena logs stack"))

    async def _run_once(self, began: float) -> bool:
        """From the fork to the end of one process. False: there is nothing to run. Raises why it ended."""
        command = await self.part.prepare()
        if command is None:
            self.problem = None
            return False
        self._ready_s = None
        process = self._process = Process.start(command)
        watch = asyncio.create_task(self._watch(process, began))
        try:
            code = await process.wait()
            raise self.part.explain(process.output(), code)
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
            await process.stop()
            self._process = None

    async def _watch(self, process: Process, began: float) -> None:
        """Keeps `ready` true to what the part answers."""
        while True:
            if await self.part.probe():
                if self._state is not State.READY and process.returncode is None:
                    self.problem = None
                    self._ready_s = self._ready_s or round(time.monotonic() - began, 2)
                    self._enter(State.READY)
                await asyncio.sleep(_PROBE_SLOW_S)
            else:
                if self._state is State.READY:
                    self._enter(State.STARTING)
                await asyncio.sleep(_PROBE_FAST_S)
