"""From the spool into the ledger, beside the requests."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import msgspec
import structlog

from athena.errors import AthenaError
from athena.usage.budgets import Budgets
from athena.usage.ledger import Ledger
from athena.usage.spool import Segment, Spool, claim

_EVERY_S = 1.0
# A budget that is set, or used up elsewhere, is known everywhere after two rounds.
_ROUNDS_PER_REFRESH = 2
# Working a batch out keeps the requests of this process waiting: some milliseconds.
_BATCH = 100
# While PostgreSQL is away a segment grows to this size before the next is begun.
_SEGMENT_BYTES = 4 << 20

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """How the ledger keeps up. `lost` and `refused`: rows since this process began that couldn't be spooled, or
    that PostgreSQL won't store; `error`: why the last round didn't come to its end."""

    waiting_bytes: int
    lost: int
    refused: int
    error: str | None


class Writer:
    """Brings in what this process spooled, and what processes that have died left behind."""

    def __init__(self, spool: Spool, ledger: Ledger, budgets: Budgets) -> None:
        self._spool = spool
        self._ledger = ledger
        self._budgets = budgets
        self._refused = 0
        self._error: str | None = None

    @property
    def state(self) -> State:
        return State(self._spool.bytes, self._spool.lost, self._refused, self._error)

    async def run(self) -> None:
        """Until cancelled; PostgreSQL may come and go."""
        rounds = 0
        while True:
            try:
                await self.flush()
                if rounds % _ROUNDS_PER_REFRESH == 0:
                    await self._budgets.refresh(landed=True)
                rounds += 1
                self._error = None
            except AthenaError as exc:
                self._failed(exc.message)
            except Exception as exc:
                if self._failed(f"{type(exc).__name__}: {exc}"):
                    log.exception("usage stays in the spool")
            await asyncio.sleep(_EVERY_S)

    async def flush(self) -> None:
        """Bring in every row that was appended before. Raises `StoreUnavailable`: what isn't in yet stays."""
        try:
            await self._drain()
        except BaseException:
            if self._spool.active_bytes >= _SEGMENT_BYTES:
                self._roll()
            raise
        if self._spool.active_bytes:
            self._roll()
            await self._drain()

    def _roll(self) -> None:
        self._spool.roll()
        self._budgets.roll()

    async def _drain(self) -> None:
        for path in self._spool.waiting():
            with claim(path) as segment:
                if segment is not None:
                    await self._bring_in(segment)
        self._spool.waiting()

    async def _bring_in(self, segment: Segment) -> None:
        for uses, unreadable in segment.batches(_BATCH):
            refused = await self._ledger.write(uses) if uses else []
            aside = unreadable + [msgspec.json.encode(use) for use in refused]
            if aside:
                segment.put_aside(aside)
                self._refused += len(aside)
                log.error("usage can't be stored, kept aside", rows=len(aside), beside=str(segment.path))
        segment.remove()

    def _failed(self, error: str) -> bool:
        """Whether this is news."""
        before, self._error = self._error, error
        return before != error
