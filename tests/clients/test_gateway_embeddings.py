"""`/v1/embeddings`: local vectors without a queue, a provider's where one is named, and the same rules for both."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from tests.clients.house import Guest
from tests.fakes.provider.script import Refuse, Tool

pytest_plugins = ("tests.clients.house_fixtures",)

CLOUD = "text-embedding-3-small"


async def test_the_reasoning_models_rate_limit_keeps_no_embedding_waiting(guest: Guest) -> None:
    async with guest.house.replica(file="") as url:
        asks = guest.asking(url, authorization=f"Bearer {guest.key}")
        async with asyncio.timeout(20):
            answers = await asyncio.gather(
                *(asks.http.post("/v1/embeddings", json={"input": f"text {number}"}) for number in range(40))
            )
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-athena-model"] for answer in answers} == {"embeddings/local"}
    assert all(answer.headers["x-athena-route"] for answer in answers)


async def test_a_cloud_models_name_gets_that_models_vectors(guest: Guest) -> None:
    answer = await guest.asks.http.post("/v1/embeddings", json={"model": CLOUD, "input": "some text"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-athena-model"] == f"openai/{CLOUD}"
    assert guest.world.openai.seen[-1].key == "sk-operators"
    [row] = await guest.house.used(guest.name, 1)
    assert (row["surface"], row["provider"], row["model"]) == ("embeddings", "openai", CLOUD)


async def test_without_a_key_a_cloud_models_name_is_refused_and_never_answered_by_another(guest: Guest) -> None:
    answer = await guest.stranger.http.post("/v1/embeddings", json={"model": CLOUD, "input": "some text"})
    assert answer.status_code == 401
    assert "leave model out" in answer.json()["error"]["message"]
    assert not guest.world.openai.seen


async def test_a_budget_that_is_spent_stops_them_too(guest: Guest) -> None:
    asked = {"subject": "key", "name": guest.name, "period": "day", "amount_usd": 0, "action": "stop"}
    made = await guest.asks.put("/api/v1/budgets", asked)
    await asyncio.sleep(2.3)
    try:
        refused = await guest.asks.http.post("/v1/embeddings", json={"model": CLOUD, "input": "some text"})
        local = await guest.asks.http.post("/v1/embeddings", json={"input": "some text"})
    finally:
        await guest.asks.http.delete(f"/api/v1/budgets/{made['id']}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (402, "budget_spent")
    assert local.status_code == 200
    assert not guest.world.openai.seen


async def test_one_clients_empty_account_keeps_nobody_else_away(guest: Guest) -> None:
    guest.world.openai.script(Refuse(429, retry_after=900), where=lambda body: "mine" in str(body))
    owner = guest.asking(authorization="Bearer sk-proj-mine-0123456789")
    held = await owner.http.post("/v1/embeddings", json={"model": CLOUD, "input": "mine"})
    others = await guest.asks.http.post("/v1/embeddings", json={"model": CLOUD, "input": "theirs"})
    assert others.status_code == 200, (held.status_code, others.text)


@pytest.mark.parametrize("surface", ["messages", "chat"])
async def test_a_key_that_a_provider_repeats_is_written_down_nowhere(guest: Guest, surface: str) -> None:
    key = f"sk-{'ant-api03' if surface == 'messages' else 'proj'}-{secrets.token_hex(12)}"
    fake = guest.world.anthropic if surface == "messages" else guest.world.openai
    fake.script(Refuse(401, f"Incorrect API key provided: {key}."))
    asks = guest.asking(authorization=f"Bearer {key}")
    answer = await (asks.messages if surface == "messages" else asks.chat)(f"hello {key[-6:]}")
    assert answer.status_code == 401
    assert key in answer.text, "the provider's words arrive as they are"
    await guest.house.until("SELECT count(*) > 0 FROM usage WHERE error LIKE '%Incorrect API key provided: ***%'")
    assert not await guest.house.rows("SELECT 1 FROM usage WHERE error LIKE $1", f"%{key}%")
    assert key not in guest.house.log


async def test_a_local_model_is_sent_to_fetch_no_picture(guest: Guest) -> None:
    picture = {"type": "image_url", "image_url": {"url": "http://169.254.169.254/latest"}}
    said = [{"role": "user", "content": [{"type": "text", "text": "what is this?"}, picture]}]
    answer = await guest.stranger.chat(said, model="local")
    assert answer.status_code == 400, answer.text


async def test_any_replica_knows_at_once_which_provider_called_a_tool(guest: Guest) -> None:
    """The result may come to another replica than the call came from, and before its memory is a second old."""
    headers = {"x-athena-session": f"s-{secrets.token_hex(6)}"}
    tools = [{"name": "get_weather", "input_schema": {"type": "object", "properties": {}}}]
    async with guest.house.replica() as url:
        other = guest.asking(url, authorization=f"Bearer {guest.key}")
        await other.messages("warm up", headers, model="sonnet")
        guest.world.google.script(Tool("get_weather", {}, id="call_1"))
        talk = [{"role": "user", "content": "Is it raining?"}]
        called = await guest.asks.messages(talk, headers, model="google/gemini-3.8-flash", tools=tools)
        assert called.json()["stop_reason"] == "tool_use", called.text
        use = next(block for block in called.json()["content"] if block["type"] == "tool_use")
        result = {"type": "tool_result", "tool_use_id": use["id"], "content": "rain"}
        talk += [{"role": "assistant", "content": called.json()["content"]}, {"role": "user", "content": [result]}]
        answer = await other.messages(talk, headers, model="auto", tools=tools)
    assert answer.headers["x-athena-model"] == "google/gemini-3.8-flash", answer.text
