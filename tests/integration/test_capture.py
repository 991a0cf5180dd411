"""Turns that pass become events: once, without secrets, without what was recalled, and forgotten like any other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from athena.bootstrap import Athena
from athena.core.marked import marked
from athena.memory.capture import TAG, Capture, Turn
from athena.memory.types import Filter, Kind, Scope
from athena.rewrite.canonical import Message
from athena.rewrite.person import answered, turn_key
from tests.integration.memories import recalled
from tests.integration.test_rewrite import assistant, tool_result, user

TURN = Turn(
    project="house",
    principal="key",
    session="s1",
    agent="ada",
    key=b"\x01" * 32,
    said="My sister's name is Grete.",
    answer="Noted: your sister is called Grete.",
    model="local/qwen",
    at=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
)
HOUSE = Filter(Scope("house"))


async def contents(athena: Athena, where: Filter = HOUSE) -> list[str]:
    return [memory.content for memory in (await athena.memory.list(where)).memories]


async def test_a_turn_becomes_two_events_that_can_be_recalled_and_forgotten(athena: Athena) -> None:
    receipts = await Capture(athena.memory.remember)(TURN)
    assert [receipt.status for receipt in receipts] == ["created", "created"]
    answer, said = (await athena.memory.list(HOUSE)).memories
    assert said.content == "User: My sister's name is Grete."
    assert answer.content == "Assistant: Noted: your sister is called Grete."
    for memory, role in ((said, "user"), (answer, "assistant")):
        assert memory.kind is Kind.EVENT
        assert memory.scope == Scope("house", None, "ada", "s1")
        assert (memory.occurred_at, memory.tags, memory.source) == (TURN.at, (TAG,), "capture")
        assert (memory.metadata["role"], memory.metadata["model"]) == (role, "local/qwen")
    assert "User: My sister's name is Grete." in await recalled(athena, "what is my sister's name?", HOUSE)
    gone = await athena.memory.forget_where(Filter(Scope("house"), tags=(TAG,)), dry_run=False)
    assert gone.count == 2
    assert await contents(athena) == []


async def test_a_turn_that_comes_again_is_captured_once(athena: Athena) -> None:
    capture = Capture(athena.memory.remember)
    first = await capture(TURN)
    assert await capture(TURN) == first
    retried = replace(TURN, answer="Grete, then.", at=datetime(2026, 11, 20, 9, 31, tzinfo=UTC))
    assert await capture(retried) == []
    assert len(await contents(athena)) == 2
    assert len(await capture(replace(TURN, key=b"\x02" * 32, at=retried.at))) == 2
    assert len(await capture(replace(TURN, project="garden"))) == 2


async def test_secrets_and_recalled_notes_are_taken_out(athena: Athena) -> None:
    key = "sk-" + "ant-api03-" + "Q" * 40
    said = f"My key is {key}, use it.{marked(['Ada lives on Mars.'])}"
    await Capture(athena.memory.remember)(replace(TURN, said=said, answer="password: hunter2" + "\n\x00\ud800 done"))
    answer, said = await contents(athena)
    assert said == "User: My key is [redacted api key], use it."
    assert answer == "Assistant: password: [redacted value]\n\ufffd? done"


@pytest.mark.parametrize(
    "turn",
    [
        replace(TURN, said=""),
        replace(TURN, answer=" \n"),
        replace(TURN, said=marked(["Ada lives on Mars."])),
    ],
)
async def test_a_turn_with_a_silent_side_is_none(athena: Athena, turn: Turn) -> None:
    assert await Capture(athena.memory.remember)(turn) == []
    assert await contents(athena) == []


async def test_what_is_very_long_is_cut(athena: Athena) -> None:
    await Capture(athena.memory.remember)(replace(TURN, said="word " * 100_000))
    _, said = await contents(athena)
    assert len(said) < 20_100
    assert said.endswith("…")


async def test_a_turn_of_a_tool_loop_has_one_key(athena: Athena) -> None:
    """From the first request of the loop to the last; and another one where the conversation differs."""
    call: Message = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]}
    asked = [user("before"), assistant("ok"), user("<system-reminder>x</system-reminder>", "what is in a.txt?")]
    loop = [*asked, call, tool_result("forty-two")]
    first, last = answered(asked), answered(loop)
    assert first is not None
    assert last is not None
    assert first == last
    assert turn_key(asked, first) == turn_key(loop, last)
    other = [user("other"), *asked[1:]]
    assert turn_key(other, first) != turn_key(asked, first)
