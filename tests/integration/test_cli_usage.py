"""`athena usage` and `athena budgets`, against a server that runs."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import typer
from typer.testing import CliRunner, Result

from athena.cli import usage
from athena.errors import AthenaError, InvalidInput, NotFound
from athena.store.pool import Database
from athena.usage.service import Usage
from tests.integration.api_server import answered, free_port, server_process
from tests.integration.conftest import LlamaServer
from tests.unit.uses import use


@pytest.fixture
async def environment(dsn: str, embedding_server: LlamaServer, test_home: Path) -> AsyncIterator[dict[str, str]]:
    port = str(free_port())
    environment = {
        "ATHENA_HOME": str(test_home),
        "ATHENA_PORT": port,
        "ATHENA_DATABASE_URL": dsn,
        "ATHENA_LOG_LEVEL": "warning",
        "LLAMACPP_EMBEDDINGS_URL": embedding_server.url,
        "LLAMACPP_REASONING_URL": f"http://127.0.0.1:{free_port()}",
        "COLUMNS": "200",
    }
    async with server_process(environment), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        await answered(http, "/health/live", lambda answer: answer.status_code == 200)
        yield environment


async def run(app: typer.Typer, environment: dict[str, str], *arguments: str) -> Result:
    """A command has an event loop of its own, so it gets a thread of its own; errors of Athena's are raised."""
    result = await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=environment)
    if isinstance(result.exception, AthenaError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


async def used(database: Database, folder: Path) -> None:
    own = Usage(database, folder)
    now = datetime.now(UTC)
    local = {"provider": "local", "model": "llama", "local": True, "baseline": "anthropic/claude-opus-5-5"}
    own.record(use(at=now, original_characters=8_000, task="[bold]code[/bold]"))
    own.record(use(at=now, model="of-the-future"))
    own.record(use(at=now, **local))
    await own.aclose()


async def test_usage_for_people_for_programs_and_for_spreadsheets(
    environment: dict[str, str], database: Database, tmp_path: Path
) -> None:
    assert "nothing was used" in (await run(usage.app, environment)).stdout
    await used(database, tmp_path)
    shown = (await run(usage.app, environment, "--by", "model")).stdout
    assert "3 requests" in shown
    assert "spent $0.0030 + 1 unpriced, saved $0.0080" in shown
    assert "local $0.0060" in shown
    assert "compression (1.0k tokens) $0.0020" in shown
    assert "attempts whose savings aren't known: 1" in shown
    assert "33% of all tokens are local" in shown
    assert "anthropic/of-the-future" in shown
    assert "[bold]code[/bold]" in (await run(usage.app, environment, "--by", "task")).stdout
    report = json.loads((await run(usage.app, environment, "--json", "--days", "1")).stdout)
    assert report["total"]["requests"] == 3
    assert report["from"].endswith("T00:00:00Z")
    [row] = csv.DictReader(io.StringIO((await run(usage.app, environment, "--csv")).stdout))
    assert row["day"] == report["lines"][0]["key"]
    assert row["cost_usd"] == "0.003"
    assert "1 more lines" in (await run(usage.app, environment, "--by", "model", "--limit", "2")).stdout


async def test_budgets_are_set_shown_and_removed(
    environment: dict[str, str], database: Database, tmp_path: Path
) -> None:
    assert "there are no budgets" in (await run(usage.budgets, environment, "list")).stdout
    said = await run(usage.budgets, environment, "set", "2.5", "--for-key", "ci", "--per", "day", "--then", "stop")
    assert said.stdout == "key ci: $2.50 a day, then stop\n"
    await run(usage.budgets, environment, "set", "0.001", "--for-keyless")
    await used(database, tmp_path)
    shown = (await run(usage.budgets, environment, "list")).stdout
    assert "key ci" in shown
    assert "requests without a key" in shown
    assert "$0.0030 + 1 unpriced" in shown
    listed = json.loads((await run(usage.budgets, environment, "list", "--json")).stdout)["budgets"]
    assert [(each["name"], each["action"]) for each in listed] == [("", "warn"), ("ci", "stop")]
    await run(usage.budgets, environment, "remove", str(listed[0]["id"]))
    with pytest.raises(NotFound):
        await run(usage.budgets, environment, "remove", str(listed[0]["id"]))


@pytest.mark.parametrize("whose", [(), ("--for-key", "a", "--for-agent", "b"), ("--for-key", "a", "--for-keyless")])
async def test_a_budget_is_somebodys_and_only_ones(whose: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput, match="whose budget"):
        await run(usage.budgets, {}, "set", "5", *whose)
