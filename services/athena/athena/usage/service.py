"""Everything about use that the rest of the house is handed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from athena.errors import AthenaError
from athena.usage.budgets import Budgets, Verdict
from athena.usage.ledger import Ledger
from athena.usage.prices import Prices
from athena.usage.reports import Reports
from athena.usage.spool import Spool
from athena.usage.types import Use
from athena.usage.value import cost_of
from athena.usage.writer import State, Writer

if TYPE_CHECKING:
    from athena.store.pool import Database

_LAST_FLUSH_S = 2.0

log = structlog.get_logger(__name__)


class Usage:
    """`record` and `verdict` are for the way of a request: they wait for nothing and never raise. `run` does the
    rest beside it."""

    def __init__(self, database: Database, directory: Path) -> None:
        """`directory`: where rows wait for PostgreSQL; processes of one machine may share it."""
        self.prices = Prices()
        self.budgets = Budgets(database)
        self.reports = Reports(database)
        self._spool = Spool(directory)
        self._writer = Writer(self._spool, Ledger(database, self.prices), self.budgets)

    def record(self, use: Use) -> None:
        """To be called before the last bytes of the answer leave: then a kill at any moment loses no row of an
        answered request."""
        self._spool.append(use)
        if self.budgets.any():
            cost = cost_of(use, self.prices)
            if cost:
                self.budgets.add(use.principal, use.agent, cost)

    def verdict(self, principal: str, agent: str | None) -> Verdict:
        return self.budgets.verdict(principal, agent)

    @property
    def state(self) -> State:
        return self._writer.state

    async def run(self) -> None:
        """Until cancelled."""
        await asyncio.to_thread(self.prices.load)
        await self._writer.run()

    async def aclose(self) -> None:
        """Bring in what waits, if PostgreSQL answers at once; the next process finds what stays."""
        try:
            async with asyncio.timeout(_LAST_FLUSH_S):
                await self._writer.flush()
        except (AthenaError, TimeoutError) as exc:
            log.info("usage waits in the spool for the next start", reason=str(exc) or "PostgreSQL is slow")
        except Exception:
            # Whoever closes has more to close.
            log.exception("usage waits in the spool for the next start")
        finally:
            self._spool.roll()
