"""Thousands of streamed answers with faults in them and clients that leave: nothing is left over, nothing miscounted.

`make soak` runs it at full length; by itself it is a few hundred requests long.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import asyncpg
import httpx
import psutil
import pytest

from athena import config
from athena.runtime import postgres
from tests.clients import gateway_place
from tests.clients.gateway_place import Place
from tests.clients.world import World
from tests.fakes.provider.fake import FakeProvider

REQUESTS = int(os.environ.get("ATHENA_SOAK_REQUESTS", "400"))
AT_ONCE = 16
# Surface, model asked for, and the fake that answers it. Clients that leave ask for models of their own, so that what
# their providers billed can be left out of the sums.
ASKED = (
    ("messages", "claude-sonnet-5-5"),
    ("chat", "gpt-5.6-sol"),
    ("messages", "gpt-5.6-sol"),
    ("chat", "claude-sonnet-5-5"),
)
LEAVERS = (("messages", "claude-opus-5-5"), ("chat", "claude-opus-5-5"))
SAID: list[dict[str, Any]] = [{"text": "It rains in the harbour, and the boats stay in.", "pieces": 1}]
FAULTS: tuple[list[dict[str, Any]], ...] = (
    [*SAID, {"fail": "overloaded_error"}],
    [*SAID, {"reset": True}],
    [*SAID, {"hang_up": True}],
    [{"refuse": 400, "message": "not like this"}],
    [{"ping": True}, *SAID],
    [{"pause": 0.05}, *SAID],
)


@pytest.fixture
async def place(providers: World) -> AsyncIterator[Place]:
    async with gateway_place.gateway(replace(providers, clients=[])) as place:
        yield place


@pytest.mark.timeout(3600)
async def test_soak(place: Place, providers: World) -> None:
    for fake in providers.fakes:
        fake.forget()
    server = psutil.Process(place.process.pid)
    async with httpx.AsyncClient(base_url=place.url, headers={"x-api-key": place.key}, timeout=60) as client:
        await asked(client, 32, random.Random(1))
        await at_rest(client)
        before = await state(client, server)
        providers.anthropic.bills.clear()
        providers.openai.bills.clear()
        dsn = await emptied(place)
        outcomes = await asked(client, REQUESTS, random.Random(2))
        after = await at_rest(client, no_more_than=before["tasks"])
    left = {**after, **await state_of(server)}
    print(f"\n{REQUESTS} requests: {dict(outcomes)}; before {before}, after {left}")
    assert outcomes["unexpected"] == 0
    assert outcomes["left"] > 0
    assert outcomes["broken"] > 0
    assert left["tasks"] <= before["tasks"]
    assert left["descriptors"] <= before["descriptors"] + AT_ONCE
    # The allocator keeps what the first rush took; a leak grows with the number of requests.
    assert left["rss_mb"] <= before["rss_mb"] * 1.25 + 10
    await compared(dsn, providers, outcomes)


async def asked(client: httpx.AsyncClient, requests: int, dice: random.Random) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    numbers = iter(range(requests))

    async def worker() -> None:
        for number in numbers:
            outcomes[await one(client, number, dice)] += 1

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return outcomes


async def one(client: httpx.AsyncClient, number: int, dice: random.Random) -> str:
    """How it went: ok, refused, broken (an error event), left, or unexpected."""
    leaves = dice.random() < 0.05
    surface, model = dice.choice(LEAVERS if leaves else ASKED)
    steps = [{"pause": 0.02}, *SAID, {"pause": 5}] if leaves else dice.choice(FAULTS) if dice.random() < 0.15 else SAID
    content = f"Number {number}: how is the weather?\nx-fake: {json.dumps(steps)}"
    body = {"model": model, "max_tokens": 200, "stream": True, "messages": [{"role": "user", "content": content}]}
    if surface == "chat":
        body["max_completion_tokens"] = body.pop("max_tokens")
    path = "/v1/messages" if surface == "messages" else "/v1/chat/completions"
    async with client.stream("POST", path, json=body) as answer:
        if answer.status_code != 200:
            await answer.aread()
            return "refused" if answer.status_code == 400 and b"not like this" in answer.content else "unexpected"
        heard = ""
        async for piece in answer.aiter_text():
            heard += piece
            if leaves and "rains" in heard:
                return "left"
    if re.search(r"(?m)^event: error$|^data: \{\"error\"", heard):
        return "broken"
    whole = "message_stop" in heard if surface == "messages" else heard.endswith("data: [DONE]\n\n")
    return "ok" if whole and "rains" in heard else "unexpected"


async def at_rest(client: httpx.AsyncClient, no_more_than: float = 1e9) -> dict[str, float]:
    """Once the rows are written and the tasks of requests are gone."""
    give_up_at = time.monotonic() + 20
    while True:
        await asyncio.sleep(1.2)
        found = {"tasks": await tasks(client)}
        if found["tasks"] <= no_more_than or time.monotonic() > give_up_at:
            return found


async def tasks(client: httpx.AsyncClient) -> float:
    text = (await client.get("/metrics")).text
    match = re.search(r"^athena_tasks (\S+)$", text, re.MULTILINE)
    assert match
    return float(match[1])


async def state(client: httpx.AsyncClient, server: psutil.Process) -> dict[str, float]:
    return {"tasks": await tasks(client), **await state_of(server)}


async def state_of(server: psutil.Process) -> dict[str, float]:
    return {"descriptors": server.num_fds(), "rss_mb": round(server.memory_info().rss / 1e6, 1)}


async def emptied(place: Place) -> str:
    """The DSN of the database, whose ledger of use is empty now."""
    settings = config.load({"ATHENA_HOME": place.environment["ATHENA_HOME"]})
    dsn = postgres.dsn(settings)
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("DELETE FROM usage")
    finally:
        await connection.close()
    return dsn


async def compared(dsn: str, providers: World, outcomes: Counter[str]) -> None:
    """The ledger's rows and sums against what the fakes know."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT model, outcome, count(*) AS rows, count(*) FILTER (WHERE final) AS final, "
            "sum(tokens_input) AS input, sum(tokens_cached) AS cached, sum(tokens_written) AS written, "
            "sum(tokens_output) AS output FROM usage GROUP BY model, outcome"
        )
    finally:
        await connection.close()
    assert sum(row["final"] for row in rows) == REQUESTS
    counted = Counter[str]()
    for row in rows:
        counted[row["outcome"]] += row["final"]
    assert counted["cancelled"] == outcomes["left"]
    assert counted["broken"] == outcomes["broken"]
    assert counted["ok"] == outcomes["ok"]
    for model, fake in (("claude-sonnet-5-5", providers.anthropic), ("gpt-5.6-sol", providers.openai)):
        ours = {row["outcome"]: row for row in rows if row["model"] == model}["ok"]
        theirs = totals(fake)[model]
        assert (ours["rows"], ours["input"], ours["cached"], ours["written"], ours["output"]) == theirs


def totals(fake: FakeProvider) -> dict[str, tuple[int, int, int, int, int]]:
    return {
        name: (each.answers, each.input, each.cached, each.written, each.output) for name, each in fake.totals().items()
    }
