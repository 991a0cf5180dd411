"""The embedded server itself: started in the foreground, waited for as long as recovery takes."""

from __future__ import annotations

import signal
from pathlib import Path

import asyncpg

from athena.config import Settings
from athena.errors import StackError
from athena.runtime.ports import CannotStart
from athena.runtime.postgres.cluster import cannot_write, prepare
from athena.runtime.postgres.place import Place, place
from athena.runtime.process import Command, ended

NAME = "postgres"


def dsn(settings: Settings) -> str:
    """Where this home's database is reached, whether it runs or not."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return place(settings).dsn


def record(settings: Settings) -> Path:
    """The file that remembers its pid."""
    return settings.run_dir / f"{NAME}.json"


async def command(settings: Settings) -> Command:
    """Everything before the fork: user, folders, initdb. Raises `CannotStart`, `StackError`."""
    where, tree, user = await prepare(settings)
    argv = [str(tree / "bin" / "postgres"), "-D", str(where.data), "-c", "listen_addresses="]
    argv += ["-c", f"unix_socket_directories={where.socket}", "-c", "unix_socket_permissions=0700"]
    return Command(
        argv=tuple(argv),
        log=settings.logs_dir / f"{NAME}.log",
        record=record(settings),
        # SIGINT is the fast shutdown: sessions are ended, nothing is lost, no recovery at the next start.
        stop_signal=signal.SIGINT,
        grace_s=30.0,
        user=user,
    )


async def answers(url: str) -> bool:
    """True if the database takes queries now; False while it is down, starting or recovering."""
    try:
        connection = await asyncpg.connect(url, timeout=2.0)
    except asyncpg.TooManyConnectionsError:
        return True
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    connection.terminate()
    return True


def explain(output: list[str], code: int, where: Place) -> StackError:
    """Why it ended, from what it said."""
    text = "\n".join(output)
    if "No space left on device" in text:
        return cannot_write(where, "No space left on device")
    if "Cannot allocate memory" in text or "could not map anonymous shared memory" in text:
        return CannotStart("there is not enough memory to start PostgreSQL", hint="free -m", source="postgres")
    if "lock file" in text and "already exists" in text:
        return CannotStart(
            f"another PostgreSQL already uses {where.data}",
            hint=f"head -1 {where.data}/postmaster.pid",
            source="postgres",
        )
    if "invalid value for parameter" in text or "configuration file" in text:
        said = next((line for line in output if "FATAL" in line or "LOG:" in line), "")
        return CannotStart(
            f"PostgreSQL's configuration is wrong: {said}", hint="athena logs postgres", source="postgres"
        )
    if code < 0:
        return StackError(f"PostgreSQL was {ended(code)}", hint="athena logs postgres", source="postgres")
    said = next((line for line in reversed(output) if any(w in line for w in ("FATAL", "PANIC", "ERROR"))), "")
    return StackError(f"PostgreSQL ended: {said or ended(code)}", hint="athena logs postgres", source="postgres")
