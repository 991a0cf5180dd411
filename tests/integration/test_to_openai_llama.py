"""Requests of Anthropic's clients, translated, at a real llama-server whose template is as strict as real ones."""

from __future__ import annotations

import asyncio
import copy
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from athena.gateway.sse import Parser
from athena.gateway.translate.errors import CannotCarry
from athena.gateway.translate.to_openai import Stream, answer, error, request
from athena.gateway.types import Model, Provider
from tests.fakes.tiny_tool_caller import tiny_tool_caller
from tests.integration.api_server import answered, free_port
from tests.unit import anthropic_events
from tests.unit.anthropic_requests import claude_code, request_of, text, tool, tool_result

Json = Any
CITY = {"type": "string", "maxLength": 6}
WEATHER, TIME = tool("get_weather", city=CITY), tool("get_time")
HELLO = {"role": "user", "content": "hello"}


class Server:
    """Asks as the gateway does: translated there, and translated back."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        provider = Provider("local", "openai", str(http.base_url), True, "llama")
        self.model = Model(provider, "tiny-tool-caller")

    async def post(self, body: Json) -> httpx.Response:
        # A random model must say the same each time that it is asked.
        return await self.http.post("/v1/chat/completions", json={**body, "temperature": 0})

    async def said(self, body: Json) -> Json:
        response = await self.post(request(body, self.model, {}))
        assert response.status_code == 200, response.text
        return answer(response.json(), self.model, body["model"])[0]

    async def streamed(self, body: Json) -> Json:
        stream, parser, said = Stream(self.model, body["model"]), Parser(), b""
        wanted = {**request({**body, "stream": True}, self.model, {}), "temperature": 0}
        async with self.http.stream("POST", "/v1/chat/completions", json=wanted) as response:
            assert response.status_code == 200, await response.aread()
            async for chunk in response.aiter_bytes():
                said += b"".join(stream.feed(event.data) for event in parser.feed(chunk))
        return anthropic_events.message(said + stream.end())


@pytest.fixture
async def server(test_home: Path) -> AsyncIterator[Server]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "athena.runtime.llama_child", "--model", str(tiny_tool_caller(test_home))),
        *("--alias", "tiny-tool-caller", "--port", str(port), "--threads", "1", "--threads-batch", "1"),
        *("--ctx-size", "16384", "--parallel", "1", "--jinja"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as http:
            await answered(http, "/health", lambda response: response.status_code == 200)
            yield Server(http)
    finally:
        process.kill()
        await process.wait()


async def test_claude_code_is_served_and_its_prefix_is_kept_in_the_cache(server: Server) -> None:
    body = claude_code()
    first = await server.streamed(body)
    assert first["model"] == "claude-sonnet-5-5"
    sent = first["usage"]["input_tokens"] + first["usage"]["cache_read_input_tokens"]
    assert sent > 3000, "24 tools are long"

    read = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}
    result = {"role": "user", "content": [tool_result("toolu_1", [text("print('hello')", cached=True)])]}
    second = await server.streamed(claude_code({"role": "assistant", "content": [read]}, result, request=2))
    assert second["usage"]["cache_read_input_tokens"] > sent - 64, "all but the end of the first prompt"


async def test_what_is_translated_would_be_refused_as_it_came(server: Server) -> None:
    late = request(claude_code(), server.model, {})
    late["messages"] = [late["messages"][0], HELLO, {"role": "system", "content": "be brief"}]
    assert (await server.post(late)).status_code == 400


async def test_a_tool_is_called_and_its_result_taken(server: Server) -> None:
    body = request_of([HELLO], tools=[WEATHER, TIME], tool_choice={"type": "tool", "name": "get_weather"})
    body["tool_choice"]["disable_parallel_tool_use"] = True
    message = await server.said(body)
    assert message["stop_reason"] == "tool_use"
    (call,) = message["content"]
    assert call["name"] == "get_weather"
    assert isinstance(call["input"]["city"], str)
    result = {"role": "user", "content": [tool_result(call["id"], "12 degrees"), text("so?")]}
    after = await server.said({**body, "messages": [HELLO, message, result], "tool_choice": {"type": "auto"}})
    assert after["stop_reason"] in ("end_turn", "max_tokens", "tool_use")


async def test_a_stream_of_parallel_calls_says_what_the_whole_answer_says(server: Server) -> None:
    body = request_of([HELLO], tools=[TIME], tool_choice={"type": "any"}, max_tokens=90)
    whole, streamed = await server.said(body), await server.streamed(body)
    names = [(block["type"], block["name"], block["input"]) for block in streamed["content"]]
    assert names == [(block["type"], block["name"], block["input"]) for block in whole["content"]]
    assert len(names) > 1
    assert streamed["stop_reason"] == whole["stop_reason"] == "max_tokens"
    assert streamed["usage"]["output_tokens"] == whole["usage"]["output_tokens"] == 90


async def test_a_call_that_is_cut_comes_as_something_a_client_can_read_and_send_back(server: Server) -> None:
    for limit in range(8, 40):
        body = request_of([HELLO], tools=[WEATHER], tool_choice={"type": "any"}, max_tokens=limit)
        message = await server.said(body)
        if message["content"] and "malformed_arguments" in message["content"][-1].get("input", {}):
            break
    else:
        raise AssertionError("no answer was cut inside its arguments")
    assert message["stop_reason"] == "max_tokens"
    assert (await server.streamed(body))["content"][-1]["input"] == message["content"][-1]["input"]
    results = [tool_result(block["id"], "no", is_error=True) for block in message["content"]]
    again = {**body, "messages": [HELLO, message, {"role": "user", "content": results}]}
    assert (await server.said(again))["type"] == "message"


async def test_a_schema_is_kept_to(server: Server) -> None:
    schema = {"type": "object", "properties": {"sure": {"type": "boolean"}}, "required": ["sure"]}
    schema["additionalProperties"] = False
    shape = {"format": {"type": "json_schema", "schema": schema}}
    message = await server.said(request_of([HELLO], output_config=shape, max_tokens=300))
    assert isinstance(json.loads(message["content"][0]["text"])["sure"], bool)


async def test_a_prompt_that_is_too_long_is_said_so_in_words_that_clients_know(server: Server) -> None:
    response = await server.post(request(request_of([{"role": "user", "content": "zq " * 9000}]), server.model, {}))
    status, said = error(response.status_code, response.content)
    assert status == 400
    assert json.loads(said)["error"]["message"].startswith("prompt is too long: ")
    assert response.json()["error"]["message"] in json.loads(said)["error"]["message"]


async def test_nothing_is_asked_that_the_server_takes_for_something_else(server: Server) -> None:
    # It takes a choice by name for `auto`, and what it is given to go on from for a part of its answer.
    named = copy.deepcopy(request(request_of([HELLO], tools=[WEATHER, TIME]), server.model, {}))
    named["tool_choice"] = {"type": "function", "function": {"name": "get_weather"}}
    assert "tool_calls" not in (await server.post(named)).json()["choices"][0]["message"]
    going_on = [HELLO, {"role": "assistant", "content": "It is"}]
    raw = await server.post({"model": "x", "messages": going_on, "max_tokens": 4})
    assert raw.json()["choices"][0]["message"]["content"].startswith("It is")
    with pytest.raises(CannotCarry):
        request(request_of(going_on), server.model, {})
