"""The egress and the OpenAI wire against a real llama-server: what it says is heard as it means it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from athena import http
from athena.gateway.egress import Egress, Exhausted, Limit, Policy
from athena.gateway.types import Model, Outgoing, Provider
from tests.fakes.llama_server import llama_server
from tests.fakes.tiny_models import tiny_reasoner
from tests.integration.egress_bench import close, read


class Local:
    def __init__(self, url: str, egress: Egress, channel: http.Channel) -> None:
        self.url = url
        self.egress = egress
        self.channel = channel
        self.model = Model(Provider("local", "openai", f"{url}/v1", True, "llama"), "tiny")

    async def send(self, text: str = "alice likes tea", *, stream: bool, max_tokens: int = 8) -> Any:
        async def prepare(model: Model) -> Outgoing:
            body: dict[str, Any] = {
                "model": model.id,
                "messages": [{"role": "user", "content": text}],
                "max_tokens": max_tokens,
                "stream": stream,
                "ignore_eos": True,
            }
            if stream:
                body["stream_options"] = {"include_usage": True}
            headers = (("content-type", "application/json"),)
            return Outgoing(model, "/chat/completions", headers, msgspec.json.encode(body), stream)

        return await self.egress.send([self.model], prepare, stream=stream)

    async def busy(self) -> int:
        async with http.client(base_url=self.url) as client:
            return sum(slot["is_processing"] for slot in (await client.get("/slots")).json())


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with llama_server(tiny_reasoner(tmp_path), 512, "reasoning") as url:
        channel = http.channel()
        policy = Policy(limits={"local": Limit(per_minute=None, at_once=1)}, tries=1)
        yield Local(url, Egress(channel, policy), channel)
        await channel.aclose()


async def test_streamed_and_whole_are_billed_alike(local: Local) -> None:
    whole = await local.send(stream=False)
    streamed = await local.send(stream=True)
    said = await read(streamed)
    assert said.endswith(b"data: [DONE]\n\n")
    assert (streamed.tap.done, streamed.tap.stop, whole.tap.stop) == (True, "length", "length")
    bills = [answer.tap.tokens for answer in (whole, streamed)]
    assert bills[0].output == bills[1].output == 8
    # The second one reads from the cache what the first one left there; together it is the same prompt.
    assert bills[0].input + bills[0].cached == bills[1].input + bills[1].cached > 0
    assert whole.tap.tokens.cached <= streamed.tap.tokens.cached
    assert streamed.attempts[-1].outcome == "ok"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_prompt_over_the_window_is_known_as_such(local: Local, stream: bool) -> None:
    with pytest.raises(Exhausted) as raised:
        await local.send("word " * 2000, stream=stream)
    failure = raised.value.first
    assert (failure.kind, failure.status) == ("context", 400)
    assert msgspec.json.decode(failure.body)["error"]["n_ctx"] == 512


async def test_a_client_that_leaves_frees_the_slot(local: Local) -> None:
    answer = await local.send(stream=True, max_tokens=400)
    assert answer.chunks is not None
    await anext(answer.chunks)
    assert await local.busy() == 1
    await close(answer)
    async with asyncio.timeout(5):
        while await local.busy():
            await asyncio.sleep(0.01)
    assert answer.attempts[-1].outcome == "cancelled"
    assert (await local.send(stream=False)).body
