"""What the fake of the Anthropic API ties to a conversation's beginning: thinking, the prompt cache, threads."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest
from anthropic import beta_async_tool
from anthropic.types import MessageParam

from tests.clients.asking_claude import HELLO, TOOLS, body, raw
from tests.clients.world import CLAUDE, World
from tests.fakes.provider.script import (
    Text,
    Think,
    Tool,
)

LONG = "The harbour was quiet, and every boat had its light. " * 120


async def converse(world: World) -> tuple[anthropic.AsyncAnthropic, list[MessageParam]]:
    """A conversation of two turns, with thinking and a tool call in the first and its result in the second."""
    world.anthropic.script(Think("First."), Text("I look."), Tool("look", {"at": "sea"}, id="toolu_sea"))
    client = world.claude()
    first = await client.messages.create(model=CLAUDE, max_tokens=500, system="Be brief.", messages=HELLO, tools=TOOLS)
    result: MessageParam = {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "toolu_sea", "content": "ships"}],
    }
    return client, [*HELLO, first.to_param(), result]


async def test_thinking_is_bound_to_everything_before_it(direct: World) -> None:
    client, messages = await converse(direct)

    async def go_on(messages: Any, **more: Any) -> Any:
        kept = {"system": "Be brief.", "tools": TOOLS, **more}
        return await client.messages.create(model=CLAUDE, max_tokens=500, messages=messages, **kept)

    assert (await go_on(messages)).stop_reason == "end_turn"
    # What means the same is the same: a string or a block, and wherever the cache's marks are.
    marked = {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}
    as_block: MessageParam = {"role": "user", "content": [{"type": "text", "text": "Hello there"}]}
    await go_on([as_block, *messages[1:]], system=[marked])
    edited: list[Any] = [{"role": "user", "content": "Hello there."}, *messages[1:]]
    changes: list[dict[str, Any]] = [
        {"messages": edited},
        {"messages": messages, "system": "Be brief!"},
        {"messages": messages, "tools": [{**TOOLS[0], "description": "Looks."}]},
    ]
    for change in changes:
        with pytest.raises(anthropic.BadRequestError, match="bound to a different conversation") as refused:
            await go_on(**change)
        assert "messages.1.content.0: Invalid `signature` in `thinking` block." in refused.value.message


async def test_thinking_that_no_model_made_is_refused_and_another_models_is_dropped(direct: World) -> None:
    client, messages = await converse(direct)
    forged: Any = [
        messages[0],
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "x", "signature": "athena-foreign:1"},
                {"type": "text", "text": "I look."},
            ],
        },
        {"role": "user", "content": "And now?"},
    ]
    with pytest.raises(anthropic.BadRequestError, match=r"Invalid `signature` in `thinking` block'"):
        await client.messages.create(model=CLAUDE, max_tokens=500, messages=forged)
    other = await raw(
        direct, body(model="claude-sonnet-5-5", messages=_plain(messages), system="Be brief.", tools=TOOLS)
    )
    assert other.json()["input_transformations"][0]["path"] == "messages.1.content.0"


def _plain(messages: list[MessageParam]) -> list[Any]:
    plain: list[Any] = []
    for message in messages:
        content = message["content"]
        blocks = (
            content
            if isinstance(content, str)
            else [block if isinstance(block, dict) else block.to_dict() for block in content]
        )
        plain.append({"role": message["role"], "content": blocks})
    return plain


async def test_a_thinking_block_between_others_may_not_be_left_out(direct: World) -> None:
    direct.anthropic.script(Think("A."), Tool("look", id="toolu_1"))
    direct.anthropic.script(Think("B."), Tool("look", id="toolu_2"))
    direct.anthropic.script(Think("C."), Tool("look", id="toolu_3"))
    client, messages = direct.claude(), list[Any](HELLO)
    for number in (1, 2, 3):
        answer = await client.messages.create(model=CLAUDE, max_tokens=500, messages=messages, tools=TOOLS)
        messages.append({"role": "assistant", "content": [block.to_dict() for block in answer.content]})
        result = {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": "nothing"}
        messages.append({"role": "user", "content": [result]})

    def without(*numbers: int) -> list[Any]:
        return [
            {**message, "content": message["content"][1:]} if at in numbers else message
            for at, message in enumerate(messages)
        ]

    await client.messages.create(model=CLAUDE, max_tokens=500, messages=without(1), tools=TOOLS)
    with pytest.raises(anthropic.BadRequestError, match="different conversation"):
        await client.messages.create(model=CLAUDE, max_tokens=500, messages=without(3), tools=TOOLS)


async def test_the_prompt_cache_is_written_once_and_read_while_the_prefix_stays(direct: World) -> None:
    now = 1_000_000.0
    direct.anthropic.clock = lambda: now
    client = direct.claude()

    async def ask(question: str, system: str = LONG, ttl: str = "5m") -> Any:
        block: Any = {"type": "text", "text": system, "cache_control": {"type": "ephemeral", "ttl": ttl}}
        answer = await client.messages.create(
            model=CLAUDE, max_tokens=99, system=[block], messages=[{"role": "user", "content": question}]
        )
        return answer.usage

    mine = f"{id(now)} "
    first = await ask("One?", mine + LONG)
    assert first.cache_creation_input_tokens
    assert first.cache_read_input_tokens == 0
    second = await ask("Two, please?", mine + LONG)
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert second.cache_creation_input_tokens == 0
    other = await ask("One?", "!" + mine + LONG)
    assert other.cache_read_input_tokens == 0
    short = await ask("One?", "Too short to be kept.")
    assert (short.cache_creation_input_tokens, short.cache_read_input_tokens) == (0, 0)
    now += 301
    late = await ask("One?", mine + LONG, ttl="1h")
    assert late.cache_read_input_tokens == 0
    assert late.cache_creation is not None
    assert late.cache_creation.ephemeral_1h_input_tokens == first.cache_creation_input_tokens
    totals = direct.anthropic.totals()[CLAUDE]
    assert totals.answers == 5
    assert totals.cached == second.cache_read_input_tokens


async def test_a_conversation_that_grows_reads_what_it_has_written(direct: World) -> None:
    """The mark moves to the end with each turn, as Claude Code moves it."""
    client, messages = direct.claude(), list[Any]()
    written = 0
    for turn in range(3):
        text = f"{turn} of {id(messages)}: {LONG}"
        newest = {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}
        asked = [*messages, {"role": "user", "content": [newest]}]
        answer = await client.messages.create(model=CLAUDE, max_tokens=99, messages=asked)
        assert answer.usage.cache_read_input_tokens == written
        written += answer.usage.cache_creation_input_tokens or 0
        reply = [block.to_dict() for block in answer.content]
        messages += [{"role": "user", "content": text}, {"role": "assistant", "content": reply}]


@pytest.mark.parametrize("supported", [True, False])
async def test_a_thread_holds_the_conversation_for_a_client_that_sends_what_is_new(
    direct: World, supported: bool
) -> None:
    """The SDK's tool runner asks for one by itself, and does without one where there are none."""
    answered: list[str] = []

    @beta_async_tool
    async def look(at: str) -> str:
        """Looks.

        Args:
            at: where
        """
        answered.append(at)
        return "ships"

    direct.anthropic.threads.supported = supported
    direct.anthropic.script(Think("A."), Tool("look", {"at": "sea"}))
    direct.anthropic.script(Think("B."), Tool("look", {"at": "land"}))
    direct.anthropic.script(Text("Ships everywhere."))
    try:
        runner = direct.claude().beta.messages.tool_runner(
            model=CLAUDE, max_tokens=500, tools=[look], messages=[{"role": "user", "content": "Look"}]
        )
        final = await runner.until_done()
    finally:
        direct.anthropic.threads.supported = True
    assert answered == ["sea", "land"]
    assert final.content[-1].to_dict()["text"] == "Ships everywhere."
    done = [seen.body for seen in direct.anthropic.calls if seen.status == 200]
    assert [len(sent["messages"]) for sent in done] == ([1, 1, 1] if supported else [1, 3, 5])
    assert [(sent.get("thread") or {}).get("type") for sent in done] == (
        ["create", "continue", "continue"] if supported else [None, None, None]
    )


async def test_a_thread_that_is_lost_or_taken(direct: World) -> None:
    beta = {"anthropic-beta": "message-threads-2026-08-12"}
    first = (await raw(direct, body(thread={"type": "create"}), **beta)).json()
    go_on = body(thread={"type": "continue", "previous_message_id": first["id"]})
    assert (await raw(direct, go_on, **beta)).status_code == 200
    again = (await raw(direct, go_on, **beta)).json()
    assert again["error"]["details"] == {"error_code": "thread_already_continued"}
    lost = await raw(direct, body(thread={"type": "continue", "previous_message_id": "msg_none"}), **beta)
    assert (lost.status_code, lost.json()["error"]["details"]["error_code"]) == (404, "thread_not_found")
    assert "thread: Extra inputs" in (await raw(direct, go_on)).json()["error"]["message"]
