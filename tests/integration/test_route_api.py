"""`/api/v1/route` and `athena route`, over the real parts that a decision is made of."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from athena.bootstrap import Athena
from athena.cli import route as commands
from athena.cli.doctor_checks.finding import Patient
from athena.cli.doctor_checks.routing import routing
from athena.config import Settings, load
from athena.gateway.sessions.types import Passed
from athena.usage.budgets import Limit
from tests.fakes.llama_server import llama_server
from tests.fakes.tiny_models import tiny_reasoner
from tests.integration.api_server import answered, client_of, free_port, server_process
from tests.integration.conftest import built, until

SONNET = "anthropic/claude-sonnet-5-5"
LOCAL = "local/tiny-reasoner.gguf"


@pytest.fixture
async def athena(dsn: str, test_home: Path, tmp_path: Path) -> AsyncIterator[Athena]:
    """With a real local model, and one operator's key."""
    async with llama_server(tiny_reasoner(test_home), 2_048, "reasoning") as url:
        settings = Settings(
            home=tmp_path,
            database_url=SecretStr(dsn),
            embeddings_url=f"http://127.0.0.1:{free_port()}",
            reasoning_url=url,
            ollama_url=f"http://127.0.0.1:{free_port()}",
            anthropic_api_key=SecretStr("sk-ant-api03-operator"),
        )
        async with built(settings, ready=False) as athena:
            await until(lambda: _seen(athena))
            yield athena


async def _seen(athena: Athena) -> bool:
    return bool(athena.router.registry.local_models)


@pytest.fixture
async def api(athena: Athena) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(athena) as client:
        yield client


async def explained(api: httpx.AsyncClient, **asked: Any) -> dict[str, Any]:
    answer = await api.post("/api/v1/route/explain", json={"text": "hello", **asked})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_decision_is_explained_and_nothing_is_sent(api: httpx.AsyncClient) -> None:
    found = await explained(api, text="Write a Python function that parses CSV")
    assert found["models"][0]["model"] == LOCAL
    assert (found["task"], found["task_from"], found["request_class"]) == ("code", "text", "main")
    assert found["reasons"] == ["auto", "task=code", "tier=local"]
    assert (found["input_usd"], found["baseline"], found["error"]) == (0, SONNET, None)
    passed = {each["model"]: each["cause"] for each in found["passed"]}
    assert {"google/gemini-3.8-flash", "google/gemini-4-argon"} <= passed.keys()
    assert set(passed.values()) == {"credential"}
    named = await explained(api, model="claude-opus-5-5", task="code", tokens=1_000_000)
    assert [each["model"] for each in named["models"]] == ["anthropic/claude-opus-5-5"]
    assert (named["tokens"], named["input_usd"], named["task_from"]) == (1_000_000, 4.0, "header")


async def test_what_a_request_brings_and_needs_counts(api: httpx.AsyncClient) -> None:
    for given, cause in (({"images": 1}, "ability"), ({"tools": True}, "ability"), ({"tokens": 60_000}, "context")):
        found = await explained(api, **given)
        assert found["models"][0]["model"] == "anthropic/claude-haiku-5-5", given
        assert found["passed"][0] | {"why": ""} == {"model": LOCAL, "cause": cause, "why": ""}
    assert (await explained(api, request_class="auxiliary", text="what is our strategy?"))["reasons"][1] == (
        "class=auxiliary"
    )


async def test_sessions_agents_budgets_and_the_switch_count(athena: Athena, api: httpx.AsyncClient) -> None:
    await athena.sessions.pin("", "talk", "opus")
    assert (await explained(api, session="talk"))["models"][0]["model"] == "anthropic/claude-opus-5-5"
    await athena.sessions.pin("", "talk", None)
    athena.sessions.note("", "talk", Passed(SONNET, ("auto",)))
    assert (await explained(api, session="talk", text="parse this csv"))["models"][0]["model"] == SONNET
    in_loop = await explained(api, session="talk", model="local", in_tool_loop=True)
    assert in_loop["models"][0]["model"] == SONNET
    soul = athena.settings.home / "agents" / "coder" / "SOUL.md"
    soul.parent.mkdir(parents=True)
    soul.write_text("---\nmodel: haiku\n---\nYou code.")
    assert (await explained(api, agent="coder"))["models"][0]["model"] == "anthropic/claude-haiku-5-5"
    assert "nobody" in (await explained(api, agent="nobody"))["error"]["message"]
    assert (await api.put("/api/v1/local-only", json={"on": True})).status_code == 200
    assert [each["model"] for each in (await explained(api, model="opus"))["models"]] == [LOCAL]
    assert (await api.get("/api/v1/route")).json()["local_only"] is True


