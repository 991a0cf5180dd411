"""A window that is too small: a larger model, a clear error, or, where it is tiny, the newest turns; never silence."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.clients.asking import Asking, text_of
from tests.clients.house import CONTEXT, Guest
from tests.clients.texts import log_of
from tests.clients.world import CLAUDE
from tests.fakes.llama_server import llama_server
from tests.fakes.tiny_tool_caller import tiny_tool_caller

pytest_plugins = ("tests.clients.house_fixtures",)

SMALL = 2048
OFF = {"x-athena-compress": "off"}
# Of letters and digits at random each character is about a token of the tiny model.
TOO_LONG = "".join(secrets.token_hex(32) + " " for _ in range(500))
surfaces = pytest.mark.parametrize("surface", ["messages", "chat"])


def ask(asks: Asking, surface: str) -> Any:
    return asks.messages if surface == "messages" else asks.chat


@surfaces
@pytest.mark.parametrize("model", ["local", "auto"])
async def test_a_larger_model_takes_over(guest: Guest, surface: str, model: str) -> None:
    """Counted by the local server before anything is sent."""
    answer = await ask(guest.asks, surface)(TOO_LONG, OFF, model=model, max_tokens=100)
    assert text_of(answer)
    assert answer.headers["x-athena-model"] == "anthropic/claude-haiku-5-5"
    assert TOO_LONG in guest.world.anthropic.calls[-1].raw.decode()
    assert "local/" in answer.headers["x-athena-route"]


@surfaces
@pytest.mark.parametrize("stream", [False, True])
async def test_without_a_credential_it_fails_clearly(guest: Guest, surface: str, stream: bool) -> None:
    answer = await ask(guest.stranger, surface)(TOO_LONG, OFF, model="local", max_tokens=100, stream=stream)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    # The wording that clients shorten conversations by.
    assert "prompt is too long" in error["message"]
    assert f"{CONTEXT - 100} maximum" in error["message"] or f"{CONTEXT} maximum" in error["message"]


async def test_the_providers_own_word_on_its_window(guest: Guest) -> None:
    """A Claude that is too small: a larger one above it with an Athena key, its own error with the client's key."""
    world = guest.world
    world.anthropic.windows["claude-haiku-5-5"] = 1000
    said = "word " * 2000
    answer = await guest.asks.messages(said, OFF, model="haiku")
    assert text_of(answer)
    assert answer.headers["x-athena-model"].startswith("google/")
    own = await guest.stranger.messages(said, {**OFF, "x-api-key": "sk-ant-api03-own"}, model="claude-haiku-5-5")
    assert own.status_code == 400
    assert own.json()["error"]["message"].startswith("prompt is too long: ")


async def test_a_large_window_is_never_trimmed(guest: Guest) -> None:
    """Claude says that it is too much, and hears of every message."""
    guest.world.anthropic.windows[CLAUDE] = 3000
    talk = [{"role": role, "content": f"{at} " + "word " * 400} for at in range(10) for role in ("user", "assistant")][
        :-1
    ]
    own = {**OFF, "x-api-key": "sk-ant-api03-own"}
    answer = await guest.stranger.messages(talk, own)
    assert answer.status_code == 400
    assert len(guest.world.anthropic.calls[-1].body["messages"]) == len(talk)


@pytest.fixture
async def small(guest: Guest) -> AsyncIterator[Asking]:
    """Athena with a local model of a tiny window, asked without a key: no other model may answer."""
    model = tiny_tool_caller(guest.house.home / "models", CONTEXT)
    async with (
        llama_server(model, SMALL, "reasoning") as url,
        guest.house.replica(LLAMACPP_REASONING_URL=url) as athena,
    ):
        asks = guest.asking(athena)
        yield asks
        await asks.close()


async def test_a_tiny_window_is_trimmed_aloud(small: Asking) -> None:
    """The system's text and the newest turns are kept, and the answer says what wasn't."""
    talk: list[Any] = []
    for at in range(30):
        talk += [
            {"role": "user", "content": f"{at}: {secrets.token_hex(40)}"},
            {"role": "assistant", "content": "Yes."},
        ]
    talk.append({"role": "user", "content": "What did I say last?"})
    short = await small.messages(talk[-3:], OFF, model="local", max_tokens=8, system="Be brief.")
    assert short.status_code == 200
    assert "trimmed" not in short.headers["x-athena-route"]
    for answer in (
        await small.messages(talk, OFF, model="local", max_tokens=8, system="Be brief."),
        await small.messages(talk, OFF, model="local", max_tokens=8, system="Be brief.", stream=True),
        await small.chat([{"role": "system", "content": "Be brief."}, *talk], OFF, model="local", max_tokens=8),
    ):
        assert answer.status_code == 200, answer.text
        assert "trimmed: " in answer.headers["x-athena-route"]
        assert f"window of {SMALL}" in answer.headers["x-athena-route"]
    counted = await small.count(talk, OFF, model="local", system="Be brief.")
    assert counted > SMALL


async def test_a_newest_turn_that_is_too_long_fails_clearly(small: Asking) -> None:
    answer = await small.messages(TOO_LONG, OFF, model="local", max_tokens=8)
    assert answer.status_code == 400
    assert "prompt is too long" in answer.json()["error"]["message"]


async def test_what_was_shortened_counts_as_it_is_sent(guest: Guest) -> None:
    """A log that is too long for the local model as it is fits once it has been shortened."""
    log = log_of(320)
    talk: list[Any] = [{"role": "user", "content": "Why does it fail?"}]
    talk.append({"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "run", "input": {}}]})
    talk.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": log}]})
    tools = [{"name": "run", "input_schema": {"type": "object"}}]
    whole = await guest.asks.count(talk, OFF, model="local", tools=tools)
    shortened = await guest.asks.count(talk, model="local", tools=tools)
    assert shortened < CONTEXT < whole
    answer = await guest.asks.messages(talk, model="local", tools=tools, max_tokens=8)
    assert answer.headers["x-athena-model"].startswith("local/"), answer.headers["x-athena-route"]
