"""An export taken in: all of it in one transaction, or nothing; once, however often it is sent.

What is here stays as it is. The one thing that may change is that a memory of which the file knows what became of it
since (it was superseded there, or restored) is so here too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import asyncpg

from athena.errors import StoreUnavailable, Unavailable
from athena.memory.ports import Wake
from athena.memory.transfer.batch import Batch
from athena.memory.transfer.lines import records
from athena.memory.transfer.records import EmbeddingReference, Header
from athena.memory.transfer.report import Imported
from athena.memory.transfer.tally import Tally
from athena.store.pool import Database
from athena.store.sql import statements

if TYPE_CHECKING:
    from athena.store.pool import Connection

_SQL = statements("transfer")
_IN_THE_WAY = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.ForeignKeyViolationError)


class _Undone(Exception):
    """A dry run is over."""


class Importer:
    """`wake` is called inside the transaction that gives the worker something to do, `notify` after it."""

    def __init__(self, database: Database, wake: Wake, notify: Callable[[], None]) -> None:
        self._database = database
        self._wake = wake
        self._notify = notify
        self._running = False

    async def take_in(self, chunks: AsyncIterator[bytes], *, dry_run: bool = False, revive: bool = False) -> Imported:
        """Read an export to its end. `dry_run`: do it all, and then none of it. `revive`: also what was forgotten here.

        Raises `InvalidInput`, naming the line, and `Unavailable` while another import runs.
        """
        if self._running:
            raise Unavailable("another import runs just now", hint="nothing was imported", retry_after=10)
        self._running = True
        tally = Tally()
        try:
            await self._all_or_nothing(chunks, tally, dry_run, revive)
        except _Undone:
            pass
        except _IN_THE_WAY as exc:
            raise StoreUnavailable(
                "others write the same memories just now", hint="nothing was imported: send it again", retry_after=1
            ) from exc
        finally:
            self._running = False
        if tally.created and not dry_run:
            self._notify()
        return tally.report(dry_run=dry_run)

    async def _all_or_nothing(self, chunks: AsyncIterator[bytes], tally: Tally, dry_run: bool, revive: bool) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["bound_idling"])
            batch = Batch(connection, tally, revive=revive)
            async for line, record in records(chunks):
                if isinstance(record, Header):
                    await _keep(connection, record.embedding)
                else:
                    await batch.add(line, record)
            await batch.flush()
            if dry_run:
                raise _Undone
            if tally.created:
                await self._wake(connection)


async def _keep(connection: Connection, embedding: EmbeddingReference | None) -> None:
    if embedding is not None:
        columns = (embedding.model, embedding.dim, embedding.prefix_document, embedding.prefix_query)
        await connection.execute(_SQL["keep_embedding"], *columns)
