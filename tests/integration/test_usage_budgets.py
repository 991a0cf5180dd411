"""Budgets: what is spent counts at once, is never counted twice, and is forgotten when the period ends."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from athena.errors import NotFound
from athena.store.pool import Database
from athena.usage.budgets import FINE, Budgets, Limit
from athena.usage.service import Usage
from tests.integration.api_server import free_port
from tests.integration.conftest import until
from tests.unit.uses import use

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Clock:
    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def of_key(amount: str, **changes: str) -> Limit:
    values = {"subject": "key", "name": "ci", "period": "day", "action": "stop"} | changes
    return Limit(**values, amount=Decimal(amount))  # type: ignore[arg-type]


async def budgets_with(database: Database, *limits: Limit, clock: Clock | None = None) -> Budgets:
    budgets = Budgets(database, clock or Clock())
    for limit in limits:
        await budgets.set(limit)
    await budgets.refresh(landed=True)
    return budgets


async def test_a_budget_is_set_changed_listed_and_removed(database: Database) -> None:
    budgets = Budgets(database, Clock())
    first = await budgets.set(of_key("5"))
    assert (first.limit, first.spent, first.since) == (of_key("5"), 0, date(2026, 11, 20))
    assert first.until == datetime(2026, 11, 21, tzinfo=UTC)
    again = await budgets.set(of_key("7.5"))
    assert (again.id, again.limit.amount) == (first.id, Decimal("7.5"))
    month = await budgets.set(of_key("100", period="month", action="warn"))
    assert month.since == date(2026, 11, 1)
    assert month.until == datetime(2026, 12, 1, tzinfo=UTC)
    assert [budget.id for budget in await budgets.list()] == [first.id, month.id]
    await budgets.remove(first.id)
    with pytest.raises(NotFound):
        await budgets.remove(first.id)
    assert [budget.id for budget in await budgets.list()] == [month.id]


async def test_what_is_spent_counts_at_once(database: Database) -> None:
    budgets = await budgets_with(database, of_key("1"))
    budgets.add("ci", None, Decimal("0.99"))
    assert budgets.verdict("ci", None) == FINE
    budgets.add("ci", "agent", Decimal("0.01"))
    verdict = budgets.verdict("ci", None)
    assert verdict.kind == "stop"
    assert verdict.reason == "budget of key ci: $1.00 of $1.00 spent this day"
    assert verdict.until == datetime(2026, 11, 21, tzinfo=UTC)
    assert budgets.verdict("other", None) == FINE
    assert budgets.verdict("", "ci") == FINE


async def test_the_severest_of_key_and_agent_holds(database: Database) -> None:
    budgets = await budgets_with(
        database,
        of_key("1", action="warn"),
        of_key("2", action="degrade"),
        of_key("1.5", subject="agent", name="a", action="stop"),
    )
    kinds = []
    for _ in range(5):
        budgets.add("ci", "a", Decimal("0.5"))
        kinds.append((budgets.verdict("ci", None).kind, budgets.verdict("ci", "a").kind))
    assert kinds == [("ok", "ok"), ("warn", "warn"), ("warn", "stop"), ("degrade", "stop"), ("degrade", "stop")]


async def test_a_budget_of_nothing_is_used_up_from_the_start(database: Database) -> None:
    budgets = await budgets_with(database, of_key("0", name=""))
    assert budgets.verdict("", None).kind == "stop"
    assert "without a key" in budgets.verdict("", None).reason


async def test_a_new_day_is_a_new_budget_and_the_month_goes_on(database: Database) -> None:
    clock = Clock()
    budgets = await budgets_with(database, of_key("1"), of_key("3", period="month", action="warn"), clock=clock)
    async with database.acquire() as connection:
        await connection.execute("INSERT INTO spent VALUES ('key', 'ci', '2026-11-20', 1, 0)")
    await budgets.refresh(landed=True)
    assert budgets.verdict("ci", None).kind == "stop"
    # PostgreSQL isn't asked again: what was read yesterday must not count today.
    clock.now += timedelta(days=1)
    assert budgets.verdict("ci", None).kind == "ok"
    budgets.add("ci", None, Decimal("1"))
    assert budgets.verdict("ci", None).kind == "stop"
    clock.now += timedelta(days=1)
    budgets.add("ci", None, Decimal("1"))
    assert budgets.verdict("ci", None).kind == "stop"
    clock.now += timedelta(days=1)
    assert budgets.verdict("ci", None).kind == "warn"
    clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    assert budgets.verdict("ci", None) == FINE


async def test_nothing_is_counted_twice_on_its_way_to_the_ledger(database: Database, tmp_path: Path) -> None:
    """At each moment from the answer to the row: exactly what was spent."""
    usage = Usage(database, tmp_path)
    await usage.budgets.set(of_key("0.009", period="month"))
    await usage.budgets.refresh(landed=True)

    def spent() -> Decimal:
        """A verdict names it only when the budget is used up."""
        [budget] = usage.budgets._by_who["key", "ci"]
        own = [usage.budgets._recent, usage.budgets._flying]
        return budget.spent + sum(cost for each in own for cost in each.get(("key", "ci"), {}).values())

    at = datetime.now(UTC)
    usage.record(use(principal="ci", at=at))
    assert spent() == Decimal("0.003")
    await usage._writer.flush()
    assert spent() == Decimal("0.003")
    usage.record(use(principal="ci", at=at))
    assert spent() == Decimal("0.006")
    await usage.budgets.refresh(landed=True)
    assert spent() == Decimal("0.006")
    assert usage.verdict("ci", None).kind == "ok"
    await usage._writer.flush()
    usage.record(use(principal="ci", at=at))
    assert usage.verdict("ci", None).kind == "stop"
    await usage._writer.flush()
    await usage.budgets.refresh(landed=True)
    assert spent() == Decimal("0.009")
    assert usage.verdict("ci", None).kind == "stop"


async def test_replicas_learn_of_budgets_and_of_each_others_spending(database: Database, tmp_path: Path) -> None:
    one, other = Usage(database, tmp_path / "1"), Usage(database, tmp_path / "2")
    tasks = [asyncio.create_task(replica.run()) for replica in (one, other)]
    try:
        await one.budgets.set(of_key("0.005", period="month", action="degrade"))

        async def known() -> bool:
            return one.budgets.any() and other.budgets.any()

        await until(known, 10)
        one.record(use(principal="ci", at=datetime.now(UTC)))
        other.record(use(principal="ci", at=datetime.now(UTC)))

        async def both() -> bool:
            return {each.verdict("ci", None).kind for each in (one, other)} == {"degrade"}

        await until(both, 10)
        [budget] = await one.budgets.list()
        assert budget.spent == Decimal("0.006")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_has_no_known_price_is_counted_beside(database: Database, tmp_path: Path) -> None:
    usage = Usage(database, tmp_path)
    budget = await usage.budgets.set(of_key("1", period="month"))
    await usage.budgets.refresh(landed=True)
    for _ in range(3):
        usage.record(use(principal="ci", model="of-the-future", at=datetime.now(UTC)))
    await usage.aclose()
    [now] = await usage.budgets.list()
    assert (now.id, now.spent, now.unpriced) == (budget.id, 0, 3)


async def test_without_postgresql_there_is_no_verdict_and_what_was_read_holds(database: Database) -> None:
    never = Budgets(Database(f"postgresql://nobody@127.0.0.1:{free_port()}/nowhere"))
    assert never.verdict("ci", "a") == FINE
    assert not never.any()
    budgets = await budgets_with(database, of_key("1"))
    budgets.add("ci", None, Decimal("2"))
    await database.close()
    assert budgets.verdict("ci", None).kind == "stop"
