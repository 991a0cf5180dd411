"""What chat UIs send, as their sources put it together, and what they read from the answer.

`MODEL` in a shape is replaced by a model that takes sampling parameters.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from athena.gateway import sse
from tests.clients.world import World
from tests.fakes.provider.script import Text, Tool

MODEL = "gpt-4o-mini"
SHAPES = sorted(path.stem for path in (Path(__file__).parent / "shapes").glob("*.json"))
STREAMED = [name for name in SHAPES if not name.endswith("_title")]


def shape(name: str) -> Any:
    text = (Path(__file__).parent / "shapes" / f"{name}.json").read_text()
    return json.loads(text.replace('"MODEL"', f'"{MODEL}"'))


async def send(world: World, name: str) -> httpx.Response:
    asked = shape(name)
    headers = {**asked["headers"], "authorization": f"Bearer {world.key}"}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        return await http.post(f"{world.openai_url}/chat/completions", json=asked["body"], headers=headers)


def read(answer: httpx.Response) -> tuple[str, list[Any], Any]:
    """As the UIs do: text, tool calls put together by index, and the usage that comes last."""
    assert answer.headers["content-type"].startswith("text/event-stream")
    text, calls, usage = "", dict[int, Any](), None
    events = sse.Parser().feed(answer.content)
    assert events[-1].data == b"[DONE]"
    for event in events[:-1]:
        chunk = json.loads(event.data)
        assert chunk["object"] == "chat.completion.chunk"
        usage = chunk.get("usage") or usage
        for choice in chunk["choices"]:
            delta = choice["delta"]
            text += delta.get("content") or ""
            for part in delta.get("tool_calls") or ():
                call = calls.setdefault(part["index"], {"id": part.get("id"), "name": "", "arguments": ""})
                call["name"] += part["function"].get("name") or ""
                call["arguments"] += part["function"].get("arguments") or ""
    return text, list(calls.values()), usage


@pytest.mark.parametrize("name", STREAMED)
async def test_a_streamed_answer(world: World, name: str) -> None:
    world.openai.script(Text("Forty-two metres, öffentlich zugänglich."))
    answer = await send(world, name)
    assert answer.status_code == 200, answer.text
    text, calls, usage = read(answer)
    assert (text, calls) == ("Forty-two metres, öffentlich zugänglich.", [])
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
    sent, seen = shape(name)["body"], world.openai.calls[-1].body
    assert (seen["messages"], seen.get("tools")) == (sent["messages"], sent.get("tools"))


@pytest.mark.parametrize("name", [name for name in STREAMED if "tools" in shape(name)["body"]])
async def test_a_streamed_answer_that_calls_tools(world: World, name: str) -> None:
    world.openai.script(Tool("search_web", {"query": "tides"}), Tool("search_web", {"query": "moon"}))
    _, calls, _ = read(await send(world, name))
    assert [(call["name"], json.loads(call["arguments"])) for call in calls] == [
        ("search_web", {"query": "tides"}),
        ("search_web", {"query": "moon"}),
    ]
    assert len({call["id"] for call in calls}) == 2


@pytest.mark.parametrize("name", [name for name in SHAPES if name not in STREAMED])
async def test_a_title(world: World, name: str) -> None:
    world.openai.script(Text('{"title": "The lighthouse"}'))
    answer = await send(world, name)
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.json()["choices"][0]["message"]["content"]) == {"title": "The lighthouse"}


async def test_a_list_of_models_to_choose_from(world: World) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        answer = await http.get(f"{world.openai_url}/models", headers={"authorization": f"Bearer {world.key}"})
    listed = answer.json()
    assert listed["object"] == "list"
    assert MODEL in [model["id"] for model in listed["data"]]
    assert all(set(model) >= {"id", "object", "created", "owned_by"} for model in listed["data"])
