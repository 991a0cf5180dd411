"""Local-only mode through the gateway: cloud models refused, open streams cut, and all well again afterwards.

The fakes listen on loopback, which local-only mode lets pass: what is tested here is who may be asked, and that is
decided by what a provider is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.clients.asking import text_of
from tests.clients.house import Guest
from tests.clients.world import CLAUDE, GPT
from tests.fakes.provider.script import Pause, Text, Tool

pytest_plugins = ("tests.clients.house_fixtures",)

SWITCH = "/api/v1/local-only"


@asynccontextmanager
async def switched_on(guest: Guest) -> AsyncIterator[None]:
    assert (await guest.asks.put(SWITCH, {"on": True}))["on"]
    try:
        yield
    finally:
        assert not (await guest.asks.put(SWITCH, {"on": False}))["on"]


@pytest.fixture
async def on(guest: Guest) -> AsyncIterator[None]:
    async with switched_on(guest):
        yield


def assert_refused(answer: Any) -> None:
    """A 503 in the surface's format that says what is the matter, and what to do."""
    assert answer.status_code == 503, answer.text
    body = answer.json()
    if "type" in body:
        assert (body["type"], body["error"]["type"]) == ("error", "overloaded_error")
    else:
        assert body["error"]["type"] == "server_error"
    assert body["error"]["code"] == "local_only"
    assert "local-only" in body["error"]["message"]
    assert "athena local-only off" in body["error"]["message"]


@pytest.mark.usefixtures("on")
@pytest.mark.parametrize("own", [False, True])
async def test_what_only_the_cloud_has_is_refused(guest: Guest, own: bool) -> None:
    """With the operator's keys, and with the client's own. (A picture, which the local model can't see.)"""
    picture = [{"type": "image", "source": {"type": "url", "url": "http://127.0.0.1:9/x.png"}}]
    part = [{"type": "image_url", "image_url": {"url": "http://127.0.0.1:9/x.png"}}]
    asks = guest.stranger if own else guest.asks
    anthropic, openai = ({"x-api-key": "sk-ant-api03-own"}, {"authorization": "Bearer sk-own"}) if own else ({}, {})
    for stream in (False, True):
        assert_refused(await asks.messages([{"role": "user", "content": picture}], anthropic, stream=stream))
        assert_refused(await asks.chat([{"role": "user", "content": part}], openai, stream=stream))
    vectors = {"model": "openai/text-embedding-3-small", "input": "x"}
    answer = await asks.http.post("/v1/embeddings", json=vectors, headers=openai)
    assert answer.status_code == 503
    assert not any(fake.calls for fake in guest.world.fakes)
    assert not [seen for seen in guest.world.openai.seen if seen.path.endswith("/embeddings")]


@pytest.mark.usefixtures("on")
async def test_the_local_model_answers_whatever_was_named(guest: Guest) -> None:
    """A tier or `auto` means the local one; the local server and its embeddings go on."""
    for model in ("local", "auto", "sonnet", CLAUDE, GPT):
        for ask in (guest.asks.messages, guest.asks.chat):
            answer = await ask("Hello", model=model, max_tokens=4)
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-athena-model"].startswith(("local/", "ollama/"))
            assert "local-only" in answer.headers["x-athena-route"]
    answer = await guest.asks.http.post("/v1/embeddings", json={"input": "Hello there"})
    assert answer.status_code == 200
    for fake in (guest.world.anthropic, guest.world.openai, guest.world.google):
        assert not fake.calls
    await asyncio.sleep(1)  # its reports are shared for so long
    assert (await guest.asks.get("/health")).json()["local_only"] is True


async def test_counting_is_local_too(guest: Guest) -> None:
    async with switched_on(guest):
        assert await guest.asks.count("Hello there", model=CLAUDE) > 0
        assert not guest.world.anthropic.seen


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
async def test_an_open_stream_of_the_cloud_is_cut(guest: Guest, path: str) -> None:
    """The client reads an error, and the provider sees that nobody listens."""
    fake = guest.world.anthropic
    fake.script(Text("Once upon a time", pieces=1), Pause(20), Text("there was a kiln."))
    body = {"model": CLAUDE, "max_tokens": 400, "messages": [{"role": "user", "content": "Hello"}]}
    # The way to the fake is loopback all the same; but no name of it that is known to be local.
    elsewhere = fake.url.replace("127.0.0.1", "0.0.0.0")
    async with guest.house.replica(ATHENA_ANTHROPIC_URL=elsewhere) as url:
        asks = guest.asking(url, authorization=f"Bearer {guest.key}")
        async with asks.streaming(path, body) as stream:
            await stream.until("Once upon")
            begun = time.monotonic()
            async with switched_on(guest):
                rest = await stream.rest()
            assert time.monotonic() - begun < 3
        await asks.close()
    assert "error" in rest[-1]
    assert "local-only" in rest[-1]
    assert not [data for data in rest if "message_stop" in data or "[DONE]" in data]
    (row,) = await guest.house.used(guest.name, 1)
    assert row["outcome"] == "broken"
    assert fake.calls[-1].left


async def test_a_loop_of_the_cloud_waits(guest: Guest) -> None:
    """Nobody else can go on with it: refused, not answered by another, and it goes on when the mode is off."""
    tools = [{"name": "run", "input_schema": {"type": "object"}}]
    headers = {"x-athena-session": "s-local-only"}
    guest.world.anthropic.script(Tool("run", {}))
    talk: list[Any] = [{"role": "user", "content": "Run it"}]
    first = await guest.asks.messages(talk, headers, tools=tools)
    call = first.json()["content"][-1]
    talk.append({"role": "assistant", "content": first.json()["content"]})
    talk.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": call["id"], "content": "done"}]})
    async with switched_on(guest):
        assert_refused(await guest.asks.messages(talk, headers, tools=tools))
    guest.world.anthropic.script(Text("It ran."))
    assert text_of(await guest.asks.messages(talk, headers, tools=tools)) == "It ran."


async def test_every_replica_follows_within_a_second(guest: Guest) -> None:
    async with guest.house.replica() as url:
        asks = guest.asking(url, authorization=f"Bearer {guest.key}")
        answer = await asks.messages("Hello")
        assert answer.headers["x-athena-model"] == f"anthropic/{CLAUDE}"
        async with switched_on(guest):
            await asyncio.sleep(1)
            answer = await asks.messages("Hello", max_tokens=4)
            assert answer.headers["x-athena-model"].startswith("local/")
        await asyncio.sleep(1)
        answer = await asks.messages("Hello")
        assert answer.headers["x-athena-model"] == f"anthropic/{CLAUDE}"
        await asks.close()
