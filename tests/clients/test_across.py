"""Each SDK with another provider's models: what only a gateway makes possible."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anthropic
import msgspec
import pytest
from anthropic.types import MessageParam, ToolParam

from tests.clients.claude_code import ClaudeCode, claude_code
from tests.clients.test_openai_sdk import WEATHER as OPENAI_WEATHER
from tests.clients.world import CLAUDE, GPT, PNG, World
from tests.fakes.openai_api import FakeOpenAI
from tests.fakes.provider.script import Refuse, Text, Think, Tool

# The provider's fake, by the name of its field in `World`, and one of its models.
OTHERS = {"openai": f"openai/{GPT}", "google": "google/gemini-3.8-flash", "ollama": "ollama/qwen2.5-coder:32b"}
HELLO: list[MessageParam] = [{"role": "user", "content": "Hello there"}]
WEATHER: ToolParam = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
elsewhere = pytest.mark.parametrize("provider", OTHERS)


def fake_of(world: World, provider: str) -> FakeOpenAI:
    fake: FakeOpenAI = getattr(world, provider)
    return fake


@elsewhere
@pytest.mark.parametrize("streamed", [True, False])
async def test_anthropics_sdk_with_another_providers_model(across: World, provider: str, streamed: bool) -> None:
    fake, client = fake_of(across, provider), across.claude()
    fake.script(Text("Let me look."), Tool("get_weather", {"city": "Paris"}), Tool("get_weather", {"city": "Rome"}))
    fake.script(Text("Rain in Paris, sun in Rome."))
    messages: list[MessageParam] = [{"role": "user", "content": "Paris or Rome?"}]
    asked: Any = {"model": OTHERS[provider], "max_tokens": 500, "system": "Be brief.", "tools": [WEATHER]}

    async def turn() -> anthropic.types.Message:
        if not streamed:
            answer: anthropic.types.Message = await client.messages.create(messages=messages, **asked)
            return answer
        async with client.messages.stream(messages=messages, **asked) as stream:
            return await stream.get_final_message()

    first = await turn()
    calls = [block for block in first.content if block.type == "tool_use"]
    assert [call.input for call in calls] == [{"city": "Paris"}, {"city": "Rome"}]
    assert first.stop_reason == "tool_use"
    assert first.usage.input_tokens > 0
    assert first.usage.output_tokens == fake.bills[0].output
    results: list[Any] = [{"type": "tool_result", "tool_use_id": call.id, "content": "rain"} for call in calls]
    results[1] |= {"content": "no such city", "is_error": True}
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    # Google refuses this turn unless its signature, which no Anthropic message can hold, is back in its place.
    second = await turn()
    assert second.content[-1].to_dict()["text"] == "Rain in Paris, sun in Rome."
    sent = fake.calls[-1].body["messages"]
    assert sent[0] == {"role": "system", "content": "Be brief."}
    assert [message["role"] for message in sent[-3:]] == ["assistant", "tool", "tool"]
    assert "no such city" in str(sent[-1]["content"])


@pytest.mark.parametrize("streamed", [True, False])
async def test_openais_sdk_with_claude(across: World, streamed: bool) -> None:
    """Claude's thinking, which no OpenAI message can hold, goes back with the tool call it led to."""
    across.anthropic.script(Think("A city."), Text("Let me look."), Tool("get_weather", {"city": "Paris"}))
    across.anthropic.script(Think("Rain."), Text("It rains."))
    client, messages = across.gpt(), list[Any]([{"role": "system", "content": "Be brief."}])
    messages.append({"role": "user", "content": "Paris?"})
    asked: Any = {"model": CLAUDE, "tools": [OPENAI_WEATHER]}
    for _ in range(2):
        if streamed:
            async with client.chat.completions.stream(messages=messages, **asked) as stream:
                answer: Any = await stream.get_final_completion()
        else:
            answer = await client.chat.completions.create(messages=messages, **asked)
        message = answer.choices[0].message
        reply: dict[str, Any] = {"role": "assistant", "content": message.content}
        if message.tool_calls:
            assert answer.choices[0].finish_reason == "tool_calls"
            (call,) = message.tool_calls
            assert msgspec.json.decode(call.function.arguments) == {"city": "Paris"}
            function = {"name": call.function.name, "arguments": call.function.arguments}
            reply["tool_calls"] = [{"id": call.id, "type": "function", "function": function}]
            messages += [reply, {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
    assert message.content == "It rains."
    second = across.anthropic.calls[-1].body
    assert [block["type"] for block in second["messages"][1]["content"]] == ["thinking", "text", "tool_use"]


@pytest.mark.parametrize("provider", ["openai", "google"])  # the fake's Ollama has no model that sees
async def test_images_cross_over(across: World, provider: str) -> None:
    picture: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    asked: list[MessageParam] = [{"role": "user", "content": [picture, {"type": "text", "text": "What is it?"}]}]
    await across.claude().messages.create(model=OTHERS[provider], max_tokens=100, messages=asked)
    parts = fake_of(across, provider).calls[-1].body["messages"][-1]["content"]
    assert parts[0]["image_url"]["url"] == f"data:image/png;base64,{PNG}"


@elsewhere
async def test_errors_come_in_the_clients_own_format(across: World, provider: str) -> None:
    fake_of(across, provider).script(Refuse(400, "The harbour is closed on Fridays."))
    with pytest.raises(anthropic.BadRequestError) as raised:
        await across.claude().messages.create(model=OTHERS[provider], max_tokens=100, messages=HELLO)
    assert raised.value.type == "invalid_request_error"
    assert "The harbour is closed on Fridays." in (raised.value.api_message or "")


async def test_each_credential_ends_at_its_own_provider(across: World) -> None:
    """No provider ever sees another's key, nor the gateway's own."""
    client = across.claude()
    for model in (CLAUDE, *OTHERS.values()):
        await client.messages.create(model=model, max_tokens=100, messages=HELLO)
    keys = [fake.calls[-1].key for fake in (across.anthropic, across.openai, across.google)]
    assert len(set(keys)) == 3
    assert across.key not in keys
    assert across.ollama.calls[-1].key not in (across.key, *keys)


@pytest.fixture
async def claude(across: World) -> AsyncIterator[ClaudeCode]:
    async with claude_code(across.anthropic_url, across.key) as claude:
        yield claude


@elsewhere
async def test_claude_code_with_another_providers_model(across: World, provider: str, claude: ClaudeCode) -> None:
    fake = fake_of(across, provider)
    (claude.work / "notes.txt").write_text("alpha\nbeta\n")
    fake.script(Text("I read."), Tool("Read", {"file_path": str(claude.work / "notes.txt")}))
    fake.script(Tool("Bash", {"command": "wc -l < notes.txt", "description": "Count"}))
    fake.script(Text("Two lines."))
    run = await claude.ask("How many lines are there?", model=OTHERS[provider])
    assert run.result["result"] == "Two lines.", run.result
    assert run.result["num_turns"] == 3
    again = await claude.ask("Again?", "--resume", run.result["session_id"], model=OTHERS[provider])
    assert again.result["is_error"] is False


async def test_claude_code_with_a_local_model(across: World, claude: ClaudeCode) -> None:
    """A tiny model says nothing of sense, but its server takes what Claude Code sends, and nothing goes elsewhere."""
    assert across.local is not None
    small = ("--system-prompt", "You are brief.", "--tools", "Read", "--disable-slash-commands")
    run = await claude.ask("Hello", *small, model=across.local)
    assert run.result["is_error"] is False, run.result
    assert run.result["usage"]["input_tokens"] + run.result["usage"]["cache_read_input_tokens"] > 1000
    assert not [seen for fake in across.fakes for seen in fake.seen if seen.method == "POST" and seen.body]


async def test_what_is_too_long_for_the_local_model_goes_to_a_larger_one(across: World, claude: ClaudeCode) -> None:
    """All that Claude Code sends by itself is more than the local window holds; nothing of it is cut away."""
    assert across.local is not None
    across.anthropic.script(Text("I could read all of it."))
    run = await claude.ask("Hello", model=across.local)
    assert run.result["result"] == "I could read all of it."
    (seen,) = across.anthropic.calls
    assert seen.body["model"] == "claude-haiku-5-5"
    assert len(seen.body["tools"]) > 10
    assert len(seen.raw) > 50_000
