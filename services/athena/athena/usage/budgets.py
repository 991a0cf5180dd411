"""Budgets: what a key or an agent may spend in a day or a month, and what happens when it is spent.

A verdict is asked for before each request, so it is given from memory: from what PostgreSQL said a moment ago, and
what this process has spent since. A budget is therefore overdrawn by what is under way when it runs out, and by what
other replicas spent within the last three seconds. Days and months are those of UTC.
"""

from __future__ import annotations

import builtins
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from athena.errors import NotFound
from athena.store.sql import statements

if TYPE_CHECKING:
    from athena.store.pool import Database

_SQL = statements("usage")

Subject = Literal["key", "agent"]
Period = Literal["day", "month"]
Action = Literal["warn", "degrade", "stop"]

_SEVERITY = {"warn": 1, "degrade": 2, "stop": 3}
# A subject and its name.
_Who = tuple[str, str]
_Spent = defaultdict[_Who, defaultdict[date, Decimal]]


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` USD in a `period`. Key "": whoever comes without a key."""

    subject: Subject
    name: str
    period: Period
    action: Action
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit and how far it is used up since its period began. `unpriced` attempts aren't in `spent`: their
    models' prices aren't known."""

    id: int
    limit: Limit
    since: date
    spent: Decimal
    unpriced: int

    @property
    def until(self) -> datetime:
        """When the next period begins."""
        return _until(self.limit.period, self.since)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a request of somebody is to meet with; the severest where several budgets are used up. `reason` is for
    people; `until`: when the budget is fresh again."""

    kind: Literal["ok", "warn", "degrade", "stop"]
    reason: str = ""
    until: datetime | None = None


FINE = Verdict("ok")


class Budgets:
    """Before PostgreSQL has been read for the first time there is no budget that could be used up; while it is
    away, those last read hold, with all that this process spends."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._clock = clock
        self._by_who: dict[_Who, builtins.list[Budget]] = {}
        # Spent by this process: since the last roll, and before it but perhaps not yet in what PostgreSQL said.
        self._recent = _none_spent()
        self._flying = _none_spent()

    def any(self) -> bool:
        return bool(self._by_who)

    def verdict(self, principal: str, agent: str | None) -> Verdict:
        """A microsecond where nobody set a budget for either."""
        worst = FINE
        for who in _who(principal, agent):
            for budget in self._by_who.get(who, ()):
                verdict = self._judge(budget, who)
                if _SEVERITY.get(verdict.kind, 0) > _SEVERITY.get(worst.kind, 0):
                    worst = verdict
        return worst

    def add(self, principal: str, agent: str | None, cost: Decimal) -> None:
        """Count what was spent just now, until PostgreSQL does."""
        today = self._clock().date()
        for who in _who(principal, agent):
            if who in self._by_who:
                self._recent[who][today] += cost

    def roll(self) -> None:
        """What was added until now is on its way to the ledger."""
        for who, by_day in self._recent.items():
            for day, cost in by_day.items():
                self._flying[who][day] += cost
        self._recent.clear()

    async def refresh(self, *, landed: bool) -> None:
        """Read all budgets; `landed`: all that was added before the last `roll` is in the ledger.
        Raises `StoreUnavailable`."""
        found: dict[_Who, builtins.list[Budget]] = {}
        for budget in await self.list():
            found.setdefault((budget.limit.subject, budget.limit.name), []).append(budget)
        if landed:
            self._flying.clear()
        self._by_who = found

    async def list(self) -> builtins.list[Budget]:
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_SQL["budgets"], self._clock().date())
        return [
            Budget(
                row["id"],
                Limit(row["subject"], row["name"], row["period"], row["action"], row["amount"]),
                row["since"],
                row["spent"],
                row["unpriced"],
            )
            for row in rows
        ]

    async def set(self, limit: Limit) -> Budget:
        """There is one for each subject, name, period and action: setting it again changes the amount. It holds in
        all replicas within two seconds."""
        values = (limit.subject, limit.name, limit.period, limit.action, limit.amount)
        async with self._database.acquire() as connection:
            id = await connection.fetchval(_SQL["set_budget"], *values)
        found = [budget for budget in await self.list() if budget.id == id]
        if not found:
            raise NotFound("this budget was removed at the same moment")
        return found[0]

    async def remove(self, id: int) -> None:
        """Raises `NotFound`."""
        async with self._database.acquire() as connection:
            if await connection.fetchval(_SQL["remove_budget"], id) is None:
                raise NotFound(f"there is no budget {id}", hint="athena budgets list")

    def _judge(self, budget: Budget, who: _Who) -> Verdict:
        limit = budget.limit
        since = _begin(limit.period, self._clock().date())
        # What was read before midnight may have been spent in another period.
        spent = budget.spent if budget.since == since else Decimal(0)
        for own in (self._recent, self._flying):
            spent += sum(cost for day, cost in own.get(who, {}).items() if day >= since)
        if spent < limit.amount:
            return FINE
        name = f"{limit.subject} {limit.name}" if limit.name else "requests without a key"
        reason = f"budget of {name}: ${spent:.2f} of ${limit.amount:.2f} spent this {limit.period}"
        return Verdict(limit.action, reason, _until(limit.period, since))


def _who(principal: str, agent: str | None) -> Iterator[_Who]:
    yield "key", principal
    if agent is not None:
        yield "agent", agent


def _begin(period: str, day: date) -> date:
    return day if period == "day" else day.replace(day=1)


def _until(period: str, since: date) -> datetime:
    after = since + timedelta(days=1 if period == "day" else 32)
    return datetime.combine(_begin(period, after), time(), UTC)


def _none_spent() -> _Spent:
    return defaultdict(lambda: defaultdict(Decimal))
