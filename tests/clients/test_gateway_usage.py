"""The ledger of use says what the providers billed, and who left before the end."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import pytest

from tests.clients.asking import Asking, events
from tests.clients.house import Guest, eventually
from tests.clients.world import CLAUDE, GPT, PNG
from tests.fakes.provider.fake import FakeProvider, Totals
from tests.fakes.provider.script import Fail, Pause, Ping, Refuse, Text, Think, Tool

pytest_plugins = ("tests.clients.house_fixtures",)

FLASH = "google/gemini-3.8-flash"
OLLAMA = "ollama/llama3.1:8b"
RUN = {"name": "run", "input_schema": {"type": "object"}}
FUNCTION = {"type": "function", "function": {"name": "run", "parameters": {"type": "object"}}}


def billed(rows: list[dict[str, Any]], provider: str) -> dict[str, Totals]:
    """What the ledger has of a provider's complete answers, as its fake counts them."""
    totals: dict[str, Totals] = {}
    for row in rows:
        if row["provider"] == provider and row["outcome"] == "ok":
            total = totals.setdefault(row["model"], Totals())
            total.answers += 1
            for name in ("input", "cached", "written", "output"):
                setattr(total, name, getattr(total, name) + (row[f"tokens_{name}"] or 0))
    return totals


async def test_the_ledger_agrees_with_every_provider(guest: Guest) -> None:
    """Sixty requests of all kinds on both surfaces at every provider, streamed and not, with faults and caches."""
    world, asks = guest.world, guest.asks
    system = [{"type": "text", "text": "You are a potter. " * 600, "cache_control": {"type": "ephemeral"}}]
    hour = [{**system[0], "text": "You fire kilns. " * 600, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    long = "Of clay and fire. " * 800

    async def round_of(stream: bool) -> list[Any]:
        world.anthropic.script(Think("Hm."), Tool("run", {"a": 1}), model="claude-sonnet-5-5")
        world.openai.script(Tool("run", {"a": 1}), Tool("run", {"b": 2}), where=lambda body: bool(body.get("tools")))
        world.google.script(Refuse(503), where=lambda body: "faulty" in str(body["messages"]))
        return list(
            await asyncio.gather(
                *(
                    asks.messages(f"Hello {model}", model=model, stream=stream)
                    for model in (CLAUDE, GPT, FLASH, OLLAMA)
                ),
                *(asks.chat(f"Hello {model}", model=model, stream=stream) for model in (CLAUDE, GPT, FLASH, OLLAMA)),
                asks.messages("Cached", model=CLAUDE, system=system, stream=stream),
                asks.messages("Cached again", model=CLAUDE, system=system, stream=stream),
                asks.messages("Cached for an hour", model=CLAUDE, system=hour, stream=stream),
                asks.messages("Call it", model="claude-sonnet-5-5", tools=[RUN], stream=stream),
                asks.chat("Call them", model=GPT, tools=[FUNCTION], stream=stream),
                asks.chat("Faulty once: faulty", model=FLASH, stream=stream),
                asks.messages([{"role": "user", "content": [picture]}], model=CLAUDE, stream=stream),
                *(asks.chat([{"role": "user", "content": long}], model=model, stream=stream) for model in (GPT, FLASH)),
                asks.chat(
                    "With usage",
                    model=GPT,
                    stream=stream,
                    stream_options={"include_usage": True} if stream else None,
                ),
            )
        )

    answers = [answer for stream in (True, False, True) for answer in await round_of(stream)]
    assert {answer.status_code for answer in answers} == {200}, [a.text for a in answers if a.status_code != 200]
    rows = await guest.house.used(guest.name, len(answers) + 3)
    for fake, provider in (
        (world.anthropic, "anthropic"),
        (world.openai, "openai"),
        (world.google, "google"),
        (world.ollama, "ollama"),
    ):
        assert billed(rows, provider) == fake.totals(), provider
    assert any(row["tokens_cached"] for row in rows)
    assert any(row["tokens_written_1h"] for row in rows)
    # One row per attempt, and one of each request is its last.
    final = Counter(row["request_id"] for row in rows if row["final"])
    assert final == Counter(answer.headers["x-athena-request-id"] for answer in answers)
    assert all(row["cost"] > 0 for row in rows if row["outcome"] == "ok" and not row["local"])
    assert all(row["total_ms"] > 0 for row in rows)
    assert all(row["first_ms"] is not None for row in rows if row["stream"] and row["outcome"] == "ok")
    report = (await asks.get("/api/v1/usage?by=key&limit=1000")).json()
    line = next(each for each in report["lines"] if each["key"] == guest.name)
    assert line["requests"] == len(answers)
    assert line["attempts"] == len(rows)
    assert line["tokens"]["output"] == sum(row["tokens_output"] or 0 for row in rows)
    assert line["cost_usd"] == pytest.approx(float(sum(row["cost"] or 0 for row in rows)))


async def test_what_a_row_says(guest: Guest) -> None:
    headers = {
        "user-agent": "claude-cli/2.1 (external, cli)",
        "x-athena-session": "s-row",
        "x-athena-project": "mill",
        "x-athena-task": "code",
        "x-claude-code-request-class": "subagent",
    }
    answer = await guest.asks.messages("Hello", headers, model="opus", stream=True)
    local = await guest.asks.chat("Hello", model="local", max_tokens=4)
    vectors = await guest.asks.http.post("/v1/embeddings", json={"input": "Hello there"})
    assert vectors.status_code == 200
    row, of_local, of_vectors = await guest.house.used(guest.name, 3)
    wanted = {
        "request_id": answer.headers["x-athena-request-id"],
        "surface": "messages",
        "client": "claude-cli/2.1",
        "provider": "anthropic",
        "model": CLAUDE,
        "asked": "opus",
        "tier": "opus",
        "session": "s-row",
        "project": "mill",
        "task": "code",
        "request_class": "subagent",
        "status": 200,
        "stream": True,
        "local": False,
        "error": None,
    }
    assert {name: row[name] for name in wanted} == wanted
    assert "tier=opus" in row["reasons"]
    assert local.headers["x-athena-model"] == f"{of_local['provider']}/{of_local['model']}"
    assert of_local["local"]
    assert of_local["cost"] == 0
    assert of_local["saved_local"] > 0
    assert (of_vectors["surface"], of_vectors["local"], of_vectors["outcome"]) == ("embeddings", True, "ok")


async def test_what_was_never_asked_is_in_no_row(guest: Guest) -> None:
    """A request that Athena itself refuses made no attempt; one that the provider refuses did."""
    assert (await guest.asks.messages("Hello", model="no-such")).status_code == 400
    guest.world.anthropic.script(Refuse(400))
    assert (await guest.asks.messages("Hello")).status_code == 400
    (row,) = await guest.house.used(guest.name, 1)
    assert (row["outcome"], row["status"], row["cost"]) == ("error", 400, 0)
    assert row["error"].startswith("request: ")


async def leave(asks: Asking, path: str, model: str, *, after: str) -> None:
    """A client that hangs up as soon as it has read this."""
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    body |= {"max_tokens": 4000} if path == "/v1/messages" else {}
    async with asks.streaming(path, body) as stream:
        await stream.until(after)


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
@pytest.mark.parametrize("provider", ["anthropic", "openai"])
async def test_a_client_that_leaves_stops_the_provider(guest: Guest, path: str, provider: str) -> None:
    fake: FakeProvider = getattr(guest.world, provider)
    fake.script(Text("Once upon a time", pieces=1), Pause(20), Text("there was a kiln."))
    begun = time.monotonic()
    await leave(guest.asks, path, CLAUDE if provider == "anthropic" else GPT, after="Once upon")
    await eventually(lambda: bool(fake.calls) and fake.calls[-1].left, 5)
    assert time.monotonic() - begun < 6
    (row,) = await guest.house.used(guest.name, 1)
    assert row["outcome"] == "cancelled"
    assert row["final"]
    assert not fake.server.connections or not any(each.busy for each in fake.server.connections)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_before_the_answer(guest: Guest, stream: bool) -> None:
    """Nothing has been said yet: the provider is told all the same."""
    fake = guest.world.anthropic
    fake.script(Pause(20), Text("Too late."))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await guest.asks.messages("Hello", stream=stream)
    await eventually(lambda: bool(fake.calls) and fake.calls[-1].left, 5)
    (row,) = await guest.house.used(guest.name, 1)
    assert (row["outcome"], row["final"]) == ("cancelled", True)


async def test_a_client_that_leaves_a_silent_stream(guest: Guest) -> None:
    """Pings of the provider are no content, and keep nobody waiting who has left."""
    fake = guest.world.openai
    fake.script(Text("One", pieces=1), Ping(), Pause(20), Fail())
    await leave(guest.asks, "/v1/chat/completions", GPT, after="One")
    await eventually(lambda: fake.calls[-1].left, 5)


async def test_a_broken_stream_is_billed_as_far_as_it_came(guest: Guest) -> None:
    guest.world.anthropic.script(Text("Half of it"), Fail())
    answer = await guest.asks.messages("Hello", stream=True)
    assert events(answer)[-1]["type"] == "error"
    (row,) = await guest.house.used(guest.name, 1)
    (bill,) = guest.world.anthropic.bills
    assert row["outcome"] == "broken"
    assert row["tokens_input"] == bill.input
    assert row["error"].startswith("overloaded: ")
