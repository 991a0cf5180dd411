"""Conversations for Anthropic: each rule on an example."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from athena.errors import InvalidInput
from athena.gateway.translate import to_anthropic
from athena.gateway.translate.errors import CannotCarry
from tests.unit.openai_talk import PIXEL, asked, call, claude, unmarked, user

Json = Any
PDF = base64.b64encode(b"%PDF-1.4").decode()


def sent(*messages: Json, model: str = "claude-sonnet-5-5", signatures: Json = None) -> Json:
    return unmarked(to_anthropic.request(asked(*messages), claude(model), signatures or {}))


def spoken(*messages: Json, model: str = "claude-sonnet-5-5", signatures: Json = None) -> list[tuple[str, Json]]:
    """Each message's role and content; a single text plainly."""
    return [
        (message["role"], _plain(message["content"]))
        for message in sent(*messages, model=model, signatures=signatures)["messages"]
    ]


def _plain(content: Json) -> Json:
    return content[0]["text"] if len(content) == 1 and content[0]["type"] == "text" else content


def text(words: str) -> Json:
    return {"type": "text", "text": words}


def system(words: str) -> Json:
    return {"role": "system", "content": words}


def assistant(content: Json = None, *calls: Json) -> Json:
    return {"role": "assistant", "content": content, **({"tool_calls": list(calls)} if calls else {})}


def tool(id: str, content: Json = "done") -> Json:
    return {"role": "tool", "tool_call_id": id, "content": content}


def test_system_and_developer_messages_in_front_are_the_system_prompt():
    request = sent(system("Be kind."), {"role": "developer", "content": [text("Be"), text("brief.")]}, user())
    assert request["system"] == [text("Be kind."), text("Be"), text("brief.")]
    assert [message["role"] for message in request["messages"]] == ["user"]


def test_a_late_system_message_stays_where_anthropic_takes_it():
    assert spoken(user("a"), system("b"), system("c")) == [("user", "a"), ("system", [text("b"), text("c")])]
    assert [role for role, _ in spoken(user("a"), system("b"), assistant("c"), user("d"))] == [
        "user",
        "system",
        "assistant",
        "user",
    ]


@pytest.mark.parametrize("model", ["claude-sonnet-4-6", "claude-sonnet-5", "kimi-k3"])
def test_a_model_without_late_system_messages_gets_a_reminder_in_their_place(model: str):
    reminder = "<system-reminder>\nb\n</system-reminder>"
    assert spoken(user("a"), system("b"), model=model) == [("user", [text("a"), text(reminder)])]


def test_a_system_message_between_an_answer_and_a_user_is_a_reminder_since_anthropic_takes_none_there():
    reminder = "<system-reminder>\nb\n</system-reminder>"
    assert spoken(user("a"), assistant("x"), system("b"), user("c"))[2:] == [("user", [text(reminder), text("c")])]
    assert spoken(user("a"), system("b"), user("c")) == [("user", [text("a"), text(reminder), text("c")])]


def test_results_of_tools_are_one_message_and_come_first():
    conversation = spoken(
        user("a"),
        assistant("Let me see.", call("one", "f", '{"x": 1}'), call("two", "g")),
        tool("one", "1"),
        user("hurry"),
        tool("two", "2"),
    )
    assert conversation[1] == (
        "assistant",
        [
            text("Let me see."),
            {"type": "tool_use", "id": "one", "name": "f", "input": {"x": 1}},
            {"type": "tool_use", "id": "two", "name": "g", "input": {}},
        ],
    )
    assert conversation[2] == (
        "user",
        [
            {"type": "tool_result", "tool_use_id": "one", "content": "1"},
            {"type": "tool_result", "tool_use_id": "two", "content": "2"},
            text("hurry"),
        ],
    )


