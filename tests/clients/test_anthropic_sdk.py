"""What programs do with Anthropic's SDK: nothing in them changes but the base URL."""

from __future__ import annotations

import uuid
from typing import Any

import anthropic
import httpx
import pytest
from anthropic import beta_async_tool
from anthropic.types import MessageParam, ToolParam
from pydantic import BaseModel

from tests.clients.world import CLAUDE, PNG, World, until
from tests.fakes.provider.script import Fail, Pause, Ping, Refuse, Text, Think, Tool

HELLO: list[MessageParam] = [{"role": "user", "content": "Hello there"}]
WEATHER: ToolParam = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


async def test_a_message(world: World) -> None:
    world.anthropic.script(Text("Good morning."))
    answer = await world.claude().messages.create(model=CLAUDE, max_tokens=100, messages=HELLO, system="Be kind.")
    assert (answer.type, answer.role, answer.model, answer.stop_reason) == ("message", "assistant", CLAUDE, "end_turn")
    assert [block.text for block in answer.content if block.type == "text"] == ["Good morning."]
    bill = world.anthropic.bills[-1]
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (bill.input, bill.output)
    seen = world.anthropic.calls[-1].body
    assert (seen["system"], seen["messages"]) == ("Be kind.", HELLO)


def test_the_client_that_blocks(world: World) -> None:
    with anthropic.Anthropic(api_key=world.key, base_url=world.anthropic_url, max_retries=0) as client:
        with client.messages.stream(model=CLAUDE, max_tokens=100, messages=HELLO) as stream:
            text = "".join(stream.text_stream)
        assert text == "Echo: Hello there"


async def test_a_stream_arrives_piece_by_piece(world: World) -> None:
    world.anthropic.script(Text("One two three four five six", pieces=6), Ping(), Text(" and the rest", pieces=2))
    async with world.claude().messages.stream(model=CLAUDE, max_tokens=100, messages=HELLO) as stream:
        kinds: list[str] = []
        pieces: list[str] = []
        async for event in stream:
            kinds.append(event.type)
            if event.type == "text":
                pieces.append(event.text)
        final = await stream.get_final_message()
    assert "".join(pieces) == "One two three four five six and the rest"
    assert len(pieces) == 8
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == len(final.content)
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    assert final.usage.output_tokens == world.anthropic.bills[-1].output


async def test_the_first_piece_does_not_wait_for_the_last(world: World) -> None:
    world.anthropic.script(Text("First."), Pause(20), Text("Never."))
    async with world.claude(timeout=15).messages.stream(model=CLAUDE, max_tokens=100, messages=HELLO) as stream:
        async for text in stream.text_stream:
            assert "First.".startswith(text)
            break
    until(lambda: world.anthropic.calls[0].left)


async def test_tools_in_parallel_with_thinking_over_several_turns(world: World) -> None:
    """The thinking goes back unchanged, or the provider refuses the next turn."""
    cities = {"Paris": "rain", "Rome": "sun"}
    world.anthropic.script(
        Think("Two cities."), Text("Let me look."), *(Tool("get_weather", {"city": city}) for city in cities)
    )
    world.anthropic.script(
        Think("One more."), Tool("get_weather", {"city": "Atlantis", "days": [1, {"å": "\U0001f30a\n"}]})
    )
    world.anthropic.script(Think("Enough."), Text("Take an umbrella to Paris."))
    client, messages = world.claude(), list[MessageParam]([{"role": "user", "content": "Paris, Rome or Atlantis?"}])
    turns = 0
    while True:
        turns += 1
        async with client.messages.stream(
            model=CLAUDE, max_tokens=2000, messages=messages, tools=[WEATHER], thinking={"type": "adaptive"}
        ) as stream:
            answer = await stream.get_final_message()
        messages.append({"role": "assistant", "content": answer.content})
        if answer.stop_reason != "tool_use":
            break
        results: list[Any] = []
        for call in answer.content:
            if call.type == "tool_use":
                known = cities.get(str(call.input["city"]))
                result = {"type": "tool_result", "tool_use_id": call.id, "content": known or "no such city"}
                results.append({**result, "is_error": known is None})
        messages.append({"role": "user", "content": results})
    assert turns == 3
    assert answer.content[-1].to_dict()["text"] == "Take an umbrella to Paris."
    last = world.anthropic.calls[-1].body["messages"]
    assert [message["role"] for message in last] == ["user", "assistant", "user", "assistant", "user"]
    assert last[3]["content"][1]["input"] == {"city": "Atlantis", "days": [1, {"å": "\U0001f30a\n"}]}
    assert last[4]["content"][0]["is_error"] is True


