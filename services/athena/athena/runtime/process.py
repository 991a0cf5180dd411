"""One operating-system process of ours: started, logged, recorded, stopped.

A process is tethered (see `tether`) so that it ends when we do, and recorded in a
small file, so that what survived a killed supervisor is recognised and ended by
the next one, and nothing else ever is: the record holds the start time beside the pid.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
import structlog

from athena.errors import StackError
from athena.runtime.environment import OFFLINE

_log = structlog.get_logger(__name__)
_TETHER = Path(__file__).with_name("tether.py")
_LOG_LIMIT = 5 * 1024 * 1024
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class OsUser:
    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. `record` is the file that remembers the pid, `grace_s` how long a stop may take."""

    argv: tuple[str, ...]
    log: Path
    record: Path
    env: Mapping[str, str] = field(default_factory=dict)
    user: OsUser | None = None
    cwd: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 10.0


class Process:
    """A running (or ended) child of this process."""

    def __init__(self, command: Command, popen: subprocess.Popen[bytes], log_start: int) -> None:
        self._command = command
        self._popen = popen
        self._log_start = log_start

    @classmethod
    def start(cls, command: Command, *, mode: str | None = None) -> Process:
        """Fork it. Raises `StackError` if that is refused (no space, no memory)."""
        mode = mode or ("exec" if sys.platform == "linux" else "poll")
        user = f"{command.user.uid}:{command.user.gid}" if command.user else ""
        argv = [sys.executable, "-I", "-S", str(_TETHER), "--mode", mode, "--parent", str(os.getpid())]
        argv += ["--signal", str(int(command.stop_signal)), "--user", user, "--", *command.argv]
        try:
            _rotate(command.log)
            with command.log.open("ab") as log:
                log_start = log.tell()
                popen = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **OFFLINE, **command.env},
                    cwd=command.cwd or "/",
                    # Ctrl-C in the terminal reaches the supervisor only: it stops the parts in order.
                    start_new_session=True,
                )
        except OSError as exc:
            raise StackError(
                f"{Path(command.argv[0]).name} can't be started: {exc.strerror or exc} ({exc.filename or command.log})",
                hint=f"df -h {command.log.parent}" if exc.errno == errno.ENOSPC else None,
            ) from exc
        process = cls(command, popen, log_start)
        _write_record(command.record, popen.pid, command)
        return process

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative: ended by that signal."""
        return self._popen.poll()

    async def wait(self) -> int:
        while (code := self.returncode) is None:  # noqa: ASYNC110 - portable, and a look costs a microsecond
            await asyncio.sleep(_POLL_S)
        return code

    async def stop(self) -> None:
        """Ask, wait `grace_s`, then kill with all that is in its process group."""
        with contextlib.suppress(ProcessLookupError):
            if self.returncode is None:
                os.kill(self.pid, self._command.stop_signal)
        try:
            async with asyncio.timeout(self._command.grace_s):
                await self.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            await self.wait()
        _forget(self._command.record)

    def output(self, lines: int = 40) -> list[str]:
        """The last lines that this process wrote (not an earlier one with the same log)."""
        return tail(self._command.log, lines, self._log_start)


def tail(path: Path, lines: int, start: int = 0) -> list[str]:
    """The last lines of a log from byte `start` on, [] if there is none."""
    try:
        with path.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(start, end - 300 * lines))
            return log.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return []


def ended(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"killed by {name}" + (" (out of memory?)" if -code == signal.SIGKILL else "")


def identity(pid: int) -> str | None:
    """Tells this process from any other that ever has the same pid. None: no such process runs."""
    try:
        if sys.platform == "linux":
            # The start in clock ticks can't be moved by a change of the wall clock.
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            return None if stat[0] in "ZX" else f"{boot}:{stat[19]}"
        return f"{psutil.Process(pid).create_time():.2f}"
    except (OSError, psutil.Error):
        return None


async def end_leftover(record: Path) -> int | None:
    """End what `record` names if its owner is gone. Returns the pid that was ended, None if there was nothing."""
    noted = _read_record(record)
    if noted is not None and noted.owner != os.getpid() and identity(noted.owner) == noted.owner_identity:
        return None
    ended = None
    if noted is not None and identity(noted.pid) == noted.identity:
        ended = noted.pid
        await _end(noted)
    _forget(record)
    return ended


async def _end(noted: _Record) -> None:
    pid, who = noted.pid, noted.identity
    for number, patience in ((noted.stop_signal, noted.grace_s), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while identity(pid) == who:  # noqa: ASYNC110 - another's child: there is no event to wait for
                    await asyncio.sleep(_POLL_S)
                return


@dataclass(frozen=True, slots=True)
class _Record:
    pid: int
    identity: str | None
    owner: int
    owner_identity: str | None
    stop_signal: int
    grace_s: float


def _write_record(record: Path, pid: int, command: Command) -> None:
    noted = _Record(
        pid=pid,
        identity=identity(pid),
        owner=os.getpid(),
        owner_identity=identity(os.getpid()),
        stop_signal=int(command.stop_signal),
        grace_s=command.grace_s,
    )
    try:
        record.write_text(json.dumps(asdict(noted)))
    except OSError as exc:
        # The tether still ends it with us; a server that only reads may well run on a full disk.
        _log.warning("process.not_recorded", record=str(record), why=exc.strerror)


def _read_record(record: Path) -> _Record | None:
    """None if it isn't there, or isn't one."""
    try:
        return _Record(**json.loads(record.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _forget(record: Path) -> None:
    record.unlink(missing_ok=True)


def _rotate(log: Path) -> None:
    """One old log is kept: at start only, so a line is never torn."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_suffix(log.suffix + ".1"))
