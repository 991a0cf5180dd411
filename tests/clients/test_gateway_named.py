"""What a client names, and what it leaves open, are two things."""

from __future__ import annotations

import secrets

import pytest

from tests.clients.house import Guest
from tests.clients.world import CLAUDE
from tests.fakes.provider.script import Refuse

pytest_plugins = ("tests.clients.house_fixtures",)


@pytest.mark.parametrize("name", ["gpt-4o", "gpt-5.6-sol"])
async def test_a_model_that_its_provider_does_not_have_is_answered_by_no_other(guest: Guest, name: str) -> None:
    guest.world.openai.script(Refuse(404, f"The model `{name}` does not exist"))
    answer = await guest.asks.chat("hello", model=name)
    assert (answer.status_code, answer.headers["x-athena-model"]) == (404, f"openai/{name}")
    assert "does not exist" in answer.json()["error"]["message"]
    assert not guest.world.anthropic.calls


async def test_a_fallback_says_why(guest: Guest) -> None:
    sonnet = "claude-sonnet-5-5"
    guest.world.anthropic.script(Refuse(403, "Not for you"), model=sonnet)
    answer = await guest.asks.messages("hello", model=sonnet)
    assert answer.status_code == 200, answer.text
    assert f"fallback from anthropic/{sonnet} (403: Not for you)" in answer.headers["x-athena-route"]


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
async def test_agents_are_told_not_to_ask_again(guest: Guest, path: str) -> None:
    wrong = guest.asking(authorization=f"Bearer ath_{'x' * 43}")
    body = {"model": CLAUDE, "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    refused = await wrong.http.post(path, json=body)
    assert (refused.status_code, refused.headers["x-should-retry"]) == (401, "false")
    nobody = await guest.stranger.http.post(path, json=body)
    assert (nobody.status_code, nobody.headers["x-should-retry"]) == (401, "false")


async def test_one_request_by_name_does_not_choose_for_those_that_leave_it_open(guest: Guest) -> None:
    said = f"Translate: good morning {secrets.token_hex(4)}"
    first = await guest.asks.messages(said, model="auto", max_tokens=8)
    named = await guest.asks.messages(said, model=CLAUDE)
    again = await guest.asks.messages(said, model="auto", max_tokens=8)
    assert named.headers["x-athena-model"] == f"anthropic/{CLAUDE}"
    assert again.headers["x-athena-model"] == first.headers["x-athena-model"]
    assert "sticky" not in again.headers["x-athena-route"]


async def test_keyless_callers_have_conversations_of_their_own(guest: Guest) -> None:
    said = f"Say good morning {secrets.token_hex(4)}"
    owner = guest.asking(authorization="Bearer sk-ant-api03-own-0123456789")
    assert (await owner.messages(said, model=CLAUDE)).status_code == 200
    free = await guest.stranger.messages(said, model="auto", max_tokens=8)
    assert free.status_code == 200, free.text
    assert free.headers["x-athena-model"].startswith("local/")