async def test_the_sdks_own_tool_runner(world: World) -> None:
    asked: list[str] = []

    @beta_async_tool
    async def get_weather(city: str) -> str:
        """The weather in a city.

        Args:
            city: its name
        """
        asked.append(city)
        return "rain"

    world.anthropic.script(Tool("get_weather", {"city": "Paris"}), Tool("get_weather", {"city": "Rome"}))
    world.anthropic.script(Text("Rain everywhere."))
    runner = world.claude().beta.messages.tool_runner(
        model=CLAUDE, max_tokens=500, tools=[get_weather], messages=[{"role": "user", "content": "Weather?"}]
    )
    final = await runner.until_done()
    assert sorted(asked) == ["Paris", "Rome"]
    assert final.content[-1].to_dict()["text"] == "Rain everywhere."


async def test_images(world: World) -> None:
    picture: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    linked: Any = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
    asked: list[MessageParam] = [
        {"role": "user", "content": [picture, linked, {"type": "text", "text": "What is it?"}]}
    ]
    await world.claude().messages.create(model=CLAUDE, max_tokens=100, messages=asked)
    assert world.anthropic.calls[-1].body["messages"] == asked


async def test_thinking_can_be_read_when_asked_for(world: World) -> None:
    world.anthropic.script(Think("Seven times six.", pieces=4), Text("42"))
    async with world.claude().messages.stream(
        model=CLAUDE, max_tokens=100, messages=HELLO, thinking={"type": "adaptive", "display": "summarized"}
    ) as stream:
        thought = "".join([event.thinking async for event in stream if event.type == "thinking"])
        final = await stream.get_final_message()
    assert thought == "Seven times six."
    assert final.content[0].type == "thinking"
    assert final.content[0].signature


class Mood(BaseModel):
    mood: str
    level: int


async def test_structured_output(world: World) -> None:
    world.anthropic.script(Text('{"mood": "bright", "level": 3}'))
    answer = await world.claude().messages.parse(model=CLAUDE, max_tokens=100, messages=HELLO, output_format=Mood)
    assert answer.parsed_output == Mood(mood="bright", level=3)
    assert world.anthropic.calls[-1].body["output_config"]["format"]["schema"]["required"] == ["mood", "level"]


async def test_betas_and_what_belongs_to_them_pass(world: World) -> None:
    edits: Any = {"edits": [{"type": "clear_tool_uses_20250919"}]}
    await world.claude().beta.messages.create(
        model=CLAUDE,
        max_tokens=100,
        messages=[{"role": "user", "content": "Hello"}, {"role": "system", "content": "It is late."}],
        extra_query={"beta": "true"},
        betas=["context-management-2025-06-27", "some-thing-of-tomorrow-2027-01-01"],
        context_management=edits,
        metadata={"user_id": "u1"},
    )
    seen = world.anthropic.calls[-1]
    assert "some-thing-of-tomorrow-2027-01-01" in seen.headers["anthropic-beta"]
    assert seen.query == "beta=true"
    assert seen.body["context_management"] == edits
    assert seen.body["messages"][-1] == {"role": "system", "content": "It is late."}
    assert seen.body["metadata"] == {"user_id": "u1"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_tokens": 10_000_000}, "max_tokens: 10000000 > 128000"),
        ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
        ({"temperature": 0.3}, "`temperature` is deprecated for this model."),
    ],
)
async def test_the_providers_refusal_arrives_word_for_word(world: World, wrong: Any, message: str) -> None:
    with pytest.raises(anthropic.BadRequestError) as raised:
        await world.claude().messages.create(model=CLAUDE, max_tokens=10, messages=HELLO, extra_body=wrong)
    assert raised.value.type == "invalid_request_error"
    assert (raised.value.api_message or "").startswith(message)
    assert isinstance(raised.value.body, dict)
    assert raised.value.request_id == raised.value.body["request_id"]


