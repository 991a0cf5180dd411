"""What was used, by day, model, task, or whatever else a row knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, get_args

from athena.store.sql import statements

if TYPE_CHECKING:
    import asyncpg

    from athena.store.pool import Database

_SQL = statements("usage")

By = Literal["day", "model", "task", "agent", "session", "key", "tier", "class"]
DIMENSIONS: tuple[By, ...] = get_args(By)


@dataclass(frozen=True, slots=True)
class Line:
    """Sums over attempts. USD. `cost` leaves out the `unpriced` attempts, whose price isn't known, and the savings
    the `unvalued`; neither is ever counted as nothing. `tokens_per_second`: while an answer is being written."""

    key: str
    requests: int
    failed: int
    cancelled: int
    attempts: int
    local_requests: int
    tokens: int
    local_tokens: int
    tokens_input: int
    tokens_cached: int
    tokens_written: int
    tokens_output: int
    tokens_saved: int
    cost: Decimal
    unpriced: int
    saved_compression: Decimal
    saved_cache: Decimal
    saved_local: Decimal
    saved_routing: Decimal
    unvalued: int
    first_ms_p50: float | None
    total_ms_p50: float | None
    total_ms_p95: float | None
    tokens_per_second: float | None

    @property
    def saved(self) -> Decimal:
        return self.saved_compression + self.saved_cache + self.saved_local + self.saved_routing


@dataclass(frozen=True, slots=True)
class Report:
    """`lines`: days in order, anything else by cost. `omitted` lines were beyond the limit; `total` has them."""

    total: Line
    lines: tuple[Line, ...]
    omitted: int


class Reports:
    """Raises `StoreUnavailable` while PostgreSQL is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def report(
        self, since: datetime, until: datetime, by: By, *, project: str | None = None, limit: int = 1000
    ) -> Report:
        """Of attempts that began at or after `since` and before `until`, in `project` or in all."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_SQL["report"], since, until, project, by, limit)
        total, *lines = rows
        return Report(_line(total), tuple(_line(row) for row in lines), total["groups"] - len(lines))


def _line(row: asyncpg.Record) -> Line:
    return Line(**{name: row[name] for name in Line.__dataclass_fields__})
