"""Requests to the fakes of OpenAI's kind, as their own tests make them."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest
from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageParam

from athena.gateway import sse
from tests.clients.world import GPT, World
from tests.fakes.openai_api import FakeOpenAI

TOOLS: list[ChatCompletionFunctionToolParam] = [
    {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
]
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello there"}]
GEMINI = "gemini-3.8-flash"
LLAMA = "llama3.1:8b"
MODELS = {"openai": GPT, "google": GEMINI, "ollama": LLAMA}
FACES = pytest.mark.parametrize("face", MODELS)


def fake_of(world: World, face: str) -> FakeOpenAI:
    fake: FakeOpenAI = getattr(world, face)
    return fake


async def raw(fake: FakeOpenAI, body: dict[str, Any], **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        sent = {"authorization": "Bearer k", **headers}
        return await http.post(f"{fake.base_url}/chat/completions", json=body, headers=sent)


def chunks_of(answer: httpx.Response) -> list[Any]:
    events = sse.Parser().feed(answer.content)
    assert events[-1].data == b"[DONE]"
    return [msgspec.json.decode(event.data) for event in events[:-1]]


def body(face: str = "openai", **more: Any) -> dict[str, Any]:
    return {"model": MODELS[face], "messages": HELLO, **more}
