"""Compression through its doors: REST, tools, and what was left out fetched back."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from athena.bootstrap import Athena, build
from athena.rewrite.conversation import Rewriter
from athena.rewrite.ledger import Owner
from tests.integration.api_server import client_of
from tests.integration.conftest import LlamaServer, settings_for

TALK = "\n\n".join(f"On day {n} the weather was mild and nobody said anything about it at all." for n in range(120))
TEXT = f"{TALK}\n\nThe contract with Globex ends on 2027-03-31 and costs 4,200 EUR.\n\n{TALK[::-1]}"


@pytest.fixture
async def http(athena: Athena) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(athena) as client:
        yield client


async def compressed(http: httpx.AsyncClient, **body: object) -> dict[str, object]:
    answer = await http.post("/api/v1/compress", json={"context": TEXT, **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


async def test_what_is_asked_for_stays_and_the_rest_can_be_had_back(http: httpx.AsyncClient) -> None:
    done = await compressed(http, instruction="When does the contract with Globex end?", compression_ratio=0.1)
    text = str(done["compressed_prompt"])
    assert "The contract with Globex ends on 2027-03-31 and costs 4,200 EUR." in text
    assert int(str(done["compressed_tokens"])) < 0.2 * int(str(done["original_tokens"]))
    [first, *_] = done["elisions"]  # type: ignore[misc]
    assert str(first) in text
    back = (await http.get(f"/api/v1/compression/{first}")).json()["text"]
    assert back
    assert re.sub(r"\s", "", back)[:50] in re.sub(r"\s", "", TEXT)
    by_tool = await http.post("/tools/original/execute", json={"id": first})
    assert by_tool.json()["result"]["text"] == back


async def test_an_original_belongs_to_its_project(http: httpx.AsyncClient) -> None:
    done = await compressed(http, instruction="Globex", compression_ratio=0.1, project="a")
    id = done["elisions"][0]  # type: ignore[index]
    assert (await http.get(f"/api/v1/compression/{id}", params={"project": "a"})).status_code == 200
    assert (await http.get(f"/api/v1/compression/{id}")).status_code == 404


async def test_the_tool_answers_like_the_route(http: httpx.AsyncClient) -> None:
    arguments = {"context": TEXT, "instruction": "Globex", "compression_ratio": 0.2, "budget_ms": 0}
    by_tool = (await http.post("/tools/compress/execute", json=arguments)).json()["result"]
    by_route = await compressed(http, **{k: v for k, v in arguments.items() if k != "context"})
    assert by_tool["compressed_prompt"] == by_route["compressed_prompt"]


async def test_lossless_only_changes_no_meaning(http: httpx.AsyncClient) -> None:
    data = {"rows": [{"id": n, "name": f"row {n}", "note": None} for n in range(200)]}
    pretty = json.dumps(data, indent=4)
    answer = await http.post("/api/v1/compress", json={"context": pretty, "lossless_only": True})
    short = answer.json()["compressed_prompt"]
    assert json.loads(short) == data
    assert len(short) < 0.7 * len(pretty)
    assert answer.json()["elisions"] == []


async def test_forgetting_says_which_conversations_lose_their_prefix_and_purges_when_told(
    http: httpx.AsyncClient, athena: Athena
) -> None:
    said = [{"role": "user", "content": TEXT}]
    await Rewriter(athena.ledger).rewrite(Owner("", "a"), said, None)
    everything = {"project": "a", "dry_run": False}
    for purge, left in ((False, 1), (True, 1), (False, 0)):
        answer = await http.post("/tools/forget/execute", json={**everything, "purge_conversations": purge})
        assert answer.json()["result"]["conversations"] == left


async def test_a_short_text_is_left_alone(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/v1/compress", json={"context": "Just this.", "compression_ratio": 0.1})
    assert answer.json()["compressed_prompt"] == "Just this."
    assert answer.json()["engines"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"context": 1},
        {"context": "x", "compression_ratio": 0},
        {"context": "x", "compression_ratio": 1.5},
        {"context": "x\x00y"},
        {"context": "x", "target_tokens": 0},
        {"context": "x", "unknown": 1},
    ],
)
async def test_bad_input_is_a_400_that_names_the_field(http: httpx.AsyncClient, body: dict[str, object]) -> None:
    answer = await http.post("/api/v1/compress", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_input"


async def test_without_postgresql_it_works_and_says_what_it_could_not_keep(
    embedding_server: LlamaServer, test_home: Path
) -> None:
    nowhere = "postgresql://nobody@/nothing?host=/nonexistent"
    settings = settings_for(nowhere, embedding_server.url, test_home)
    async with build(settings, worker=False) as athena, client_of(athena) as client:
        done = await compressed(client, instruction="Globex", compression_ratio=0.1)
    assert "Globex" in str(done["compressed_prompt"])
    assert any("postgres" in reason for reason in done["degraded"])  # type: ignore[attr-defined]