async def test_a_bad_minute_of_the_provider_is_ridden_out(world: World) -> None:
    world.anthropic.script(Refuse(529))
    world.anthropic.script(Refuse(429, retry_after=1))
    answer = await world.claude(max_retries=2).messages.create(model=CLAUDE, max_tokens=100, messages=HELLO)
    assert answer.content[-1].to_dict()["text"] == "Echo: Hello there"
    assert [seen.status for seen in world.anthropic.calls] == [529, 429, 200]


async def test_an_error_in_the_middle_of_a_stream_is_an_error(world: World) -> None:
    world.anthropic.script(Text("Half of"), Fail("overloaded_error", "Too much at once"))
    heard, stream = "", await world.claude().messages.create(model=CLAUDE, max_tokens=99, messages=HELLO, stream=True)

    async def listen() -> None:
        nonlocal heard
        async for event in stream:
            if event.type == "content_block_delta" and event.delta.type == "text_delta":
                heard += event.delta.text

    with pytest.raises(anthropic.APIStatusError, match="Too much at once"):
        await listen()
    assert heard == "Half of"
    assert len(world.anthropic.calls) == 1


async def test_the_prompt_cache_works(world: World) -> None:
    system: Any = [
        {
            "type": "text",
            "text": f"{uuid.uuid4()} " + "Look at every ship. " * 300,
            "cache_control": {"type": "ephemeral"},
        }
    ]
    client = world.claude()
    first = await client.messages.create(model=CLAUDE, max_tokens=100, system=system, messages=HELLO)
    second = await client.messages.create(
        model=CLAUDE, max_tokens=100, system=system, messages=[{"role": "user", "content": "And then?"}]
    )
    assert first.usage.cache_creation_input_tokens
    assert second.usage.cache_read_input_tokens == first.usage.cache_creation_input_tokens


async def test_counting(world: World) -> None:
    client = world.claude()
    asked: Any = {"model": CLAUDE, "messages": HELLO, "system": "Be kind.", "tools": [WEATHER]}
    counted = await client.messages.count_tokens(**asked)
    answer = await client.messages.create(max_tokens=100, **asked)
    assert counted.input_tokens == answer.usage.input_tokens


async def test_models(world: World) -> None:
    client = world.claude()
    listed = [model async for model in client.models.list(limit=1000)]
    assert CLAUDE in [model.id for model in listed]
    assert {model.type for model in listed} == {"model"}
    for name in (CLAUDE, listed[-1].id):
        assert (await client.models.retrieve(name)).id == name
    with pytest.raises(anthropic.NotFoundError):
        await client.models.retrieve("nothing-of-the-kind")


async def test_either_credential_header(world: World) -> None:
    sent = {"model": CLAUDE, "max_tokens": 100, "messages": HELLO}
    async with httpx.AsyncClient(trust_env=False, base_url=world.anthropic_url, timeout=30) as http:
        for credential in ({"x-api-key": world.key}, {"authorization": f"Bearer {world.key}"}):
            headers = {"anthropic-version": "2023-06-01", **credential}
            assert (await http.post("/v1/messages", json=sent, headers=headers)).status_code == 200
        without = await http.post("/v1/messages", json=sent, headers={"anthropic-version": "2023-06-01"})
        assert without.status_code == 401
        assert without.json()["type"] == "error"
        assert without.json()["error"]["type"] == "authentication_error"
        assert (await http.head("/")).status_code == 200