def test_ids_that_anthropic_refuses_and_ids_that_come_again_are_replaced_on_both_sides():
    conversation = spoken(
        user("a"),
        assistant(None, call("functions.f:0", "f")),
        tool("functions.f:0"),
        assistant(None, call("call_0", "f")),
        tool("call_0"),
        assistant(None, call("call_0", "f")),
        tool("call_0"),
    )
    used = [content[0]["id"] for role, content in conversation if role == "assistant"]
    answered = [content[0]["tool_use_id"] for role, content in conversation[1:] if role == "user"]
    assert used == answered
    assert len(set(used)) == 3
    assert used[1] == "call_0", "what Anthropic takes stays"
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]+", id) for id in used)


def test_calls_without_ids_are_answered_in_order():
    conversation = spoken(
        user("a"),
        assistant(None, call(None, "f"), call(None, "g")),
        {"role": "tool", "content": "of f"},
        {"role": "tool", "content": "of g"},
    )
    ids = [block["id"] for block in conversation[1][1]]
    assert [(block["tool_use_id"], block["content"]) for block in conversation[2][1]] == [
        (ids[0], "of f"),
        (ids[1], "of g"),
    ]


def test_the_old_form_of_functions_is_a_tool_call():
    conversation = spoken(
        user("a"),
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"x": 1}'}},
        {"role": "function", "name": "f", "content": "1"},
    )
    assert conversation[1][1][0]["input"] == {"x": 1}
    assert conversation[2][1][0]["tool_use_id"] == conversation[1][1][0]["id"]


@pytest.mark.parametrize("arguments", ['{"x": ', "[1]", "no", '"{}"'])
def test_arguments_that_are_no_json_object_are_kept_as_they_were_written(arguments: str):
    conversation = spoken(user("a"), assistant(None, call("one", "f", arguments)), tool("one", "what?"))
    assert conversation[1][1][0]["input"] == {"malformed_arguments": arguments}


@pytest.mark.parametrize("arguments", ["", " ", None])
def test_no_arguments_are_an_empty_object(arguments: Json):
    conversation = spoken(user("a"), assistant(None, call("one", "f", arguments)), tool("one"))
    assert conversation[1][1][0]["input"] == {}


def test_a_result_nobody_asked_for_is_the_clients_mistake():
    with pytest.raises(InvalidInput, match=r"messages\[1\].tool_call_id: .*'x'"):
        spoken(user("a"), tool("x"))


def test_results_hold_images_and_an_empty_one_holds_nothing():
    picture = {"type": "image_url", "image_url": {"url": f"data:image/jpg;base64,{PIXEL}"}}
    conversation = spoken(
        user("a"),
        assistant(None, call("one", "f"), call("two", "f")),
        tool("one", [text("seen"), picture]),
        tool("two", ""),
    )
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": PIXEL}}
    assert conversation[2][1] == [
        {"type": "tool_result", "tool_use_id": "one", "content": [text("seen"), image]},
        {"type": "tool_result", "tool_use_id": "two"},
    ]


def test_pictures_and_documents_of_a_user():
    notes = base64.b64encode("Größe".encode()).decode()
    conversation = spoken(
        user(
            [
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "high"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
                {"type": "file", "file": {"filename": "b.PDF", "file_data": PDF}},
                {"type": "file", "file": {"filename": "c.md", "file_data": notes}},
                text("What is this?"),
            ]
        )
    )
    pdf = {"type": "base64", "media_type": "application/pdf", "data": PDF}
    assert conversation[0][1] == [
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {"type": "document", "source": pdf, "title": "a.pdf"},
        {"type": "document", "source": pdf, "title": "b.PDF"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Größe"}, "title": "c.md"},
        text("What is this?"),
    ]


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}, "messages[0].content[0].type"),
        ({"type": "file", "file": {"file_id": "file-1"}}, "messages[0].content[0].file"),
        ({"type": "file", "file": {"filename": "a.docx", "file_data": PDF}}, "messages[0].content[0].file.file_data"),
        (
            {"type": "image_url", "image_url": {"url": "data:image/tiff;base64,AA=="}},
            "messages[0].content[0].image_url.url",
        ),
        ({"type": "image_url", "image_url": {"url": "data:image/png,%89"}}, "messages[0].content[0].image_url.url"),
        ({"type": "video_url", "video_url": {"url": "https://example.org"}}, "messages[0].content[0].type"),
    ],
)
def test_what_anthropic_has_no_words_for_is_refused_by_its_place(part: Json, field: str):
    with pytest.raises(CannotCarry) as refused:
        spoken(user([part]))
    assert refused.value.field == field
    assert refused.value.code == "cannot_carry"


