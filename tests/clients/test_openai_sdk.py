"""What programs do with OpenAI's SDK: nothing in them changes but the base URL."""

from __future__ import annotations

from typing import Any

import msgspec
import openai
import pytest
from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageParam
from pydantic import BaseModel

from tests.clients.world import GPT, PNG, World, until
from tests.fakes.provider.script import Fail, Pause, Ping, Refuse, Text, Think, Tool

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello there"}]
WEATHER: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


async def test_a_completion(world: World) -> None:
    world.openai.script(Text("Good morning."))
    asked: list[ChatCompletionMessageParam] = [{"role": "system", "content": "Be kind."}, *HELLO]
    answer = await world.gpt().chat.completions.create(model=GPT, messages=asked)
    assert (answer.object, answer.model) == ("chat.completion", GPT)
    choice = answer.choices[0]
    assert (choice.message.content, choice.finish_reason) == ("Good morning.", "stop")
    assert answer.usage is not None
    assert answer.usage.completion_tokens == world.openai.bills[-1].output
    assert world.openai.calls[-1].body["messages"] == asked


def test_the_client_that_blocks(world: World) -> None:
    with openai.OpenAI(api_key=world.key, base_url=world.openai_url, max_retries=0) as client:
        stream = client.chat.completions.create(model=GPT, messages=HELLO, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "Echo: Hello there"


async def test_a_stream_with_usage_at_its_end(world: World) -> None:
    world.openai.script(Think("Hm."), Text("One two three four five six", pieces=6), Ping(), Text(" and the rest"))
    stream = await world.gpt().chat.completions.create(
        model=GPT, messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "One two three four five six and the rest"
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == world.openai.bills[-1].output
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1] if chunk.choices][-1] == "stop"


async def test_usage_nobody_asked_for_does_not_come(world: World) -> None:
    """A client that didn't ask may not expect a chunk without choices."""
    stream = await world.gpt().chat.completions.create(model=GPT, messages=HELLO, stream=True)
    assert {len(chunk.choices) async for chunk in stream} == {1}


async def test_the_first_piece_does_not_wait_for_the_last(world: World) -> None:
    world.openai.script(Text("First."), Pause(20), Text("Never."))
    stream = await world.gpt(timeout=15).chat.completions.create(model=GPT, messages=HELLO, stream=True)
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            break
    await stream.close()
    until(lambda: world.openai.calls[0].left)


@pytest.mark.parametrize("streamed", [True, False])
async def test_tools_in_parallel_over_several_turns(world: World, streamed: bool) -> None:
    cities = {"Paris": "rain", "Rome": "sun"}
    world.openai.script(Text("Let me look."), *(Tool("get_weather", {"city": city}) for city in cities))
    world.openai.script(Tool("get_weather", {"city": "Atlantis", "days": [1, {"å": "\U0001f30a\n"}]}))
    world.openai.script(Text("Take an umbrella to Paris."))
    client, messages = world.gpt(), list[Any]([{"role": "user", "content": "Paris, Rome or Atlantis?"}])
    for _ in range(3):
        message = await _ask(client, messages, streamed)
        messages.append(message)
        for call in message.get("tool_calls", []):
            city = msgspec.json.decode(call["function"]["arguments"])["city"]
            result = {"role": "tool", "tool_call_id": call["id"], "content": cities.get(city, "no such city")}
            messages.append(result)
    assert messages[-1]["content"] == "Take an umbrella to Paris."
    sent = world.openai.calls[-1].body["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "tool", "assistant", "tool"]
    assert msgspec.json.decode(sent[4]["tool_calls"][0]["function"]["arguments"]) == {
        "city": "Atlantis",
        "days": [1, {"å": "\U0001f30a\n"}],
    }


async def _ask(client: openai.AsyncOpenAI, messages: list[Any], streamed: bool) -> Any:
    """The assistant's message, as it goes back in the next turn."""
    if streamed:
        async with client.chat.completions.stream(model=GPT, messages=messages, tools=[WEATHER]) as stream:
            answer: Any = await stream.get_final_completion()
    else:
        answer = await client.chat.completions.create(model=GPT, messages=messages, tools=[WEATHER])
    kept = answer.choices[0].message.to_dict(exclude_none=True)
    wanted = {name: kept[name] for name in ("role", "content", "tool_calls") if kept.get(name)}
    for call in wanted.get("tool_calls", []):
        call.pop("index", None)
        call["function"].pop("parsed_arguments", None)
    return wanted


async def test_images(world: World) -> None:
    parts: Any = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {"type": "text", "text": "What is it?"},
    ]
    await world.gpt().chat.completions.create(model=GPT, messages=[{"role": "user", "content": parts}])
    assert world.openai.calls[-1].body["messages"][0]["content"] == parts


