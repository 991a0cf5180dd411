"""The analysis of a project: a large one in a process of its own. Its memory goes back when that ends, and no recall
waits for it.

The child, `main`, reads a request (JSON) and writes a pickled `Report`, or nothing and why to standard error.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import sys
import time
from dataclasses import replace

from athena.consolidation import reading
from athena.consolidation.fast import analyse
from athena.consolidation.finding import Report, report
from athena.errors import AthenaError, Unavailable
from athena.store.pool import Database
from athena.store.sql import statements

_SQL = statements("consolidation")
_NICE = 10
# Of these many, the analysis takes less time than a process to begin.
_SMALL = 500


async def analysed(database: Database, project: int) -> Report:
    """What the fast system finds in the project. Raises `Unavailable` when the child fails, `StoreUnavailable`."""
    async with database.acquire() as connection:
        size = await connection.fetchval(_SQL["size"], project, _SMALL + 1)
    return await (_in_thread(database, project) if size <= _SMALL else _in_child(database.dsn, project))


async def _in_thread(database: Database, project: int) -> Report:
    started = time.perf_counter()
    async with database.acquire() as connection:
        events, owners = await reading.read(connection, project)
    found = await asyncio.to_thread(lambda: report(events, owners, analyse(events)))
    return replace(found, seconds={"whole": round(time.perf_counter() - started, 3)})


async def _in_child(dsn: str, project: int) -> Report:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        # Not from the folder that somebody happens to be in.
        "-P",
        "-c",
        "from athena.consolidation.apart import main; main()",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # More threads than cores that are free make it several times slower, and a recall wait.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    try:
        said, complaint = await child.communicate(json.dumps({"dsn": dsn, "project": project}).encode())
    except BaseException:
        if child.returncode is None:
            child.kill()
            await child.wait()
        raise
    if child.returncode:
        last = complaint.decode(errors="replace").strip().splitlines()[-1:] or [f"exit status {child.returncode}"]
        raise Unavailable(f"the analysis ended early: {last[0]}", hint="athena consolidate", retry_after=60)
    # Our own child's words, over a pipe that nobody else can reach.
    found: Report = pickle.loads(said)  # noqa: S301
    return found


async def _analyse(dsn: str, project: int) -> Report:
    started = time.perf_counter()
    database = Database(dsn, max_size=1)
    try:
        async with database.acquire() as connection:
            events, owners = await reading.read(connection, project)
    finally:
        await database.close()
    read = time.perf_counter()
    found = report(events, owners, analyse(events))
    seconds = {"read": read - started, "analyse": time.perf_counter() - read}
    return replace(found, seconds={name: round(value, 3) for name, value in seconds.items()})


def main() -> None:
    os.nice(_NICE)
    asked = json.load(sys.stdin)
    try:
        found = asyncio.run(_analyse(asked["dsn"], asked["project"]))
    except AthenaError as exc:
        sys.exit(exc.message)
    sys.stdout.buffer.write(pickle.dumps(found))
