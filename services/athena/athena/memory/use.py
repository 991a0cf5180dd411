"""How often each memory is recalled: counted here, written beside the requests.

A recall only puts its hits on a heap; every second the heap is written. What waits is bounded, and none of it is
worth an error to a reader: with PostgreSQL away it waits, as much as there is room for.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import structlog

from athena.errors import AthenaError, StoreUnavailable
from athena.memory.types import Memory
from athena.memory.words import SHORT, shingles, words
from athena.store.sql import statements

if TYPE_CHECKING:
    from athena.store.pool import Database

_SQL = statements("use")
_EVERY_S = 1.0
_LAST_FLUSH_S = 2.0
_MOST_WAITING = 10_000
_MOST_AT_ONCE = 500
# Much shorter than hashes are kept.
_REMEMBER_S = 3_600.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Use:
    memory: Memory
    recalls: int
    at: datetime
    hashes: list[int] | None = None

    def shingles(self) -> list[int]:
        if self.hashes is None:
            self.hashes = sorted(set(shingles(words(self.memory.content)))) or [SHORT]
        return self.hashes


@dataclass(slots=True)
class _Heap:
    """Uses by the id of their memory; `known` are the hashes of those that somebody asked for, by project."""

    uses: dict[str, _Use] = field(default_factory=dict)
    known: dict[str, set[int]] = field(default_factory=dict)
    new: list[_Use] = field(default_factory=list)

    def add(self, memory: Memory, at: datetime) -> None:
        use = self.uses.get(memory.id)
        if use is None:
            use = self.uses[memory.id] = _Use(memory, 0, at)
            self.new.append(use)
        use.recalls, use.at = use.recalls + 1, at

    def hashes(self, project: str) -> set[int]:
        for use in self.new:
            self.known.setdefault(use.memory.scope.project, set()).update(use.shingles())
        self.new.clear()
        return self.known.get(project, set())


class Uses:
    """Counts recalls. `count` waits for nothing and never raises; `run` writes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._heap = _Heap()
        # What is being written is still waiting until it has been.
        self._leaving: _Heap | None = None
        self._writing = asyncio.Lock()
        self._written: dict[tuple[str, int], float] = {}

    def count(self, memories: Iterable[Memory]) -> None:
        now = datetime.now(UTC)
        room = _MOST_WAITING - len(self._heap.uses)
        for memory in memories:
            if memory.id in self._heap.uses or room > 0:
                room -= memory.id not in self._heap.uses
                self._heap.add(memory, now)

    def waiting(self, project: str) -> set[int]:
        """The hashes of what was recalled in this process and isn't written yet."""
        hashes = self._heap.hashes(project)
        return hashes | self._leaving.hashes(project) if self._leaving else hashes

    def holding(self, project: str, hashes: set[int]) -> list[uuid.UUID]:
        """Which memories that wait hold any of these hashes."""
        heaps = [self._heap, self._leaving] if self._leaving else [self._heap]
        return [
            uuid.UUID(id)
            for heap in heaps
            for id, use in heap.uses.items()
            if use.memory.scope.project == project and not hashes.isdisjoint(use.shingles())
        ]

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await self.flush()
            except StoreUnavailable:
                log.debug("recalls are counted when PostgreSQL is back", waiting=len(self._heap.uses))
            except Exception:
                log.exception("some recalls aren't counted")
                self._leaving = None

    async def flush(self) -> None:
        """Write what waits. Raises `StoreUnavailable`, and then it goes on waiting."""
        async with self._writing:
            if self._leaving is None:
                if not self._heap.uses:
                    return
                self._leaving, self._heap = self._heap, _Heap()
            while self._leaving.uses:
                some = dict(islice(self._leaving.uses.items(), _MOST_AT_ONCE))
                await self._write(list(some.values()))
                for id in some:
                    del self._leaving.uses[id]
            self._leaving = None

    async def _write(self, uses: list[_Use]) -> None:
        now = time.monotonic()
        if len(self._written) > _MOST_WAITING:
            self._written.clear()
        # Their hashes are there: most of what is recalled is recalled often.
        places = [place for place, use in enumerate(uses) if self._written.get(_name(use), 0.0) < now]
        said = [(place + 1, hash) for place in places for hash in uses[place].shingles()]
        columns = (
            [uuid.UUID(use.memory.id) for use in uses],
            [use.recalls for use in uses],
            [use.at for use in uses],
            [place for place, _ in said],
            [hash for _, hash in said],
        )
        await self._database.in_transaction(lambda connection: connection.execute(_SQL["count"], *columns))
        self._written.update((_name(uses[place]), now + _REMEMBER_S) for place in places)

    async def tidy(self) -> None:
        """Hashes of what was recalled days ago aren't needed any more."""
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["drop_old_shingles"])

    async def aclose(self) -> None:
        """Write what waits, if PostgreSQL answers at once."""
        try:
            async with asyncio.timeout(_LAST_FLUSH_S):
                # What a cancelled `run` was writing, then what came since.
                await self.flush()
                await self.flush()
        except (AthenaError, TimeoutError) as exc:
            log.info("the last recalls aren't counted", reason=str(exc) or "PostgreSQL is slow")
        except Exception:
            # Whoever closes has more to close.
            log.exception("the last recalls aren't counted")


def _name(use: _Use) -> tuple[str, int]:
    """A pattern may come to say something else."""
    return use.memory.id, hash(use.memory.content)
