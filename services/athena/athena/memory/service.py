"""The memory as the rest of the house sees it: one object, every verb."""

from __future__ import annotations

import asyncio
import builtins
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

from athena.memory.browse import Shelf
from athena.memory.forget import Forgetter
from athena.memory.generations import Generations
from athena.memory.names import Names
from athena.memory.past import Past
from athena.memory.ports import Sent, Wake
from athena.memory.recall import Reader
from athena.memory.remember import Writer
from athena.memory.rows import uid_of
from athena.memory.transfer import Exporter, Imported, Importer
from athena.memory.types import (
    Filter,
    Forgotten,
    HistoryEntry,
    Memory,
    NewMemory,
    Page,
    Recall,
    Receipt,
    Support,
    Unused,
)
from athena.memory.use import Uses
from athena.store.pool import Database
from athena.store.sql import statements

_SQL = statements("remember")
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.02, 0.25


class MemoryService:
    """Every method raises `StoreUnavailable` while PostgreSQL is away."""

    def __init__(
        self,
        database: Database,
        generations: Generations,
        wake: Wake,
        notify: Callable[[], None] = lambda: None,
        sent: Sent | None = None,
    ) -> None:
        """`notify`: tell this process's worker, if it has one, that there is something to embed. `sent`: where
        forgetting reaches when it is told to."""
        names = Names()
        self._database = database
        self._uses = Uses(database)
        self._writer = Writer(database, wake, notify, names, self._uses)
        self._reader = Reader(database, generations, names, self._uses)
        self._shelf = Shelf(database, names)
        self._forgetter = Forgetter(database, wake, notify, names, sent)
        self._past = Past(database)
        self._exporter = Exporter(database)
        self._importer = Importer(database, wake, notify)

    async def remember(
        self,
        items: Sequence[NewMemory],
        *,
        idempotency_key: str | None = None,
        principal: str = "",
        wait_s: float = 0.0,
    ) -> builtins.list[Receipt]:
        """Committed when this returns. `wait_s`: wait so many seconds at most for the vectors, too."""
        receipts = await self._writer.remember(items, idempotency_key=idempotency_key, principal=principal)
        return await self._embedded(receipts, wait_s) if wait_s > 0 else receipts

    async def recall(self, query: str, where: Filter, *, limit: int = 10) -> Recall:
        return await self._reader.recall(query, where, limit=limit)

    async def glance(self, query: str, where: Filter, *, limit: int = 10) -> Recall:
        """A recall that doesn't count: nobody is told of it, or not of all of it (`told`)."""
        return await self._reader.recall(query, where, limit=limit, counted=False)

    def told(self, memories: Sequence[Memory]) -> None:
        """These were recalled, and told to somebody."""
        self._uses.count(memories)

    async def get(self, id: str) -> Memory:
        return await self._shelf.get(id)

    async def list(self, where: Filter, **page: Any) -> Page:
        return await self._shelf.list(where, **page)

    async def supersede(self, id: str, new: NewMemory) -> Receipt:
        return await self._writer.supersede(id, new)

    @property
    def writer(self) -> Writer:
        """For who writes in a transaction of its own."""
        return self._writer

    async def history(self, id: str) -> builtins.list[HistoryEntry]:
        return await self._past.history(id)

    async def restore(self, id: str) -> Memory:
        """Undo what superseded the version `id`; see `Past.restore`."""
        await self._past.restore(id)
        return await self._shelf.get(id)

    async def evidence(self, id: str) -> builtins.list[Support]:
        return await self._past.evidence(id)

    async def unused(self, project: str, **page: Any) -> Unused:
        return await self._shelf.unused(project, **page)

    async def forget(self, ids: Sequence[str], *, project: str | None = None, ledger: bool = False) -> Forgotten:
        return await self._forgetter.forget(ids, project=project, ledger=ledger)

    async def forget_where(self, where: Filter, **what: Any) -> Forgotten:
        return await self._forgetter.forget_where(where, **what)

    def export(self, project: str | None = None) -> AsyncGenerator[bytes]:
        """The memory as lines (`export.md`), of one project or of all. Close it: it holds a connection."""
        return self._exporter.export(project)

    async def take_in(self, lines: AsyncIterator[bytes], *, dry_run: bool = False, revive: bool = False) -> Imported:
        """An export, all of it or nothing. `revive`: also what was forgotten here."""
        return await self._importer.take_in(lines, dry_run=dry_run, revive=revive)

    async def run(self) -> None:
        """Until cancelled: what is done beside the requests."""
        await self._uses.run()

    async def tidy(self) -> None:
        """What time has done away with."""
        await self._forgetter.expire()
        await self._uses.tidy()

    async def aclose(self) -> None:
        await self._uses.aclose()

    async def _embedded(self, receipts: builtins.list[Receipt], wait_s: float) -> builtins.list[Receipt]:
        deadline = time.monotonic() + wait_s
        pause = _FIRST_LOOK_S
        while True:
            async with self._database.acquire() as connection:
                rows = await connection.fetch(_SQL["unembedded"], [uid_of(receipt.id) for receipt in receipts])
            waiting = {str(row["uid"]) for row in rows}
            if not waiting or time.monotonic() + pause >= deadline:
                break
            await asyncio.sleep(pause)
            pause = min(pause * 1.6, _LONGEST_LOOK_S)
        return [replace(r, embedding="pending" if r.id in waiting else "ready") for r in receipts]
