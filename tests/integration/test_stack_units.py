"""The state machine of a part, around real processes that end as they are told to."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from athena.errors import StackError
from athena.runtime.ports import CannotStart, State
from athena.runtime.process import Command
from athena.runtime.supervisor import Supervisor
from athena.runtime.unit import Unit


class ScriptPart:
    """A part whose process runs `script`; it answers once the script made the file `<name>.ready`."""

    def __init__(self, folder: Path, name: str, script: str = "ready()\nwait()") -> None:
        self.name = name
        self.address = "nowhere"
        self.starts = 0
        self._folder = folder
        self._script = script

    @property
    def ready_file(self) -> Path:
        return self._folder / f"{self.name}.ready"

    async def prepare(self) -> Command | None:
        self.starts += 1
        self.ready_file.unlink(missing_ok=True)
        if self._script == "absent":
            return None
        if self._script == "refused":
            raise CannotStart("it can't be", hint="mend it")
        tools = (
            "import sys, time\nfrom pathlib import Path\n"
            f"def ready(): Path({str(self.ready_file)!r}).touch()\n"
            "def wait(): time.sleep(60)\n"
        )
        return Command(
            argv=(sys.executable, "-c", tools + self._script),
            log=self._folder / f"{self.name}.log",
            record=self._folder / f"{self.name}.json",
        )

    async def probe(self) -> bool:
        return self.ready_file.exists()

    def explain(self, output: list[str], code: int) -> StackError:
        if code == 3:
            return CannotStart(output[-1], hint="mend it")
        return StackError(f"exit code {code}")

    def describe(self) -> tuple[str, str]:
        return "a script", ""


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    made = Supervisor()
    yield made
    await made.stop()


async def until(unit: Unit, state: State, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        await unit.until(lambda: unit.state is state)


async def test_it_becomes_ready_and_stops(supervisor: Supervisor, tmp_path: Path) -> None:
    unit = supervisor.add(ScriptPart(tmp_path, "one"))
    assert unit.state is State.STOPPED
    await unit.ensure_ready()
    pid = unit.status().pid
    await unit.ensure_ready()
    assert unit.status().pid == pid, "asking again starts nothing"
    assert unit.status().ready_s is not None
    await unit.stop()
    assert (unit.state, unit.status().pid) == (State.STOPPED, None)


async def test_a_killed_process_is_started_again_after_a_pause(supervisor: Supervisor, tmp_path: Path) -> None:
    unit = supervisor.add(ScriptPart(tmp_path, "one"))
    await unit.ensure_ready()
    first = unit.status().pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await until(unit, State.BACKOFF)
    await until(unit, State.READY)
    assert unit.status().pid != first
    assert unit.status().restarts == 1
    assert unit.problem is None


async def test_the_pauses_grow(supervisor: Supervisor, tmp_path: Path) -> None:
    part = ScriptPart(tmp_path, "one", "sys.exit(1)")
    unit = supervisor.add(part)
    unit.start()
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(15):
        while part.starts < 3:
            await asyncio.sleep(0.02)
    # 1 s and 2 s, each give or take a fifth
    assert 2.4 <= asyncio.get_running_loop().time() - began
    with pytest.raises(StackError, match="exit code 1"):
        await unit.ensure_ready()


async def test_what_no_restart_mends_is_tried_once(supervisor: Supervisor, tmp_path: Path) -> None:
    part = ScriptPart(tmp_path, "one", "print('the file is damaged')\nsys.exit(3)")
    unit = supervisor.add(part)
    with pytest.raises(CannotStart, match="the file is damaged"):
        await unit.ensure_ready()
    assert (unit.state, part.starts, unit.status().hint) == (State.FAILED, 1, "mend it")
    with pytest.raises(CannotStart):
        await unit.ensure_ready()
    assert part.starts == 2, "asking again tries again: it may have been mended"


async def test_nothing_to_run_is_no_failure(supervisor: Supervisor, tmp_path: Path) -> None:
    needed = supervisor.add(ScriptPart(tmp_path, "needed", "absent"))
    supervisor.add(ScriptPart(tmp_path, "user"), needs=("needed",))
    supervisor.start()
    statuses = {status.name: status.state for status in await supervisor.settle()}
    assert statuses == {"needed": State.ABSENT, "user": State.READY}
    assert needed.problem is None


async def test_a_part_waits_for_what_it_needs(supervisor: Supervisor, tmp_path: Path) -> None:
    slow = ScriptPart(tmp_path, "slow", "time.sleep(0.5)\nready()\nwait()")
    eager = ScriptPart(tmp_path, "eager")
    supervisor.add(slow)
    supervisor.add(eager, needs=("slow",))
    supervisor.start()
    async with asyncio.timeout(10):
        while not slow.ready_file.exists():
            assert eager.starts == 0
            await asyncio.sleep(0.02)
        await supervisor.settle()
    assert eager.starts == 1


async def test_a_vital_part_that_fails_is_raised_and_another_is_not(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.add(ScriptPart(tmp_path, "extra", "refused"))
    supervisor.add(ScriptPart(tmp_path, "vital"), vital=True)
    supervisor.start()
    states = {status.name: status.state for status in await supervisor.settle()}
    assert states == {"extra": State.FAILED, "vital": State.READY}
    supervisor.add(ScriptPart(tmp_path, "vital-too", "refused"), vital=True)
    supervisor.start()
    with pytest.raises(CannotStart, match="it can't be"):
        await supervisor.settle()


async def test_one_that_no_longer_answers_is_not_ready_and_not_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    part = ScriptPart(tmp_path, "one")
    unit = supervisor.add(part)
    await unit.ensure_ready()
    pid = unit.status().pid
    part.ready_file.unlink()
    await until(unit, State.STARTING)
    part.ready_file.touch()
    await until(unit, State.READY)
    assert (unit.status().pid, unit.status().restarts) == (pid, 0)


async def test_a_defect_in_a_part_is_a_failure_not_a_silence(supervisor: Supervisor, tmp_path: Path) -> None:
    class Broken(ScriptPart):
        async def prepare(self) -> Command | None:
            raise RuntimeError("nobody thought of this")

    unit = supervisor.add(Broken(tmp_path, "broken"))
    with pytest.raises(CannotStart, match="nobody thought of this"):
        await unit.ensure_ready()
