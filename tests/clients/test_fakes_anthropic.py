"""The fake of the Anthropic API, checked with Anthropic's own SDK and against the documented stream."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import httpx
import msgspec
import pytest
from anthropic.types import MessageParam

from athena.gateway import sse
from tests.clients.asking_claude import HELLO, TOOLS, body, raw
from tests.clients.world import CLAUDE, PNG, World, until
from tests.fakes.provider.script import (
    Stop,
    Text,
    Think,
    Tool,
)


async def test_a_stream_has_the_documented_events_in_the_documented_order(direct: World) -> None:
    direct.anthropic.script(Think("Hm."), Text("Let me look."), Tool("look", {"at": "sea"}))
    answer = await raw(direct, body(stream=True, tools=TOOLS, thinking={"type": "adaptive", "display": "summarized"}))
    events = sse.Parser().feed(answer.content)
    names = [event.name for event in events]
    data = [msgspec.json.decode(event.data) for event in events]

    assert [entry["type"] for entry in data] == names
    assert names[:3] == ["message_start", "content_block_start", "ping"]
    assert names[-2:] == ["message_delta", "message_stop"]
    opened = [entry["index"] for entry in data if entry["type"] == "content_block_start"]
    closed = [entry["index"] for entry in data if entry["type"] == "content_block_stop"]
    assert opened == closed == [0, 1, 2]
    kinds = [entry["delta"]["type"] for entry in data if entry["type"] == "content_block_delta"]
    assert kinds[:2] == ["thinking_delta", "thinking_delta"]
    assert kinds[2] == "signature_delta"
    assert kinds[3] == "text_delta"
    assert kinds[-1] == "input_json_delta"
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["request-id"].startswith("req_")
    start, end = data[0]["message"]["usage"], data[-2]["usage"]
    assert start["input_tokens"] == end["input_tokens"] > 0
    assert end["output_tokens"] > start["output_tokens"]


@pytest.mark.parametrize("thinking", [{"type": "adaptive", "display": "summarized"}, {"type": "adaptive"}])
async def test_streamed_and_whole_are_the_same_message(direct: World, thinking: Any) -> None:
    steps = (Think("One, two."), Text("Here you are."), Tool("look", {"at": "A"}), Tool("look", {"at": "B"}))
    direct.anthropic.script(*steps, times=2)
    client = direct.claude()
    whole = await client.messages.create(model=CLAUDE, max_tokens=500, messages=HELLO, tools=TOOLS, thinking=thinking)
    async with client.messages.stream(
        model=CLAUDE, max_tokens=500, messages=HELLO, tools=TOOLS, thinking=thinking
    ) as stream:
        streamed = await stream.get_final_message()

    def meaning(message: anthropic.types.Message) -> Any:
        content = [block.to_dict() for block in message.content]
        for block in content:
            block.pop("id", None)  # new for each call
            block.pop("parsed_output", None)
        return content, message.stop_reason, message.usage.input_tokens, message.usage.output_tokens

    assert meaning(whole) == meaning(streamed)
    assert whole.stop_reason == "tool_use"
    assert [block.type for block in whole.content] == ["thinking", "text", "tool_use", "tool_use"]


async def test_what_claude_code_sends_is_accepted(direct: World) -> None:
    """Late system message, several text blocks, adaptive thinking, betas, the billing block first."""
    sent = body(
        system=[
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1; cc_entrypoint=cli;"},
            {"type": "text", "text": "You are Claude Code.", "cache_control": {"type": "ephemeral"}},
        ],
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "<system-reminder>Hi.</system-reminder>"},
                    {"type": "text", "text": "Go."},
                ],
            },
            {"role": "system", "content": "Today is Friday."},
        ],
        thinking={"type": "adaptive"},
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        output_config={"effort": "high"},
        metadata={"user_id": '{"session_id": "s1"}'},
        tools=TOOLS,
    )
    answer = await raw(direct, sent, **{"anthropic-beta": "claude-code-20250219,context-management-2025-06-27"})
    assert answer.status_code == 200, answer.text
    older = await raw(
        direct, {**sent, "model": "claude-sonnet-4-6"}, **{"anthropic-beta": "context-management-2025-06-27"}
    )
    assert older.json()["error"]["message"] == "messages.1: role 'system' is not supported on this model"


async def test_limits_cut_what_is_said(direct: World) -> None:
    direct.anthropic.default = lambda _: [Text("alpha beta gamma delta epsilon")]
    client = direct.claude()
    cut = await client.messages.create(model="claude-opus-4-8", max_tokens=3, messages=HELLO)
    assert (cut.stop_reason, cut.usage.output_tokens) == ("max_tokens", 3)
    stopped = await client.messages.create(
        model="claude-opus-4-8", max_tokens=99, messages=HELLO, stop_sequences=["zeta", " gamma"]
    )
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", " gamma")
    assert stopped.content[0].to_dict()["text"] == "alpha beta"
    direct.anthropic.script(Text("I'd rather not."), Stop("refusal", {"type": "refusal", "category": "cyber"}))
    refused = await client.messages.create(model=CLAUDE, max_tokens=99, messages=HELLO)
    assert refused.stop_reason == "refusal"
    assert refused.stop_details is not None


async def test_counting_models_and_windows(direct: World) -> None:
    client = direct.claude()
    image: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    asked: list[MessageParam] = [{"role": "user", "content": [{"type": "text", "text": "What?"}, image]}]
    counted = await client.messages.count_tokens(model=CLAUDE, messages=asked, tools=TOOLS)
    answer = await client.messages.create(model=CLAUDE, max_tokens=99, messages=asked, tools=TOOLS)
    assert counted.input_tokens == answer.usage.input_tokens
    direct.anthropic.windows[CLAUDE] = 100
    with pytest.raises(anthropic.BadRequestError, match=r"prompt is too long: .* > 100 maximum"):
        await client.messages.create(model=CLAUDE, max_tokens=9, messages=asked)
    listed = [model.id async for model in client.models.list(limit=2)]
    assert len(listed) == len(set(listed)) == 7
    assert (await client.models.retrieve(CLAUDE)).capabilities is not None
    with pytest.raises(anthropic.NotFoundError):
        await client.models.retrieve("claude-none")
    with pytest.raises(anthropic.NotFoundError, match="model: claude-none"):
        await client.messages.create(model="claude-none", max_tokens=9, messages=HELLO)
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.head(direct.anthropic.url)).status_code == 200


async def test_what_is_asked_for_by_form_is_given(direct: World) -> None:
    client = direct.claude()
    forced = await client.messages.create(
        model=CLAUDE, max_tokens=99, messages=HELLO, tools=TOOLS, tool_choice={"type": "any"}
    )
    assert forced.stop_reason == "tool_use"
    schema = {
        "type": "object",
        "properties": {"mood": {"enum": ["good", "bad"]}, "level": {"type": "integer"}},
        "required": ["mood", "level"],
        "additionalProperties": False,
    }
    formed = await client.messages.create(
        model=CLAUDE, max_tokens=99, messages=HELLO, output_config={"format": {"type": "json_schema", "schema": schema}}
    )
    assert msgspec.json.decode(str(formed.content[-1].to_dict()["text"])) == {"mood": "good", "level": 7}


async def test_the_prompt_can_hold_the_script(direct: World) -> None:
    asked = 'Go.\nx-fake: [{"text": "Hi"}, {"tool": "look", "input": {"at": "x"}}]'
    answer = await direct.claude().messages.create(
        model=CLAUDE, max_tokens=99, tools=TOOLS, messages=[{"role": "user", "content": asked}]
    )
    assert [block.type for block in answer.content] == ["thinking", "text", "tool_use"]


async def test_many_at_once_leave_nothing_behind(direct: World) -> None:
    before = len(direct.anthropic.server.connections)
    async with httpx.AsyncClient(trust_env=False, timeout=60, limits=httpx.Limits(max_connections=16)) as http:
        headers = {"x-api-key": "k", "anthropic-version": "2023-06-01"}

        async def one(number: int) -> str:
            sent = body(stream=True, messages=[{"role": "user", "content": f"number {number}"}])
            answer = await http.post(f"{direct.anthropic.url}/v1/messages", json=sent, headers=headers)
            return answer.text

        answers = await asyncio.gather(*(one(number) for number in range(400)))
    assert all("message_stop" in answer for answer in answers)
    assert len(direct.anthropic.bills) == 400
    assert all(bill.complete for bill in direct.anthropic.bills)
    assert len({bill.id for bill in direct.anthropic.bills}) == 400
    # Others may keep connections of their own.
    until(lambda: len(direct.anthropic.server.connections) <= before)
