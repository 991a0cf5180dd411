"""A database for the life of one process, for those that are started without the stack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from athena.config import Settings
from athena.runtime import home
from athena.runtime.lock import FileLock
from athena.runtime.postgres.part import PostgresPart, ownership
from athena.runtime.postgres.server import answers, dsn, record
from athena.runtime.process import end_leftover
from athena.runtime.unit import Unit

_POLL_S = 0.05


@asynccontextmanager
async def ensure_running(settings: Settings) -> AsyncIterator[str]:
    """The DSN of a database that answers: one that already runs, or one kept running from here to the end.

    Raises `StackError` if it can't be started.
    """
    url = dsn(settings)
    if settings.database_url is not None or await answers(url):
        yield url
        return
    home.prepare(settings)
    lock = ownership(settings)
    if not await _lock_or_answer(lock, url):
        yield url
        return
    try:
        await end_leftover(record(settings))
        unit = Unit(PostgresPart(settings, lock))
        try:
            await unit.ensure_ready()
            yield dsn(settings)
        finally:
            await unit.stop()
    finally:
        lock.release()


async def _lock_or_answer(lock: FileLock, url: str) -> bool:
    """True: starting it is up to us. False: who holds the lock has it running now."""
    while not lock.acquire():
        if await answers(url):
            return False
        await asyncio.sleep(_POLL_S)
    return True
