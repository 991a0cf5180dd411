"""Reports: whatever is asked by, the lines are the total, and the total is what the rows say."""

from __future__ import annotations

import random
from dataclasses import fields
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from athena.store.pool import Database
from athena.usage.prices import Prices
from athena.usage.reports import DIMENSIONS, By, Line, Report, Reports
from athena.usage.service import Usage
from athena.usage.types import Use
from athena.usage.value import value_of
from tests.unit.uses import AT, use

FROM, TO = AT - timedelta(days=3), AT + timedelta(days=3)
NO_SUMS = {"key", "first_ms_p50", "total_ms_p50", "total_ms_p95", "tokens_per_second"}
SUMS = [field.name for field in fields(Line) if field.name not in NO_SUMS]


def some(seed: int, count: int) -> list[Use]:
    chance = random.Random(seed)

    def one(n: int) -> Use:
        local = chance.random() < 0.4
        tokens: dict[str, Any] = {
            f"tokens_{kind}": chance.choice([None, chance.randrange(50_000)])
            for kind in ("input", "cached", "written", "output")
        }
        return use(
            request_id=f"r{n}",
            at=AT + timedelta(hours=chance.randrange(-60, 60)),
            final=chance.random() < 0.8,
            outcome=chance.choice(["ok", "ok", "ok", "error", "cancelled", "broken"]),
            local=local,
            provider="local" if local else "anthropic",
            model=chance.choice(["claude-haiku-5-5", "claude-opus-5-5", "of-the-future"]),
            principal=chance.choice(["", "laptop", "ci"]),
            agent=chance.choice([None, "a", "b"]),
            task=chance.choice([None, "code"]),
            session=chance.choice([None, "s1", "s2", "s3"]),
            tier=chance.choice([None, "haiku", "opus"]),
            request_class=chance.choice(["main", "auxiliary"]),
            project=chance.choice([None, "p"]),
            baseline=chance.choice([None, "anthropic/claude-opus-5-5", "anthropic/nobody-knows"]),
            sent_characters=chance.randrange(100_000),
            original_characters=chance.randrange(200_000),
            **tokens,
        )

    return [one(n) for n in range(count)]


async def stored(database: Database, folder: Path, uses: list[Use]) -> Reports:
    usage = Usage(database, folder)
    for each in uses:
        usage.record(each)
    await usage.aclose()
    return usage.reports


def total(lines: tuple[Line, ...], name: str) -> Any:
    return sum(getattr(line, name) for line in lines)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_lines_of_any_dimension_add_up_to_the_total(database: Database, tmp_path: Path, seed: int) -> None:
    reports = await stored(database, tmp_path, some(seed, 150))
    found: dict[By, Report] = {by: await reports.report(FROM, TO, by) for by in DIMENSIONS}
    for by, report in found.items():
        assert report.omitted == 0
        assert len(report.lines) > 1, by
        for name in SUMS:
            assert total(report.lines, name) == getattr(report.total, name), (by, name)
    assert len({report.total for report in found.values()}) == 1


async def test_the_total_is_what_the_rows_say(database: Database, tmp_path: Path) -> None:
    uses = some(4, 150)
    report = await (await stored(database, tmp_path, uses)).report(FROM, TO, "model")
    prices, seen = Prices(), report.total
    values = [value_of(each, prices) for each in uses]
    assert seen.attempts == len(uses)
    assert seen.requests == sum(each.final for each in uses)
    assert seen.failed == sum(each.final and each.outcome in ("error", "broken") for each in uses)
    assert seen.cancelled == sum(each.final and each.outcome == "cancelled" for each in uses)
    assert seen.tokens_written == sum(each.tokens_written or 0 for each in uses)
    assert seen.local_requests == sum(each.final and each.local for each in uses)
    assert seen.cost == sum(value.cost or Decimal(0) for value in values)
    assert seen.unpriced == sum(value.cost is None for value in values) > 0
    assert seen.unvalued > 0
    for cause in ("compression", "cache", "local", "routing"):
        saved = [getattr(value, f"saved_{cause}") for value in values]
        assert getattr(seen, f"saved_{cause}") == sum(each for each in saved if each is not None), cause
    assert seen.saved == seen.saved_compression + seen.saved_cache + seen.saved_local + seen.saved_routing


async def test_latency_and_speed_are_those_of_complete_answers(database: Database, tmp_path: Path) -> None:
    times = [(100.0, 1_100.0, 50), (200.0, 2_200.0, 100), (900.0, 1_900.0, 90)]
    uses = [use(first_ms=first, total_ms=last, tokens_output=out) for first, last, out in times]
    uses += [use(outcome="error", first_ms=None, total_ms=90_000.0), use(final=False, first_ms=1.0, total_ms=2.0)]
    # Of an answer that isn't streamed only the whole time counts.
    uses += [use(model="m", stream=False, first_ms=3_000.0, total_ms=3_000.0, tokens_output=300)]
    report = await (await stored(database, tmp_path, uses)).report(FROM, TO, "model")
    by_model = {line.key: line for line in report.lines}
    streamed, whole = by_model["anthropic/claude-sonnet-5-5"], by_model["anthropic/m"]
    assert streamed.first_ms_p50 == median(first for first, _, _ in times)
    assert streamed.total_ms_p50 == 1_900
    assert streamed.tokens_per_second == pytest.approx(240 / 4)
    assert whole.tokens_per_second == pytest.approx(100)


async def test_only_the_time_and_the_project_that_were_asked_for(database: Database, tmp_path: Path) -> None:
    uses = [use(at=AT + timedelta(hours=hours), project="p" if hours % 2 else None) for hours in range(10)]
    reports = await stored(database, tmp_path, uses)

    async def attempts(since: datetime, until: datetime, project: str | None = None) -> int:
        return (await reports.report(since, until, "day", project=project)).total.attempts

    assert await attempts(AT + timedelta(hours=2), AT + timedelta(hours=5)) == 3
    assert await attempts(AT + timedelta(hours=2), AT + timedelta(hours=5), "p") == 1
    assert await attempts(FROM, TO, "q") == 0


async def test_days_are_in_order_and_anything_else_by_cost(database: Database, tmp_path: Path) -> None:
    uses = [use(at=AT + timedelta(days=day), session=f"s{day}", tokens_output=day * 100) for day in (1, 2, 0)]
    reports = await stored(database, tmp_path, uses)
    by_day = await reports.report(FROM, TO, "day")
    assert [line.key for line in by_day.lines] == ["2026-11-20", "2026-11-21", "2026-11-22"]
    by_session = await reports.report(FROM, TO, "session", limit=2)
    assert [line.key for line in by_session.lines] == ["s2", "s1"]
    assert by_session.omitted == 1
    assert by_session.total.requests == 3


async def test_nothing_used_is_a_report_of_zeros(database: Database) -> None:
    report = await Reports(database).report(FROM, TO, "agent")
    assert report.lines == ()
    assert (report.omitted, report.total.requests, report.total.cost, report.total.unpriced) == (0, 0, 0, 0)
    assert report.total.tokens_per_second is None
