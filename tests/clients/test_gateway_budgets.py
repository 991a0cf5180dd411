"""What a key or an agent may spend: a word, a cheaper model, or no answer."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.clients.asking import Asking, text_of
from tests.clients.house import Guest
from tests.clients.world import CLAUDE

pytest_plugins = ("tests.clients.house_fixtures",)

# A budget is felt everywhere after two seconds.
FELT_S = 2.3
AGENT = "spender"


@dataclass
class Spenders:
    """A key for each kind of budget: they are all waited for together."""

    guest: Guest
    keys: dict[str, Asking]


@pytest.fixture
async def spenders(guest: Guest) -> AsyncIterator[Spenders]:
    """`warn`, `degrade` and `stop` have spent all; `worst` has all three; `spends` may spend two cents; `free` has
    no budget, but the agent that it may name has."""
    keys: dict[str, Asking] = {}
    budgets = {
        "warn": [("warn", 0.0)],
        "degrade": [("degrade", 0.0)],
        "stop": [("stop", 0.0)],
        "worst": [("warn", 0.0), ("stop", 0.0), ("degrade", 0.0)],
        "spends": [("stop", 0.02)],
        "free": [],
    }
    made: list[int] = []
    for name, wanted in budgets.items():
        key = f"{guest.name}-{name}"
        keys[name] = guest.asking(authorization=f"Bearer {guest.house.key(key)}")
        for action, amount in wanted:
            asked = {"subject": "key", "name": key, "period": "day", "amount_usd": amount, "action": action}
            made.append((await guest.asks.put("/api/v1/budgets", asked))["id"])
    folder = guest.house.home / "athena" / "agents" / AGENT
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "SOUL.md").write_text("You spend.")
    of_agent = {"subject": "agent", "name": AGENT, "period": "month", "amount_usd": 0, "action": "stop"}
    made.append((await guest.asks.put("/api/v1/budgets", of_agent))["id"])
    await asyncio.sleep(FELT_S)
    yield Spenders(guest, keys)
    for id in made:
        assert (await guest.asks.http.delete(f"/api/v1/budgets/{id}")).status_code == 200


async def test_budgets(spenders: Spenders) -> None:
    await warned(spenders.keys["warn"])
    await degraded(spenders.keys["degrade"])
    await stopped(spenders.keys["stop"])
    await stopped(spenders.keys["worst"])
    await used_up(spenders.keys["spends"])
    await of_an_agent(spenders.keys["free"])


async def warned(asks: Asking) -> None:
    answer = await asks.messages("Hello")
    assert text_of(answer)
    assert answer.headers["x-athena-model"] == f"anthropic/{CLAUDE}"
    assert "budget-warn" in answer.headers["x-athena-route"]


async def degraded(asks: Asking) -> None:
    """To something cheaper than what was named, not to nothing."""
    for answer in (await asks.messages("Hello"), await asks.chat("Hello", model=CLAUDE, stream=True)):
        assert text_of(answer)
        assert answer.headers["x-athena-model"] in ("google/gemini-4-argon", "anthropic/claude-sonnet-5-5")
        assert "budget-degrade" in answer.headers["x-athena-route"]


async def stopped(asks: Asking) -> None:
    """A 402, which no client tries again; what costs nothing goes on."""
    answer = await asks.messages("Hello", stream=True)
    assert answer.status_code == 402
    assert answer.json()["error"]["type"] == "billing_error"
    assert "$0.00" in answer.json()["error"]["message"]
    chat = await asks.chat("Hello")
    assert (chat.status_code, chat.json()["error"]["type"]) == (402, "insufficient_quota")
    assert (await asks.chat("Hello", model="local", max_tokens=4)).status_code == 200
    # It holds for all that is asked with the Athena key, at whoever's cost.
    assert (await asks.messages("Hello", {"x-api-key": "sk-ant-api03-own"})).status_code == 402


async def used_up(asks: Asking) -> None:
    """At once, before anything of it has reached the database."""
    said = secrets.token_hex(20_000)
    answers = [await asks.messages(f"{at} {said}") for at in range(3)]
    assert [answer.status_code for answer in answers] == [200, 402, 402]


async def of_an_agent(asks: Asking) -> None:
    assert (await asks.messages("Hello", {"x-athena-agent": AGENT})).status_code == 402
    assert text_of(await asks.messages("Hello"))