@pytest.mark.parametrize("role", ["system", "assistant"])
def test_pictures_stand_in_a_users_message_only(role: str):
    picture = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    with pytest.raises(CannotCarry, match=r"messages\[1\].content\[0\]"):
        spoken(user(), {"role": role, "content": [picture]})


def test_nothing_is_said_with_nothing_in_it():
    assert spoken(user("a"), assistant(""), user(" "), user([text("\n"), text("b")])) == [
        ("user", [text("a"), text("b")])
    ]


def test_a_refusal_is_what_the_assistant_said():
    assert spoken(user("a"), {"role": "assistant", "content": None, "refusal": "No."}, user("b"))[1] == (
        "assistant",
        "No.",
    )


def test_an_assistant_that_greets_is_introduced():
    conversation = spoken(assistant("How can I help?"), user("Sing."))
    assert [role for role, _ in conversation] == ["user", "assistant", "user"]
    assert conversation[0][1].startswith("<system-reminder>")


@pytest.mark.parametrize("messages", [[system("a")], [user(" ")], [system("a"), user("")]])
def test_without_a_user_there_is_nobody_to_answer(messages: list[Json]):
    with pytest.raises(CannotCarry, match="role user"):
        spoken(*messages)


def test_names_that_are_no_roles_are_the_clients_mistake():
    with pytest.raises(InvalidInput, match=r"messages\[1\].role: .*'critic'"):
        spoken(user(), {"role": "critic", "content": "Boo"})


# Thinking that is laid back into the message it came from.

THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "s1"}
LATER = {"type": "thinking", "thinking": "", "signature": "s2"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 1}}


def remembered(*content: Json, model: str = "claude-sonnet-5-5") -> Json:
    body = {"id": "msg_1", "content": list(content), "stop_reason": "tool_use", "usage": {}}
    return to_anthropic.answer(body, claude(model), "auto")[1]


def replayed(content: Json, signatures: Json, model: str = "claude-sonnet-5-5") -> Json:
    messages = (user("a"), assistant(content, call("toolu_1", "f", '{"x": 1}')), tool("toolu_1"))
    return sent(*messages, model=model, signatures=signatures)["messages"][1]["content"]


def test_thinking_between_texts_finds_its_place_again():
    signatures = remembered(THOUGHT, text("One."), LATER, text("Two."), USE)
    assert replayed("One.Two.", signatures) == [THOUGHT, text("One."), LATER, text("Two."), USE]


def test_what_is_remembered_holds_no_text_of_the_answer():
    signatures = remembered(THOUGHT, text("a secret"), USE)
    assert "a secret" not in str(signatures)
    assert list(signatures) == ["toolu_1"]


def test_of_a_message_that_the_client_changed_only_the_first_thinking_still_has_a_place():
    signatures = remembered(THOUGHT, text("One."), LATER, text("Two."), USE)
    assert replayed("One. Two.", signatures) == [THOUGHT, text("One. Two."), USE]


def test_thinking_behind_a_blank_text_is_left_out_since_blank_texts_cannot_be_sent():
    signatures = remembered(THOUGHT, text("\n"), LATER, USE)
    assert replayed("\n", signatures) == [THOUGHT, USE]


@pytest.mark.parametrize("kept", [{"toolu_1": {"thought_signature": "of Google"}}, {"toolu_1": "of nobody"}])
def test_what_another_provider_wanted_kept_says_nothing_to_anthropic(kept: Json):
    assert replayed("One.", kept) == [text("One."), USE]


def test_thinking_goes_back_to_nobody_but_the_model_that_thought():
    assert replayed("One.", remembered(THOUGHT, text("One."), USE), model="claude-opus-5-5") == [text("One."), USE]
