"""Claude Code itself: pointed to a base URL, it works as if nothing were in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.clients.claude_code import ClaudeCode, claude_code
from tests.clients.world import CLAUDE, World
from tests.fakes.provider.fake import Seen
from tests.fakes.provider.script import Begin, Fail, Pause, Ping, Refuse, Reset, Step, Text, Think, Tool


@pytest.fixture
async def claude(world: World) -> AsyncIterator[ClaudeCode]:
    async with claude_code(world.anthropic_url, world.key) as claude:
        yield claude


def with_tools(body: Any) -> bool:
    """Of the conversation; not of the small things that are asked beside it."""
    return bool(body.get("tools"))


def script(world: World, *steps: Step) -> None:
    world.anthropic.script(*steps, where=with_tools)


def conversation(world: World) -> list[Seen]:
    return [seen for seen in world.anthropic.calls if with_tools(seen.body)]


def results(seen: Seen) -> list[Any]:
    """The tool results in the newest message."""
    content = seen.body["messages"][-1]["content"]
    return [block for block in content if block.get("type") == "tool_result"]


async def work_through(world: World, claude: ClaudeCode, *, streamed: bool = False) -> Any:
    """Three turns: read a file, write another and run a command at once, sum up."""
    (claude.work / "notes.txt").write_text("alpha\nbeta\n")
    written = {"file_path": str(claude.work / "new.txt"), "content": "made by the model\n"}
    script(
        world, Think("A file."), Text("I read the notes."), Tool("Read", {"file_path": str(claude.work / "notes.txt")})
    )
    script(world, Tool("Write", written), Tool("Bash", {"command": "wc -l < notes.txt", "description": "Count"}))
    script(world, Think("Done."), Text("Two lines, and a new file."))
    run = await claude.ask("Look at the notes and write a file.", model=CLAUDE, streamed=streamed)
    assert run.status == 0, run.errors
    assert run.result["is_error"] is False, run.result
    assert run.result["result"] == "Two lines, and a new file."
    assert (claude.work / "new.txt").read_text() == "made by the model\n"
    return run


async def test_a_run_of_several_turns_with_tools(world: World, claude: ClaudeCode) -> None:
    run = await work_through(world, claude)
    first, second, third = conversation(world)
    assert [seen.status for seen in world.anthropic.calls] == [200] * len(world.anthropic.calls)
    assert "alpha" in results(second)[0]["content"]
    assert [block["content"].strip() for block in results(third)][1] == "2"
    # Its own session, its own betas, its own thinking: as it sent them, or the provider would have refused.
    assert len({seen.headers["x-claude-code-session-id"] for seen in (first, second, third)}) == 1
    assert "context_management" in first.body
    assert third.body["messages"][2]["content"][0]["type"] == "thinking"
    assert first.body["system"][0]["text"].startswith("x-anthropic-billing-header:")
    # What it believes to have used is what the provider has billed, and the cache has worked.
    bills = world.anthropic.bills
    usage = run.result["usage"]
    assert usage["input_tokens"] == sum(bill.input for bill in bills)
    assert usage["output_tokens"] == sum(bill.output for bill in bills)
    assert usage["cache_read_input_tokens"] == sum(bill.cached for bill in bills) > 0
    assert bills[2].cached == bills[1].cached + bills[1].written


async def test_a_session_is_taken_up_again(world: World, claude: ClaudeCode) -> None:
    run = await work_through(world, claude)
    before = world.anthropic.bills[-1]
    script(world, Text("You asked for notes."))
    again = await claude.ask("What did I ask for?", "--resume", run.result["session_id"], model=CLAUDE)
    assert again.result["result"] == "You asked for notes."
    resumed = conversation(world)[-1]
    assert resumed.status == 200
    assert [message["role"] for message in resumed.body["messages"]][-2:] == ["assistant", "user"]
    assert world.anthropic.bills[-1].cached == before.cached + before.written


async def test_every_piece_of_the_stream_arrives_once(world: World, claude: ClaudeCode) -> None:
    run = await work_through(world, claude, streamed=True)
    events = [entry["event"] for entry in run.said if entry["type"] == "stream_event"]
    opened = [event["index"] for event in events if event["type"] == "content_block_start"]
    closed = [event["index"] for event in events if event["type"] == "content_block_stop"]
    assert opened == closed
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    text = "".join(delta["text"] for delta in deltas if delta["type"] == "text_delta")
    assert text == "I read the notes.Two lines, and a new file."
    assert sum(event["type"] == "message_stop" for event in events) == 3


async def test_a_helper_agent_works_beside_the_conversation(world: World, claude: ClaudeCode) -> None:
    task = {"description": "Count things", "prompt": "Count the boats.", "subagent_type": "general-purpose"}
    is_helper = "Count the boats."

    def helper(body: Any) -> bool:
        return with_tools(body) and is_helper in str(body["messages"][0]["content"])

    world.anthropic.script(Text("Seven boats."), where=helper)
    script(world, Text("I ask."), Tool("Agent", {**task, "run_in_background": False}))
    script(world, Text("There are seven."))
    run = await claude.ask("How many boats are there?", model=CLAUDE)
    assert run.result["result"] == "There are seven."
    assert world.anthropic.planned == 0
    assert "Seven boats." in str(results(conversation(world)[-1])[0]["content"])


@pytest.mark.parametrize(
    "trouble",
    [
        (Refuse(529),),
        (Refuse(500, body=b"<html>Bad gateway</html>", content_type="text/html"),),
        (Refuse(429, retry_after=1),),
        (Begin(), Fail("overloaded_error")),
        (Reset(),),
    ],
    ids=["overloaded", "html", "rate limit", "overloaded in the stream", "reset"],
)
async def test_a_bad_minute_is_ridden_out(world: World, claude: ClaudeCode, trouble: tuple[Step, ...]) -> None:
    script(world, *trouble)
    script(world, Text("Here I am."))
    run = await claude.ask("Are you there?", model=CLAUDE)
    assert run.result["result"] == "Here I am."
    assert world.anthropic.planned == 0


async def test_silence_and_pings_are_waited_through(world: World, claude: ClaudeCode) -> None:
    script(world, Begin(), Pause(1), Ping(), Pause(1), Ping(), Text("Slow, but here."))
    run = await claude.ask("Are you there?", model=CLAUDE)
    assert run.result["result"] == "Slow, but here."
    assert len(conversation(world)) == 1


async def test_the_providers_refusal_is_shown_in_its_words(world: World, claude: ClaudeCode) -> None:
    script(world, Refuse(400, "The harbour is closed on Fridays."))
    run = await claude.ask("Are you there?", model=CLAUDE)
    assert run.result["is_error"] is True
    assert "The harbour is closed on Fridays." in run.result["result"]
    assert run.result["api_error_status"] == 400
    assert len(conversation(world)) == 1


async def test_a_key_works_like_a_token(world: World) -> None:
    async with claude_code(world.anthropic_url, world.key, key_name="ANTHROPIC_API_KEY") as claude:
        run = await claude.ask("Hello", model=CLAUDE)
    assert run.result["result"].startswith("Echo: ")
