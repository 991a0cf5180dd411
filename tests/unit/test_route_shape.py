"""What is read off a request: class, needs, loop, task."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from athena.errors import InvalidInput
from athena.gateway.route.rules import parse
from athena.gateway.route.shape import read
from athena.gateway.route.types import Shape

RULES = parse()
TOOLS = [{"name": "Read", "input_schema": {"type": "object"}}]
CLI = {"user-agent": "claude-cli/2.3.1 (external, cli)"}


def seen(
    *messages: dict[str, Any], wire: Any = "anthropic", headers: dict[str, str] | None = None, **body: Any
) -> Shape:
    whole = {"messages": list(messages), **body}
    return read(wire, whole, len(json.dumps(whole)), headers or {}, RULES)


def user(*content: Any) -> dict[str, Any]:
    """One text as it is, or blocks."""
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


CALLED = {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}]}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "done"}


@pytest.mark.parametrize("said", ["main", "subagent", "workflow", "compaction", "auxiliary"])
def test_what_the_client_says_is_believed(said: str) -> None:
    assert seen(user("hi"), headers={"x-claude-code-request-class": said}, tools=TOOLS).request_class == said


def test_what_nobody_knows_is_not() -> None:
    assert seen(user("hi"), headers={"x-claude-code-request-class": "root"}).request_class == "main"


def test_classes_by_what_requests_look_like() -> None:
    summary = "Your task is to create a detailed summary of the conversation so far, paying close attention to …"
    assert seen(user("a"), user(summary), tools=TOOLS).request_class == "compaction"
    assert seen(user("Please write a 5-10 word title for …")).request_class == "auxiliary"
    title = "### Task:\nGenerate a concise, 3-5 word title with an emoji"
    assert seen(user(title), wire="openai").request_class == "auxiliary"
    assert seen(user("quota"), max_tokens=1).request_class == "auxiliary"
    assert seen(user("hello"), headers=CLI).request_class == "auxiliary"
    assert seen(user("hello"), headers=CLI, tools=TOOLS).request_class == "main"
    assert seen(user("yes or no?"), wire="openai", max_tokens=1).request_class == "main"
    assert seen(user("Explain: 'Please write a 5-10 word title'"), tools=TOOLS).request_class == "main"


def test_a_system_text_can_say_what_the_request_is_for() -> None:
    system = [text("x-anthropic-billing-header: a"), text("Generate a concise, sentence-case title …")]
    assert seen(user("build me a house"), system=system).request_class == "auxiliary"


@pytest.mark.parametrize(
    ("messages", "wire"),
    [
        ([user("go"), CALLED, user(RESULT)], "anthropic"),
        ([user("go"), CALLED, user(RESULT, text("<system-reminder>be quick</system-reminder>"))], "anthropic"),
        ([user("go"), CALLED, user(RESULT), {"role": "system", "content": "late"}], "anthropic"),
        ([user("go"), CALLED, user(RESULT), user("wait, stop")], "anthropic"),
        ([user("go"), {"role": "assistant", "tool_calls": []}, {"role": "tool", "content": "x"}], "openai"),
        ([user("go"), {"role": "assistant"}, {"role": "function", "name": "f", "content": "x"}], "openai"),
    ],
)
def test_a_tool_loop_lasts_until_the_tools_are_answered_for(messages: list[dict[str, Any]], wire: str) -> None:
    shape = seen(*messages, wire=wire)
    assert shape.in_loop
    assert shape.text == ""
    assert shape.task is None


def test_a_persons_turn_after_a_loop_is_none() -> None:
    shape = seen(user("go"), CALLED, user(RESULT), {"role": "assistant", "content": "done"}, user("fix this error"))
    assert not shape.in_loop
    assert shape.task == "interactive"
    assert shape.needs.tools


def test_reminders_are_nobodys_words() -> None:
    shape = seen(user(text("<system-reminder>write a function</system-reminder>"), text("hello")))
    assert shape.text == "hello"
    assert shape.task is None


def test_images_are_counted_and_their_bytes_are_not() -> None:
    data = base64.b64encode(b"x" * 30_000).decode()
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    far = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}
    for message, count in (
        (user(text("see"), image), 1),
        (user({**RESULT, "content": [image, text("screenshot")]}), 1),
        (user(text("see"), url, far), 2),
    ):
        needs = seen(message).needs
        assert (needs.images, needs.vision) == (count, True)
        assert needs.size < 400


def test_needs() -> None:
    assert seen(user("x"), thinking={"type": "enabled", "budget_tokens": 9}).needs.thinking
    assert not seen(user("x"), thinking={"type": "adaptive"}).needs.thinking
    assert seen(user("x"), wire="openai", reasoning_effort="high").needs.thinking
    assert not seen(user("x"), wire="openai", reasoning_effort="low").needs.thinking
    schema = {"type": "json_schema", "schema": {}}
    assert seen(user("x"), output_config={"format": schema}).needs.structured
    assert seen(user("x"), wire="openai", response_format=schema).needs.structured
    assert seen(user("x"), wire="openai", max_completion_tokens=7, max_tokens=9).needs.output == 7
    assert seen(user("x"), wire="openai", functions=[{}]).needs.tools


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user"}, {"role": "user", "content": None}, {"role": "user", "content": [1, "x", {}]}]},
        {"messages": [{"role": "user", "content": [{"type": "image"}, {"type": "image_url", "image_url": 3}]}]},
        {"messages": [7], "system": 5, "tools": "x", "max_tokens": "many", "thinking": 1, "output_config": []},
        {"messages": None},
    ],
)
def test_whatever_a_client_sends_is_read_without_fault(body: dict[str, Any]) -> None:
    for wire in ("anthropic", "openai"):
        read(wire, body, 100, {}, RULES)  # type: ignore[arg-type]


def test_a_task_that_is_named_is_taken_and_a_wrong_one_refused() -> None:
    shape = seen(user("hello"), headers={"x-athena-task": "Deep-Analysis"})
    assert (shape.task, shape.task_said) == ("deep-analysis", True)
    with pytest.raises(InvalidInput, match="strategic-conversation"):
        seen(user("hello"), headers={"x-athena-task": "gardening"})


@pytest.mark.parametrize(
    ("said", "task"),
    [
        ("Write a Flask API endpoint for Stripe checkout", "code"),
        ("Write a Python function to parse CSV files", "code"),
        ("Write 3 social media posts about golf coaching", "drafts"),
        ("Summarize the top 5 golf coaching apps and their pricing", "research"),
        ("Review this code and suggest improvements", "code"),
        ("Parse this CSV and aggregate the rows", "data"),
        ("Index the memory overnight", "background"),
        ("heartbeat: status?", "routine"),
        ("I get 'TypeError: x is undefined', fix this", "interactive"),
        ("What should our product roadmap look like next year?", "strategy"),
        ("Weigh the trade-offs step by step: PostgreSQL or SQLite?", "complex-reasoning"),
        ("Polish the landing page: this is the final, customer-facing copy", "final-copy"),
        ("Analyse my financial situation and my retirement thoroughly", "deep-analysis"),
        ("Let's think this through together, help me decide", "strategic-conversation"),
        ("hello", None),
        ("Thank you, that is all", None),
    ],
)
def test_tasks_by_their_words(said: str, task: str | None) -> None:
    assert seen(user(said)).task == task


def test_of_a_long_text_the_beginning_and_the_end_count() -> None:
    filler = "lorem ipsum dolor " * 3_000
    assert seen(user(f"summarize this: {filler}")).task == "research"
    assert seen(user(f"{filler} Summarize that.")).task == "research"
    assert seen(user(f"{filler} summarize {filler}")).task is None
