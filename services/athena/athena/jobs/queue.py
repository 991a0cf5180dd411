"""The queue: jobs wake the worker, schedules keep the house tidy.

A job is put in inside the transaction that makes the work, so it exists exactly when the
work does. It carries nothing and may be lost: what has to be done stands in the outbox,
and the worker looks there by itself every few seconds. The queue's own retries, which end
after half a minute, are therefore never relied on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg
import structlog
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job, Schedule
from pgqueuer.queries import Queries

from athena.errors import AthenaError
from athena.store.pool import Database, is_away, translated
from athena.store.sql import statements

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from athena.store.pool import Connection

    Task = Callable[[], Awaitable[None]]

_MEMORY = statements("memory")
_QUEUE = statements("queue")
_EMBED = "embed"
_DELAY = timedelta(milliseconds=250)
_RETRY_S = 3.0
# Any constant will do: two replicas must not install the queue's tables at once.
_INSTALL_LOCK = 7_283_645_192

log = structlog.get_logger(__name__)


class _Outage(logging.Filter):
    """The library traces each call that fails while PostgreSQL is away, some ten times a second;
    `Queue.run` says it, and whoever asks for something is told."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not is_away(record.exc_info[1] if record.exc_info else sys.exc_info()[1])


logging.getLogger("pgqueuer").addFilter(_Outage())


async def install(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """The queue's own tables, made and upgraded by the library that owns them."""
    await connection.execute("SELECT pg_advisory_lock($1)", _INSTALL_LOCK)
    try:
        queries = Queries(AsyncpgDriver(connection))
        if not await queries.has_table("pgqueuer"):
            await queries.install()
        await queries.upgrade()
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _INSTALL_LOCK)


async def wake(connection: Connection) -> None:
    """Enqueue a wake-up in the transaction of `connection`, unless one waits already.

    It waits a moment before it is run, so that a stream of writes makes a few jobs a second and
    not one each. The worker of this process is woken without it; the job is for the others.
    """
    if not await connection.fetchval(_QUEUE["is_queued"], _EMBED):
        await Queries(AsyncpgDriver(connection)).enqueue(_EMBED, None, execute_after=_DELAY)


class Queue:
    """Listens for wake-ups and runs the schedules; comes back by itself when PostgreSQL does."""

    def __init__(
        self,
        database: Database,
        *,
        on_wake: Callable[[], None],
        sweep: Task,
        tidy: Task,
        consolidate: Callable[[], None],
        consolidate_at: str | None,
    ) -> None:
        """`consolidate` only starts it: a schedule that takes long would hold up the end of a connection that was lost.
        `consolidate_at`: a cron expression, UTC; None: never."""
        self._database = database
        self._on_wake = on_wake
        self._sweep = sweep
        self._tidy = tidy
        self._consolidate = consolidate
        self._consolidate_at = consolidate_at

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                with translated():
                    await self._listen()
            except AthenaError as exc:
                log.debug("queue waits for PostgreSQL", error=exc.message)
            except Exception:
                log.exception("queue stopped unexpectedly")
            # Whatever was enqueued meanwhile is in the outbox.
            self._on_wake()
            await asyncio.sleep(_RETRY_S)

    async def _listen(self) -> None:
        await self._database.ensure_ready()
        connection = await self._database.connect()
        try:
            queuer = PgQueuer(AsyncpgDriver(connection))
            self._register(queuer)
            await queuer.run(dequeue_timeout=timedelta(seconds=10), batch_size=50, shutdown_on_listener_failure=True)
        finally:
            with contextlib.suppress(Exception):
                await connection.close(timeout=2)

    def _register(self, queuer: PgQueuer) -> None:
        @queuer.entrypoint(_EMBED)
        async def embed(job: Job) -> None:
            self._on_wake()

        @queuer.schedule("sweep", "* * * * *")
        async def sweep(schedule: Schedule) -> None:
            await self._sweep()

        @queuer.schedule("tidy", "17 * * * *")
        async def tidy(schedule: Schedule) -> None:
            async with self._database.acquire() as connection:
                await connection.execute(_MEMORY["drop_old_answers"])
            await self._tidy()

        if self._consolidate_at is not None:
            # One of all replicas gets it; a night that nobody was there for is made up for at the next start.
            @queuer.schedule("consolidate", self._consolidate_at)
            async def consolidate(schedule: Schedule) -> None:
                self._consolidate()


async def refresh_sizes(database: Database) -> None:
    """Bring the sizes that the ranking works with up to date."""
    async with database.acquire() as connection:
        await connection.execute(_MEMORY["refresh_project_sizes"])
