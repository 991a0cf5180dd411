"""What a person said, told from what agents and chat programs put into a user's messages."""

from __future__ import annotations

import time
from typing import Any

import pytest

from athena.rewrite.canonical import Message, units
from athena.rewrite.person import Person, answered, newest, turn_key

REMINDER = (
    "<system-reminder>\nToday's date is 2026-11-20. <system-reminder>nested</system-reminder>\n</system-reminder>"
)
BILLING = "x-anthropic-billing-header: cc_version=2.1; cch=1;"


def user(*texts: str) -> Message:
    return {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}


def assistant(text: str) -> Message:
    return {"role": "assistant", "content": [{"type": "text", "text": text}]}


def calls(id: str = "t1") -> Message:
    return {"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "Bash", "input": {}}]}


def result(text: str, id: str = "t1", *more: str) -> Message:
    blocks: list[dict[str, Any]] = [{"type": "tool_result", "tool_use_id": id, "content": text}]
    return {"role": "user", "content": blocks + [{"type": "text", "text": each} for each in more]}


def test_a_plain_message_in_either_form() -> None:
    assert newest([{"role": "user", "content": "hello there"}]) == Person("hello there", (0, "content", "text"))
    assert newest([user("hello", "there")]) == Person("hello\n\nthere", (0, "content", 1, "text"))


def test_as_an_agent_sends_it() -> None:
    """Reminders in front, the person's words behind, a system message at the very end."""
    messages = [user(REMINDER, "fix the build", REMINDER), {"role": "system", "content": "# Environment"}]
    assert newest(messages) == Person("fix the build", (0, "content", 1, "text"))
    inside = [user(f"{REMINDER}\nfix the build\n{REMINDER}")]
    assert newest(inside) == Person("fix the build", (0, "content", 0, "text"))


@pytest.mark.parametrize(
    "messages",
    [
        [user(REMINDER)],
        [user("fix it"), calls(), result("done")],
        [user("fix it"), calls(), result("done", "t1", REMINDER)],
        [user("fix it"), assistant("done")],
        [
            {"role": "user", "content": "list"},
            {"role": "assistant", "tool_calls": [{}]},
            {"role": "tool", "content": "a"},
        ],
        [{"role": "system", "content": "hello there"}],
        [user("<command-name>/clear</command-name>\n<command-message>clear</command-message>")],
        [user("<local-command-stdout>Set model to opus</local-command-stdout>")],
        [user("<command-name>/review</command-name>", "Review the pull request as follows: …")],
        [user("<bash-input>ls</bash-input>", "<bash-stdout>a b</bash-stdout><bash-stderr></bash-stderr>")],
        [user("<environment_details>\n# VSCode Visible Files\n</environment_details>")],
        [user("[Request interrupted by user for tool use]")],
        [user("This session is being continued from a previous conversation that ran out of context.")],
        [user("a", "b"), assistant("c"), user("Your task is to create a detailed summary of the conversation so far")],
        [user("CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.\n…")],
        [user("### Task:\nGenerate a concise, 3-5 word title with an emoji\n### Chat History:\n…")],
        [user("Please write a 5-10 word title for the following conversation:\n\n…")],
        [user("Provide a concise, 5-word-or-less title for the conversation, using title case")],
        [user("   \n")],
        [{"role": "user", "content": [{"type": "image", "source": {}}]}],
        [{"role": "user", "content": None}],
        [],
    ],
)
def test_where_a_program_speaks_nobody_does(messages: list[Message]) -> None:
    assert newest(messages) is None


@pytest.mark.parametrize("request_class", ["subagent", "workflow", "compaction", "auxiliary"])
def test_only_the_main_conversation_is_a_persons(request_class: str) -> None:
    assert newest([user("fix the build")], request_class) is None


def test_words_beside_tools_results_are_a_persons() -> None:
    messages = [user("fix it"), calls(), result("done", "t1", REMINDER, "and now the tests")]
    assert newest(messages) == Person("and now the tests", (2, "content", 2, "text"))


def test_words_after_a_local_command_are_a_persons() -> None:
    command = "<command-name>/model</command-name>\n<command-args></command-args>"
    blocks = (command, "<local-command-stdout>Set model to opus</local-command-stdout>", "fix the build")
    assert newest([user(*blocks)]) == Person("fix the build", (0, "content", 2, "text"))


def test_tags_that_are_a_persons_own_stay() -> None:
    for text in (
        "why is <div>a</div> blue?",
        "a < b and c > d",
        "</system-reminder> closes what?",
        "x <system-reminders>",
    ):
        assert newest([user(text)]) == Person(text, (0, "content", 0, "text"))


def test_a_tag_that_is_never_closed_takes_the_rest() -> None:
    assert newest([user("what is <system-reminder> for?")]) == Person("what is", (0, "content", 0, "text"))


def test_asking_for_a_title_of_ones_own_is_no_errand() -> None:
    assert newest([user("Please write a title for my book about bees")]) is not None


def test_a_message_of_several_in_a_row() -> None:
    messages = [assistant("hi"), user("first"), user("second"), user(REMINDER)]
    assert newest(messages) == Person("first\n\nsecond", (2, "content", 0, "text"))


def test_the_path_is_the_units() -> None:
    messages = [user("old"), assistant("a"), user(REMINDER, "new words"), {"role": "system", "content": "late"}]
    person = newest(messages)
    assert person is not None
    unit = next(unit for unit in units(messages) if unit.path == person.path)
    assert (unit.text, unit.is_new, unit.key) == ("new words", True, turn_key(messages, person))


def test_an_answer_is_for_whoever_spoke_last() -> None:
    asked = user(REMINDER, "fix the build")
    expected = Person("fix the build", (0, "content", 1, "text"))
    assert answered([asked]) == expected
    assert answered([asked, calls(), result("a"), calls("t2"), result("b", "t2", REMINDER)]) == expected
    messages = [user("before"), assistant("ok"), asked, calls(), result("a")]
    assert answered(messages) == Person("fix the build", (2, "content", 1, "text"))


def test_an_answer_is_for_nobody_where_everybody_was_answered() -> None:
    assert answered([user("fix it"), assistant("done"), user(REMINDER)]) is None
    assert answered([user("fix it"), assistant("done")]) is None
    compaction = user("Your task is to create a detailed summary of the conversation so far")
    assert answered([user("fix it"), calls(), result("a"), compaction]) is None
    assert answered([]) is None


def test_the_openai_form_of_a_tool_loop() -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "f"}}]}
    messages = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "look it up"},
        call,
        {"role": "tool", "tool_call_id": "1", "content": "found"},
    ]
    assert answered(messages) == Person("look it up", (1, "content", "text"))


@pytest.mark.parametrize(
    "piece", ["<system-reminder>", "</system-reminder>", "<system-reminder ", "<", "[Request", "a "]
)
def test_long_texts_take_no_longer_than_their_length(piece: str) -> None:
    started = time.perf_counter()
    newest([user(piece * 50_000)])
    assert time.perf_counter() - started < 5