async def test_a_budget_that_is_spent_stops_what_costs(athena: Athena, api: httpx.AsyncClient) -> None:
    budgets = athena.usage.budgets
    await budgets.set(Limit("agent", "coder", "day", "stop", 1))
    await budgets.refresh(landed=True)
    soul = athena.settings.home / "agents" / "coder" / "SOUL.md"
    soul.parent.mkdir(parents=True)
    soul.write_text("You code.")
    assert (await explained(api, agent="coder", model="sonnet"))["error"] is None
    budgets.add("", "coder", 2)
    error = (await explained(api, agent="coder", model="sonnet"))["error"]
    assert (error["status"], error["code"]) == (402, "budget_spent")
    assert (await explained(api, agent="coder"))["models"][0]["model"] == LOCAL


async def test_what_would_be_refused_is_said_as_the_client_would_read_it(api: httpx.AsyncClient) -> None:
    unknown = await explained(api, model="claud-opus")
    assert unknown["models"] == []
    assert (unknown["error"]["status"], unknown["error"]["code"]) == (400, "unknown_model")
    assert "anthropic/claude-opus-5-5" in unknown["error"]["hint"]
    keyless = await explained(api, model="gemini-4-argon")
    assert keyless["models"][0]["model"] == "anthropic/claude-opus-5-5"
    alone = await explained(api, model="gpt-image-2.5-flare")
    assert alone["error"]["code"] == "no_credential"
    strange = await explained(api, task="gardening", request_class="subagent")
    assert (strange["error"]["status"], strange["request_class"]) == (400, "subagent")
    assert "strategic-conversation" in strange["error"]["message"]
    assert (await api.post("/api/v1/route/explain", json={"text": "x", "modle": "y"})).status_code == 400


async def test_the_table_shows_all_that_decides(api: httpx.AsyncClient) -> None:
    table = (await api.get("/api/v1/route")).json()
    assert [tier["name"] for tier in table["tiers"]] == ["local", "haiku", "flash", "sonnet", "pro", "opus"]
    models = {each["model"]: each for tier in table["tiers"] for each in tier["models"]}
    assert (models[LOCAL]["state"], models[LOCAL]["context"], models[LOCAL]["local"]) == ("ready", 2_048, True)
    assert models[SONNET]["price"] == {"input": 2.0, "cached": 0.1, "output": 10.0}
    assert (models["google/gemini-4-argon"]["credential"], models["google/gemini-4-argon"]["state"]) == (
        False,
        "no key for google",
    )
    assert len(table["tasks"]) == 12
    assert table["aliases"]["local-brain"] == "ollama/qwen2.5:14b"
    assert table["warnings"] == []


@pytest.fixture
async def environment(dsn: str, test_home: Path, tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """Of a server that runs, for the commands that are to find it."""
    port = str(free_port())
    async with llama_server(tiny_reasoner(test_home), 2_048, "reasoning") as url:
        environment = {
            "ATHENA_HOME": str(tmp_path),
            "ATHENA_PORT": port,
            "ATHENA_DATABASE_URL": dsn,
            "ATHENA_LOG_LEVEL": "warning",
            "ATHENA_OLLAMA_URL": f"http://127.0.0.1:{free_port()}",
            "LLAMACPP_EMBEDDINGS_URL": f"http://127.0.0.1:{free_port()}",
            "LLAMACPP_REASONING_URL": url,
            "ANTHROPIC_API_KEY": "sk-ant-api03-operator",
            "COLUMNS": "200",
        }
        async with server_process(environment), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            await answered(http, "/api/v1/route", lambda answer: LOCAL in answer.text)
            yield environment


async def run(environment: dict[str, str], *arguments: str) -> Result:
    """A command has an event loop of its own, so it gets a thread of its own."""
    return await asyncio.to_thread(CliRunner().invoke, commands.app, list(arguments), env=environment)


async def test_the_commands(environment: dict[str, str], tmp_path: Path) -> None:
    shown = await run(environment, "explain", "What should our strategy be?")
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert lines[0].startswith(f"{SONNET}  (sonnet, about $0.0")
    assert lines[1].startswith("then")
    assert "because  auto; task=strategy; tier=sonnet" in shown.stdout
    assert "task strategy by its text" in shown.stdout
    found = json.loads((await run(environment, "explain", "see", "--image", "--json")).stdout)
    assert found["models"][0]["vision"] is True
    failed = await run(environment, "explain", "hi", "--model", "nothing")
    assert failed.exit_code == 1
    assert "400 unknown_model" in failed.stdout
    (tmp_path / "routing.toml").write_text("default = 'nowhere'")
    table = await run(environment, "table")
    assert table.exit_code == 0, table.output
    for part in (LOCAL, "0.75/3.75", "no key for google", "local-fast = ollama/llama3.1:8b", "strategy", "2,048"):
        assert part in table.stdout
    assert json.loads((await run(environment, "table", "--json")).stdout)["auto_select"] is True


async def test_the_doctor_says_what_can_answer_and_what_is_wrong(environment: dict[str, str], tmp_path: Path) -> None:
    patient = Patient(load(environment), "", None, {})
    found = {each.what: each.state for each in await routing(patient)}
    assert found == {f"4 models can answer; `auto` tries {LOCAL} first": "ok"}
    (tmp_path / "routing.toml").write_text("default = 'nowhere'")
    await asyncio.sleep(1.1)
    assert any("nowhere" in each.what for each in await routing(patient))
