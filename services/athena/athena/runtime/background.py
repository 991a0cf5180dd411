"""The stack's host as a process of its own, that outlives the command that started it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

from athena.config import Settings
from athena.errors import StackError
from athena.runtime import control, home
from athena.runtime.environment import environment, package_path
from athena.runtime.lock import FileLock
from athena.runtime.process import end_leftover, identity, tail

_POLL_S = 0.05
_STOP_S = 90.0


async def start_host(settings: Settings, *, idle: bool = False) -> None:
    """Start it and return when it can be asked; `idle`: with no part started. Raises `StackError`."""
    home.prepare(settings)
    log = settings.logs_dir / "stack.log"
    try:
        process = _spawn(settings, idle)
    except OSError as exc:
        raise StackError(
            f"{exc.filename or log} can't be written: {exc.strerror}", hint="df -h; ls -ld ~/.athena"
        ) from exc
    while True:
        try:
            await control.call(settings, "status")
            return
        except control.NotRunning:
            if process.poll() is not None:
                said = next((line for line in reversed(tail(log, 20)) if line.strip()), "it said nothing")
                raise StackError(f"Athena didn't start: {said}", hint=f"less {log}") from None
        await asyncio.sleep(_POLL_S)


def _spawn(settings: Settings, idle: bool) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "athena", "run", "--background", *(["--idle"] if idle else [])]
    with (settings.logs_dir / "stack.log").open("wb") as log:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment(settings), "PYTHONPATH": package_path()},
            cwd="/",
            start_new_session=True,
        )


async def stop_host(settings: Settings) -> bool:
    """Stop it and everything it runs; True if it ran. What a killed host left behind is ended too."""
    host = None
    try:
        host = (await control.call(settings, "shutdown"))["pid"]
    except control.NotRunning:
        if not settings.run_dir.exists():
            return False
    lock = FileLock(settings.run_dir / "supervisor.lock")
    try:
        async with asyncio.timeout(_STOP_S):
            while (host and identity(host)) or not lock.acquire():  # noqa: ASYNC110 - another process's doings
                await asyncio.sleep(_POLL_S)
    except TimeoutError as exc:
        raise StackError("Athena doesn't stop", hint=f"less {settings.logs_dir / 'stack.log'}") from exc
    try:
        ended = await asyncio.gather(*(end_leftover(record) for record in settings.run_dir.glob("*.json")))
    finally:
        lock.release()
    return host is not None or any(ended)
