"""Which conversation a request belongs to: named, the client's own, or known by how it begins."""

from __future__ import annotations

import copy
import json
import random
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.errors import InvalidInput
from athena.gateway.sessions.identity import identify, strand

ID = "0b6f0f5e-7f4c-4d7e-9a53-1f2b8c9d0e1f"


def anthropic(*texts: str, system: Any = "be kind", **more: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    messages = [
        {"role": roles[n % 2], "content": [{"type": "text", "text": text}]}
        for n, text in enumerate(texts or ("hello",))
    ]
    return {"model": "m", "system": system, "messages": messages, **more}


def test_what_names_a_session_goes_before_what_would_be_guessed() -> None:
    body = anthropic(metadata={"user_id": json.dumps({"device_id": "d", "session_id": ID})})
    claude = {"x-claude-code-session-id": "from-header"}
    assert identify({**claude, "x-athena-session": "mine/1"}, body) == "mine/1"
    assert identify(claude, body) == "from-header"
    assert identify({}, body) == ID
    assert identify({"x-openwebui-chat-id": "chat"}, anthropic()) == "chat"
    assert identify({}, anthropic(metadata={"user_id": f"user_ab12_account__session_{ID}"})) == ID
    assert identify({}, anthropic(metadata={"session_id": "s"})) == "s"
    assert identify({}, anthropic(prompt_cache_key=f"thread_{ID}")) == f"thread_{ID}"


@pytest.mark.parametrize("named", ["", " ", "~beside", "two words", "a\x00b", "ä", "x" * 257])
def test_a_name_that_cannot_be_kept_is_refused(named: str) -> None:
    with pytest.raises(InvalidInput, match="x-athena-session"):
        identify({"x-athena-session": named}, anthropic())


@pytest.mark.parametrize("own", ["two words", "~beside", "y" * 300, "süß", "\ud800"])
def test_a_clients_id_that_cannot_be_kept_is_kept_as_its_hash(own: str) -> None:
    id = identify({}, anthropic(metadata={"session_id": own}))
    assert id.startswith("c-")
    assert id == identify({}, anthropic("other", metadata={"session_id": own}))
    assert id != identify({}, anthropic(metadata={"session_id": own + "!"}))


@pytest.mark.parametrize(
    "user_id", [None, 3, "", "someone", "{", "[1]", '{"session_id": 3}', '{"session_id": null}', "{" * 100_000]
)
def test_what_is_no_session_is_not_taken_for_one(user_id: Any) -> None:
    assert identify({}, anthropic(metadata={"user_id": user_id})).startswith("c-")


def test_a_cache_key_of_a_whole_application_is_no_session() -> None:
    first = identify({}, anthropic("one", prompt_cache_key="support-bot"))
    assert first != identify({}, anthropic("two", prompt_cache_key="support-bot"))
    assert first != identify({}, anthropic("one", prompt_cache_key="sales-bot"))


def test_a_conversation_is_known_by_how_it_begins() -> None:
    body = anthropic("hello", "hi", "how are you?")
    id = identify({}, anthropic("hello"))
    assert id == identify({}, body)
    assert id == identify({}, {**body, "model": "other", "stream": True, "tools": [1], "max_tokens": 3})
    assert id != identify({}, anthropic("hello!"))
    assert id != identify({}, anthropic("hello", system="be brief"))
    assert id != identify({}, {**anthropic("hello"), "user": "ada"})


def test_the_billing_header_and_cache_control_make_no_other_session() -> None:
    billing = {"type": "text", "text": f"x-anthropic-billing-header: cch={uuid.uuid4()}"}
    system = [billing, {"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral"}}]
    assert identify({}, anthropic(system=system)) == identify({}, anthropic(system="be kind"))


def test_the_openai_form_counts_what_comes_before_the_first_word() -> None:
    def chat(system: str, *texts: str) -> dict[str, Any]:
        said = [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(texts)]
        return {"model": "m", "messages": [{"role": "developer", "content": system}, *said]}

    assert identify({}, chat("s", "a")) == identify({}, chat("s", "a", "b", "c"))
    assert identify({}, chat("s", "a")) != identify({}, chat("t", "a"))


@given(st.text(max_size=50), st.lists(st.text(max_size=20), max_size=6), st.randoms(use_true_random=False))
def test_it_stays_the_same_from_turn_to_turn_in_whatever_form(first: str, rest: list[str], dice: random.Random) -> None:
    body = anthropic(first, *rest)
    before = copy.deepcopy(body)
    id = identify({}, body)
    assert body == before
    assert 1 <= len(id) <= 256
    for end in range(1, len(body["messages"]) + 1):
        shorter = copy.deepcopy({**body, "messages": body["messages"][:end]})
        for message in shorter["messages"]:
            if dice.random() < 0.5:
                message["content"] = message["content"][0]["text"]
            elif dice.random() < 0.5:
                message["content"][0]["cache_control"] = {"type": "ephemeral"}
        assert identify({}, shorter) == id


def test_what_runs_beside_a_session_is_told_from_it() -> None:
    body = anthropic("look for it", metadata={"session_id": "s"})
    assert strand(body) == strand(anthropic("look for it", "found", "more"))
    assert strand(body) != strand(anthropic("look for something else"))
    with pytest.raises(InvalidInput):
        identify({"x-athena-session": strand(body)}, body)


def test_half_of_a_surrogate_pair_is_no_obstacle() -> None:
    assert identify({}, anthropic("cut \ud83d")) != identify({}, anthropic("cut \ud83e"))
