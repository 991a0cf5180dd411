"""The memory as the rest of the house sees it: one object, every verb."""

from __future__ import annotations

import asyncio
import builtins
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

from athena.memory.browse import Shelf
from athena.memory.generations import Generations
from athena.memory.names import Names
from athena.memory.ports import Wake
from athena.memory.recall import Reader
from athena.memory.remember import Writer
from athena.memory.rows import uid_of
from athena.memory.transfer import Exporter, Imported, Importer
from athena.memory.types import Filter, Forgotten, HistoryEntry, Memory, NewMemory, Page, Recall, Receipt
from athena.store.pool import Database
from athena.store.sql import statements

_SQL = statements("remember")
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.02, 0.25


class MemoryService:
    """Every method raises `StoreUnavailable` while PostgreSQL is away."""

    def __init__(
        self, database: Database, generations: Generations, wake: Wake, notify: Callable[[], None] = lambda: None
    ) -> None:
        """`notify`: tell this process's worker, if it has one, that there is something to embed."""
        names = Names()
        self._database = database
        self._writer = Writer(database, wake, notify, names)
        self._reader = Reader(database, generations, names)
        self._shelf = Shelf(database, names)
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

    async def get(self, id: str) -> Memory:
        return await self._shelf.get(id)

    async def list(self, where: Filter, **page: Any) -> Page:
        return await self._shelf.list(where, **page)

    async def supersede(self, id: str, new: NewMemory) -> Receipt:
        return await self._writer.supersede(id, new)

    async def history(self, id: str) -> builtins.list[HistoryEntry]:
        return await self._shelf.history(id)

    async def forget(self, ids: Sequence[str], *, project: str | None = None) -> Forgotten:
        return await self._shelf.forget(ids, project=project)

    async def forget_where(self, where: Filter, **what: Any) -> Forgotten:
        return await self._shelf.forget_where(where, **what)

    def export(self, project: str | None = None) -> AsyncGenerator[bytes]:
        """The memory as lines (`export.md`), of one project or of all. Close it: it holds a connection."""
        return self._exporter.export(project)

    async def take_in(self, lines: AsyncIterator[bytes], *, dry_run: bool = False, revive: bool = False) -> Imported:
        """An export, all of it or nothing. `revive`: also what was forgotten here."""
        return await self._importer.take_in(lines, dry_run=dry_run, revive=revive)

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
