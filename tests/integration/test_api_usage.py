"""What was used and what may be spent, over the API."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from athena.bootstrap import Athena
from tests.integration.api_server import client_of
from tests.integration.conftest import until
from tests.unit.uses import use

USAGE, BUDGETS = "/api/v1/usage", "/api/v1/budgets"


@pytest.fixture
async def http(athena: Athena) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(athena) as client:
        yield client


async def recorded(athena: Athena, *changes: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    for each in changes:
        athena.usage.record(use(**({"at": now} | each)))

    async def there() -> bool:
        report = await athena.usage.reports.report(now - timedelta(days=400), now + timedelta(days=1), "day")
        return report.total.attempts == len(changes)

    await until(there, 20)


async def asked(http: httpx.AsyncClient, **query: Any) -> Any:
    answer = await http.get(USAGE, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_report_names_what_was_asked_and_what_was_used(http: httpx.AsyncClient, athena: Athena) -> None:
    local = {"provider": "local", "model": "llama", "local": True, "baseline": "anthropic/claude-opus-5-5"}
    await recorded(
        athena,
        {"tokens_cached": 3_000, "project": "p"},
        {"outcome": "error", "status": 529, "final": False, "tokens_input": None, "tokens_output": None},
        {"model": "of-the-future"},
        local,
    )
    report = await asked(http, by="model")
    assert report["by"] == "model"
    assert report["project"] is None
    assert datetime.fromisoformat(report["to"]) - datetime.fromisoformat(report["from"]) < timedelta(days=30)
    assert {line["key"] for line in report["lines"]} == {
        "anthropic/claude-sonnet-5-5",
        "anthropic/of-the-future",
        "local/llama",
    }
    total = report["total"]
    assert (total["requests"], total["attempts"], total["unpriced"], total["unvalued"]) == (3, 4, 1, 1)
    assert total["cost_usd"] == 0.0033
    assert total["saved_usd"] == {
        "compression": 0.0,
        "cache": 0.0057,
        "local": 0.006,
        "routing": 0.0,
        "total": 0.0117,
    }
    assert total["tokens"] == {"input": 3_000, "cached": 3_000, "written": 0, "output": 300, "saved": 0}
    assert total["local"] == {"requests": 1, "tokens": 1_100, "share": 0.1746}
    assert total["latency_ms"]["first_p50"] == 400
    assert (await asked(http, by="model", project="p"))["total"]["requests"] == 1


async def test_a_span_of_time_is_taken_as_given(http: httpx.AsyncClient, athena: Athena) -> None:
    now = datetime.now(UTC)
    await recorded(athena, *({"at": now - timedelta(days=days)} for days in (0, 10, 40)))
    assert (await asked(http))["total"]["requests"] == 2
    since = (now - timedelta(days=41)).isoformat()
    report = await asked(http, **{"from": since, "to": (now - timedelta(days=5)).isoformat()})
    assert [line["key"] for line in report["lines"]] == [
        (now - timedelta(days=days)).date().isoformat() for days in (40, 10)
    ]
    limited = await asked(http, **{"from": since, "limit": 1})
    assert (len(limited["lines"]), limited["omitted"]) == (1, 2)


async def test_as_csv_it_says_the_same(http: httpx.AsyncClient, athena: Athena) -> None:
    await recorded(athena, {"session": "=HYPERLINK(1)"}, {"session": 'a "b", c\n'}, {"tokens_input": 1, "session": "s"})
    report = await asked(http, by="session")
    answer = await http.get(USAGE, params={"by": "session", "format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "athena-usage-by-session.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["session"].removeprefix("'") for row in rows] == [line["key"] for line in report["lines"]]
    assert [float(row["cost_usd"]) for row in rows] == [line["cost_usd"] for line in report["lines"]]
    assert [int(row["tokens_input"]) for row in rows] == [line["tokens"]["input"] for line in report["lines"]]
    assert not any("e" in row["cost_usd"] for row in rows)
    # A spreadsheet would run it.
    assert "'=HYPERLINK(1)" in [row["session"] for row in rows]


async def test_nothing_used_is_zeros_and_an_empty_table(http: httpx.AsyncClient) -> None:
    report = await asked(http, by="agent")
    assert (report["lines"], report["total"]["requests"], report["total"]["local"]["share"]) == ([], 0, None)
    answer = await http.get(USAGE, params={"by": "agent", "format": "csv"})
    assert answer.text.startswith("agent,requests,")
    assert answer.text.count("\n") == 1


@pytest.mark.parametrize(
    "query",
    [
        {"by": "weekday"},
        {"from": "yesterday"},
        {"from": "2026-11-20", "to": "2026-11-19"},
        {"limit": 0},
        {"format": "xml"},
        {"project": "a\x00b"},
        {"unknown": 1},
    ],
)
async def test_what_can_not_be_asked_is_a_clear_400(http: httpx.AsyncClient, query: dict[str, Any]) -> None:
    answer = await http.get(USAGE, params=query)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_input"


@pytest.mark.parametrize("moment", ["0001-01-01", "9999-12-31"])
async def test_the_ends_of_time_are_moments_too(http: httpx.AsyncClient, moment: str) -> None:
    assert (await http.get(USAGE, params={"to": moment})).status_code == 200
    assert (await http.get(USAGE, params={"from": moment, "to": moment})).status_code == 200


async def test_a_budget_over_its_life(http: httpx.AsyncClient, athena: Athena) -> None:
    body = {"subject": "agent", "name": "a", "period": "month", "amount_usd": 0.005, "action": "degrade"}
    made = (await http.put(BUDGETS, json=body)).json()
    assert {name: made[name] for name in body} == body
    assert (made["spent_usd"], made["unpriced"]) == (0, 0)

    async def known() -> bool:
        return athena.usage.budgets.any()

    await until(known, 10)
    assert athena.usage.verdict("", "a").kind == "ok"
    await recorded(athena, {"agent": "a"}, {"agent": "a"})
    assert athena.usage.verdict("", "a").kind == "degrade"
    assert athena.usage.verdict("", "b").kind == "ok"
    [listed] = (await http.get(BUDGETS)).json()["budgets"]
    assert listed == made | {"spent_usd": 0.006}
    changed = (await http.put(BUDGETS, json=body | {"amount_usd": 1})).json()
    assert (changed["id"], changed["amount_usd"]) == (made["id"], 1)
    assert (await http.delete(f"{BUDGETS}/{made['id']}")).json() == {"removed": made["id"]}
    assert (await http.delete(f"{BUDGETS}/{made['id']}")).status_code == 404
    assert (await http.get(BUDGETS)).json() == {"budgets": []}


@pytest.mark.parametrize(
    "change",
    [{"subject": "user"}, {"name": ""}, {"amount_usd": -1}, {"amount_usd": "5"}, {"period": "week"}, {"more": 1}],
)
async def test_a_budget_that_makes_no_sense_is_a_clear_400(http: httpx.AsyncClient, change: dict[str, Any]) -> None:
    body = {"subject": "agent", "name": "a", "period": "day", "amount_usd": 5, "action": "warn"}
    answer = await http.put(BUDGETS, json=body | change)
    assert answer.status_code == 400
    assert next(iter(change)) in answer.json()["error"]["message"]


async def test_whoever_comes_without_a_key_may_have_a_budget(http: httpx.AsyncClient) -> None:
    body = {"subject": "key", "name": "", "period": "day", "amount_usd": 5, "action": "warn"}
    assert (await http.put(BUDGETS, json=body)).json()["name"] == ""
