"""What local servers say of themselves: a real llama-server, and Ollama's answers as it words them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from athena.config import Settings
from athena.errors import ModelServerError, ModelServerUnavailable
from athena.gateway.models.live import Live
from athena.gateway.models.registry import Registry
from athena.gateway.models.seen import ServerSeen
from tests.fakes.llama_server import llama_server
from tests.fakes.tiny_models import tiny_reasoner
from tests.integration.api_server import free_port

TOOLS = [
    {
        "type": "function",
        "function": {"name": "find", "description": "Finds.", "parameters": {"type": "object", "properties": {}}},
    }
]


def nowhere() -> str:
    return f"http://127.0.0.1:{free_port()}"


async def test_a_real_server_is_seen_counted_and_missed(test_home: Path) -> None:
    async with llama_server(tiny_reasoner(test_home), 2_048, "reasoning") as url:
        settings = Settings(reasoning_url=url, ollama_url=nowhere())
        registry = Registry(settings)
        live = Live(settings, registry.see)
        assert await live.refresh() is True
        model = registry.model("local/default")
        assert model is not None
        assert (model.name, model.context, model.vision) == ("local/tiny-reasoner.gguf", 2_048, False)
        assert registry.unavailable(model) is None
        assert registry.model("tiny-reasoner") == model
        messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "alice likes coffee"}]
        for body in ({"messages": messages}, {"messages": messages, "tools": TOOLS}):
            async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
                answer = (await http.post("/v1/chat/completions", json={**body, "max_tokens": 1})).json()
            billed = answer["usage"]["prompt_tokens"]
            assert await live.count({**body, "stream": True, "stream_options": {"include_usage": True}}) == billed
            assert await live._count_by_template(body) == billed
        long = {"messages": [{"role": "user", "content": "coffee " * 5_000}]}
        assert await live.count(long) > 2_048
        with pytest.raises(ModelServerError):
            await live.count({"messages": "none"})
    assert await live.refresh() is False
    assert "can't be reached" in (registry.unavailable(model) or "")
    with pytest.raises(ModelServerUnavailable):
        await live.count({"messages": messages})
    await live.aclose()


async def test_asking_goes_on_beside_the_requests(test_home: Path) -> None:
    told: list[ServerSeen] = []
    settings = Settings(reasoning_url=nowhere(), ollama_url=nowhere())
    live = Live(settings, lambda llama, ollama: told.append(llama))
    task = asyncio.create_task(live.run())
    async with asyncio.timeout(20):
        while not told:
            await asyncio.sleep(0.01)
        live.wake()
        while len(told) < 2:
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await live.aclose()


# As Ollama 0.15 words them, shortened.
TAGS = {
    "models": [
        {"name": "llama3.1:8b", "model": "llama3.1:8b", "size": 4_920_000_000, "details": {"family": "llama"}},
        {"name": "qwen2.5:14b", "model": "qwen2.5:14b", "size": 9_000_000_000},
        {"name": "llava:7b", "model": "llava:7b", "size": 4_700_000_000},
        {
            "name": "mine:latest",
            "model": "mine:latest",
            "remote_model": "gpt-oss:120b",
            "remote_host": "https://ollama.com:443",
            "size": 384,
        },
        {"name": "gone:latest", "model": "gone:latest"},
    ]
}
LOADED = {"models": [{"name": "qwen2.5:14b", "size_vram": 9_000_000_000, "context_length": 32_768}]}
SHOWN: dict[str, dict[str, Any]] = {
    "llama3.1:8b": {
        "parameters": 'stop "<|eot_id|>"\nnum_ctx                        16384',
        "model_info": {"llama.context_length": 131_072},
        "capabilities": ["completion", "tools"],
    },
    "qwen2.5:14b": {"model_info": {"qwen2.context_length": 32_768}, "capabilities": ["completion", "tools"]},
    "llava:7b": {"model_info": {"llama.context_length": 32_768}, "capabilities": ["completion", "vision"]},
    "mine:latest": {
        "remote_host": "https://ollama.com:443",
        "model_info": {"gptoss.context_length": 131_072},
        "capabilities": ["completion", "tools", "thinking"],
    },
}


def ollama(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/api/tags":
        return httpx.Response(200, json=TAGS)
    if request.url.path == "/api/ps":
        return httpx.Response(200, json=LOADED)
    if request.url.path == "/api/show":
        name = json.loads(request.content)["model"]
        if name in SHOWN:
            return httpx.Response(200, json=SHOWN[name])
        return httpx.Response(404, json={"error": f"model '{name}' not found"})
    raise httpx.ConnectError("refused", request=request)


async def test_ollama_says_what_it_has_what_that_can_do_and_where_it_runs() -> None:
    settings = Settings(reasoning_url="http://127.0.0.1:9", ollama_url="http://127.0.0.1:8")
    registry = Registry(settings)
    live = Live(settings, registry.see, transport=httpx.MockTransport(ollama))
    assert await live.refresh() is False
    found = {each.name: each for each in registry.local_models}
    assert list(found) == [
        *("ollama/llama3.1:8b", "ollama/qwen2.5:14b", "ollama/llava:7b", "ollama-cloud/mine:latest"),
        "ollama/gone:latest",
    ]
    # The window is what the model is given, never what it could take: the rest would be cut off in silence.
    assert [each.context for each in found.values()] == [16_384, 32_768, 4_096, 131_072, 4_096]
    assert [each.vision for each in found.values()][:4] == [False, False, True, False]
    assert [each.tools for each in found.values()][:4] == [True, True, False, True]
    assert [each.provider.local for each in found.values()] == [True, True, True, False, True]
    assert registry.unavailable(found["ollama/llava:7b"]) is None
    cloud = registry.model("mine")
    assert cloud is not None
    assert cloud.thinking is True
    assert not cloud.provider.local
    await live.aclose()


@pytest.mark.parametrize("answer", [b"[]", b"{}", b'{"models": 3}', b"<html>", b'{"models": [1, {}]}'])
async def test_what_answers_nonsense_is_down_or_empty_and_stops_nobody(answer: bytes) -> None:
    settings = Settings(reasoning_url="http://127.0.0.1:9", ollama_url="http://127.0.0.1:8")
    registry = Registry(settings)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=answer))
    live = Live(settings, registry.see, transport=transport)
    assert await live.refresh() is False
    model = registry.model("local/default")
    assert model is not None
    assert registry.unavailable(model) is not None
    await live.aclose()