class Mood(BaseModel):
    mood: str
    level: int


async def test_structured_output(world: World) -> None:
    world.openai.script(Text('{"mood": "bright", "level": 3}'))
    answer = await world.gpt().chat.completions.parse(model=GPT, messages=HELLO, response_format=Mood)
    assert answer.choices[0].message.parsed == Mood(mood="bright", level=3)


async def test_the_providers_refusal_arrives_word_for_word(world: World) -> None:
    wrong: list[dict[str, Any]] = [{"extra_body": {"surprise": 1}}, {"max_tokens": 5}, {"temperature": 0.2}]
    for change in wrong:
        with pytest.raises(openai.BadRequestError) as raised:
            await world.gpt().chat.completions.create(model=GPT, messages=HELLO, **change)
        body = raised.value.response.json()
        assert set(body["error"]) == {"message", "type", "param", "code"}
        start = ("Unrecognized request argument", "Unsupported parameter: 'max_tokens'", "Unsupported value: 'temper")
        assert body["error"]["message"].startswith(start)


async def test_a_bad_minute_of_the_provider_is_ridden_out(world: World) -> None:
    world.openai.script(Refuse(503))
    world.openai.script(Refuse(429, retry_after=1))
    answer = await world.gpt(max_retries=2).chat.completions.create(model=GPT, messages=HELLO)
    assert answer.choices[0].message.content == "Echo: Hello there"
    assert [seen.status for seen in world.openai.calls] == [503, 429, 200]


async def test_an_error_in_the_middle_of_a_stream_is_an_error(world: World) -> None:
    world.openai.script(Text("Half of"), Fail())
    heard, stream = "", await world.gpt().chat.completions.create(model=GPT, messages=HELLO, stream=True)

    async def listen() -> None:
        nonlocal heard
        async for chunk in stream:
            heard += chunk.choices[0].delta.content or ""

    with pytest.raises(openai.APIError):
        await listen()
    assert heard == "Half of"
    assert len(world.openai.calls) == 1


async def test_embeddings(world: World) -> None:
    client = world.gpt()
    answer = await client.embeddings.create(model=world.embedder, input=["the harbour", "the ship"])
    assert [entry.index for entry in answer.data] == [0, 1]
    assert len(answer.data[0].embedding) == len(answer.data[1].embedding) > 0
    floats = await client.embeddings.create(model=world.embedder, input="the ship", encoding_format="float")
    assert floats.data[0].embedding == pytest.approx(answer.data[1].embedding, abs=1e-5)


async def test_models(world: World) -> None:
    client = world.gpt()
    listed = [model async for model in client.models.list()]
    assert GPT in [model.id for model in listed]
    assert {model.object for model in listed} == {"model"}
    for name in (GPT, listed[-1].id):
        assert (await client.models.retrieve(name)).id == name
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("nothing-of-the-kind")


async def test_a_wrong_key_and_none(world: World) -> None:
    with pytest.raises(openai.AuthenticationError) as raised:
        await (
            world.gpt()
            .with_options(api_key="")
            .chat.completions.create(model=GPT, messages=HELLO, extra_headers={"authorization": ""})
        )
    assert raised.value.response.json()["error"]["message"]
