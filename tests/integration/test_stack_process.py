"""Processes of ours: they end with us, and what is left of a killed owner is found by its record."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from athena.errors import StackError
from athena.runtime.environment import package_path
from athena.runtime.process import Command, Process, end_leftover, ended, identity

_STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
)
_OWNER = """
import sys, time
from pathlib import Path
from athena.runtime.process import Command, Process
folder = Path(sys.argv[1])
command = Command(argv=("sleep", "60"), log=folder / "log", record=folder / "part.json")
print(Process.start(command, mode=sys.argv[2]).pid, flush=True)
time.sleep(60)
"""


def command(folder: Path, *argv: str, grace_s: float = 5.0) -> Command:
    return Command(argv=argv, log=folder / "part.log", record=folder / "part.json", grace_s=grace_s)


async def until_gone(pid: int, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while identity(pid) is not None:
            await asyncio.sleep(0.02)


def owner(folder: Path, mode: str) -> tuple[subprocess.Popen[str], int]:
    """A process that started another, and that one's pid."""
    process = subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(folder), mode],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": package_path()},
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


@pytest.mark.parametrize("mode", ["exec", "poll"])
async def test_it_ends_when_its_owner_is_killed(tmp_path: Path, mode: str) -> None:
    if mode == "exec" and sys.platform != "linux":
        pytest.skip("only Linux tells a process that its parent died")
    process, pid = owner(tmp_path, mode)
    # In poll mode the tether stays beside the command, in exec mode it has become the command.
    async with asyncio.timeout(10):
        while not (family := [psutil.Process(pid), *psutil.Process(pid).children()])[-1].name().startswith("sleep"):
            await asyncio.sleep(0.02)
    process.kill()
    process.wait()
    for member in family:
        await until_gone(member.pid)


async def test_a_stubborn_one_is_killed_after_its_grace(tmp_path: Path) -> None:
    process = Process.start(command(tmp_path, sys.executable, "-c", _STUBBORN, grace_s=0.3))
    async with asyncio.timeout(10):
        while process.output() != ["up"]:
            await asyncio.sleep(0.02)
    await process.stop()
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "part.json").exists()
    assert ended(-signal.SIGKILL).startswith("killed by SIGKILL")


async def test_output_is_that_of_this_run_only(tmp_path: Path) -> None:
    for word in ("first", "second"):
        process = Process.start(command(tmp_path, "echo", word))
        assert await process.wait() == 0
        assert process.output() == [word]


async def test_a_missing_program_is_an_exit_code_not_a_crash(tmp_path: Path) -> None:
    process = Process.start(command(tmp_path, "/nowhere/at-all"))
    assert await process.wait() != 0
    with pytest.raises(StackError, match="can't be started"):
        Process.start(Command(argv=("true",), log=tmp_path / "missing" / "log", record=tmp_path / "r.json"))


async def test_a_leftover_is_ended_once_its_owner_is_gone(tmp_path: Path) -> None:
    process = Process.start(command(tmp_path, "sleep", "60"))
    record = tmp_path / "part.json"
    noted = record.read_text()
    # As if an owner that is gone had written it: no process has this identity.
    record.write_text(noted.replace(f'"owner": {os.getpid()}', '"owner": 1'))
    assert await end_leftover(record) == process.pid
    assert process.returncode is not None
    assert not record.exists()


async def test_another_process_with_the_same_pid_is_left_alone(tmp_path: Path) -> None:
    process = Process.start(command(tmp_path, "sleep", "60"))
    record = tmp_path / "part.json"
    noted = record.read_text().replace(f'"owner": {os.getpid()}', '"owner": 1')
    record.write_text(noted.replace(str(identity(process.pid)), "an earlier one"))
    assert await end_leftover(record) is None
    assert process.returncode is None
    await process.stop()


async def test_what_a_living_owner_runs_is_left_alone(tmp_path: Path) -> None:
    other, pid = owner(tmp_path, "exec" if sys.platform == "linux" else "poll")
    try:
        assert await end_leftover(tmp_path / "part.json") is None
        assert identity(pid) is not None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
async def test_a_record_that_is_none_is_removed(tmp_path: Path, text: str) -> None:
    record = tmp_path / "part.json"
    record.write_text(text)
    assert await end_leftover(record) is None
    assert not record.exists()
