"""Which model a conversation keeps, who may pin it, and that a tool loop ends where it began."""

from __future__ import annotations

import json
import secrets
from typing import Any
from urllib.parse import quote

from tests.clients.asking import text_of
from tests.clients.house import Guest
from tests.clients.world import CLAUDE, GPT
from tests.fakes.provider.script import Refuse, Tool

pytest_plugins = ("tests.clients.house_fixtures",)

FLASH = "google/gemini-3.8-flash"
WEATHER = {"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}


def said(answer: Any) -> dict[str, Any]:
    """A Claude's answer as the client sends it back."""
    assert answer.status_code == 200, answer.text
    return {"role": "assistant", "content": answer.json()["content"]}


def person(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def named(**more: str) -> dict[str, str]:
    """Headers of a session that nobody else has."""
    return {"x-athena-session": f"s-{secrets.token_hex(6)}", **more}


async def test_a_tier_stays_with_the_model_that_answered(guest: Guest) -> None:
    """The tier's first is back, but the conversation's history lies in the cache of the one that took its place."""
    headers = named()
    guest.world.anthropic.script(Refuse(529), times=3)
    first = await guest.asks.messages("Hello", headers, model="haiku")
    assert first.headers["x-athena-model"] == FLASH
    talk = [person("Hello"), said(first), person("And then?")]
    second = await guest.asks.messages(talk, headers, model="haiku")
    assert text_of(second)
    # "haiku" was named, and Flash isn't of that tier: what was asked for goes first again.
    assert second.headers["x-athena-model"] == "anthropic/claude-haiku-5-5"


async def test_auto_is_sticky(guest: Guest) -> None:
    """A strategic question lifts a conversation into the cloud; small talk afterwards doesn't pull it out."""
    headers = named()
    talk: list[Any] = [person("Hello")]
    first = await guest.asks.messages(talk, headers, model="auto", max_tokens=8)
    assert first.headers["x-athena-model"].startswith("local/")
    talk += [said(first), person("Develop our go-to-market strategy and pricing strategy with a roadmap.")]
    second = await guest.asks.messages(talk, headers, model="auto", max_tokens=400)
    assert second.headers["x-athena-model"] == "anthropic/claude-sonnet-5-5"
    assert "task=strategy" in second.headers["x-athena-route"]
    talk += [said(second), person("Thanks. What is the time?")]
    third = await guest.asks.messages(talk, headers, model="auto", max_tokens=400)
    assert third.headers["x-athena-model"] == "anthropic/claude-sonnet-5-5"
    assert "sticky" in third.headers["x-athena-route"]
    # Another conversation of the same client is another matter.
    other = await guest.asks.messages("What is the time?", named(), model="auto", max_tokens=8)
    assert other.headers["x-athena-model"].startswith("local/")


async def test_the_same_conversation_is_known_without_a_name(guest: Guest) -> None:
    """By how it begins, however the client spells that; and another client's isn't this one's."""
    start = f"Develop our go-to-market strategy, case {secrets.token_hex(4)}."
    first = await guest.asks.messages(start, model="auto")
    blocks = [{"type": "text", "text": start, "cache_control": {"type": "ephemeral"}}]
    talk = [{"role": "user", "content": blocks}, said(first), person("What is the time?")]
    again = await guest.asks.messages(talk, model="auto")
    assert "sticky" in again.headers["x-athena-route"]
    listed = (await guest.asks.get("/api/v1/sessions")).json()["sessions"]
    assert [(each["requests"], each["model"]) for each in listed] == [(2, "anthropic/claude-sonnet-5-5")]
    stranger = await guest.stranger.messages(talk, model="auto", max_tokens=8)
    assert stranger.headers["x-athena-model"].startswith("local/")


async def test_pinned_by_session(guest: Guest) -> None:
    headers = named()
    session = headers["x-athena-session"]
    pinned = await guest.asks.put(f"/api/v1/sessions/{session}", {"model": FLASH})
    assert pinned["pinned"] == FLASH
    for ask in (guest.asks.messages, guest.asks.chat):
        answer = await ask("Hello", headers)
        assert answer.headers["x-athena-model"] == FLASH
        assert "session-pin" in answer.headers["x-athena-route"]
    # What a client calls itself in its own way is the same session.
    own = {"metadata": {"user_id": json.dumps({"device_id": "d", "session_id": session})}}
    assert (await guest.asks.messages("Hello", **own)).headers["x-athena-model"] == FLASH
    await guest.asks.put(f"/api/v1/sessions/{session}", {"model": None})
    assert (await guest.asks.messages("Hello", headers)).headers["x-athena-model"] == f"anthropic/{CLAUDE}"
    # A pin is its owner's: another key's session of this name has none.
    await guest.asks.put(f"/api/v1/sessions/{session}", {"model": FLASH})
    own_key = {"x-api-key": "sk-ant-api03-own", **headers}
    assert (await guest.stranger.messages("Hi", own_key)).headers["x-athena-model"] == f"anthropic/{CLAUDE}"


async def test_a_pin_that_means_nothing_is_refused(guest: Guest) -> None:
    answer = await guest.asks.http.put("/api/v1/sessions/s-1", json={"model": "opuss"})
    assert answer.status_code == 400
    assert "did you mean opus" in answer.text


async def test_pinned_by_agent(guest: Guest) -> None:
    folder = guest.house.home / "athena" / "agents" / "accountant"
    folder.mkdir(parents=True)
    soul = folder / "SOUL.md"
    soul.write_text(f"---\nmodel: {FLASH}\nfallback: [openai/{GPT}]\n---\nYou count.\n")
    agent = {"x-athena-agent": "accountant"}
    answer = await guest.asks.messages("Hello", agent)
    assert answer.headers["x-athena-model"] == FLASH
    assert "agent-pin" in answer.headers["x-athena-route"]
    guest.world.google.script(Refuse(503), times=3)
    answer = await guest.asks.messages("Hello", agent)
    assert answer.headers["x-athena-model"] == f"openai/{GPT}"
    assert text_of(await guest.asks.messages("Well again", agent))
    # Saved, and felt with the next request.
    soul.write_text("---\nmodel: haiku\n---\n")
    answer = await guest.asks.messages("Hello", agent)
    assert answer.headers["x-athena-model"] == "anthropic/claude-haiku-5-5"
    # The request's own word goes before the session's, and that before the agent's.
    headers = named(**agent)
    await guest.asks.put(f"/api/v1/sessions/{headers['x-athena-session']}", {"model": FLASH})
    assert (await guest.asks.messages("Hello", headers)).headers["x-athena-model"] == FLASH
    headers["x-athena-model"] = f"openai/{GPT}"
    answer = await guest.asks.messages("Hello", headers)
    assert answer.headers["x-athena-model"] == f"openai/{GPT}"
    assert "request" in answer.headers["x-athena-route"]
    missing = await guest.asks.messages("Hello", {"x-athena-agent": "nobody"})
    assert missing.status_code == 400
    assert "accountant" in missing.json()["error"]["message"]


async def test_pinned_by_request(guest: Guest) -> None:
    answer = await guest.asks.chat("Hello", {"x-athena-model": "haiku"})
    assert answer.headers["x-athena-model"] == "anthropic/claude-haiku-5-5"
    unknown = await guest.asks.chat("Hello", {"x-athena-model": "haikuu"})
    assert unknown.status_code == 400
    assert "haiku" in unknown.json()["error"]["message"]


async def test_a_project_by_path(guest: Guest) -> None:
    """`/p/PROJECT` as base URL: the whole surface is there, for any name."""
    project = f"kitchen/büro & 100% Söhne {secrets.token_hex(3)}"
    base = f"/p/{quote(project, safe='')}/v1"
    for path, body in (
        ("messages", {"model": CLAUDE, "max_tokens": 100, "messages": [person("Hello")]}),
        ("chat/completions", {"model": GPT, "messages": [person("Hello")]}),
    ):
        answer = await guest.asks.http.post(f"{base}/{path}", json=body, headers={"anthropic-version": "2023-06-01"})
        assert answer.status_code == 200, answer.text
    assert (await guest.asks.get(f"{base}/models")).status_code == 200
    assert (await guest.asks.http.head(f"/p/{quote(project, safe='')}/")).status_code == 200
    rows = await guest.house.used(guest.name, 2)
    assert {row["project"] for row in rows} == {project}
    assert {seen.path for seen in guest.world.anthropic.calls} == {"/v1/messages"}


async def loop(guest: Guest, headers: dict[str, str], model: str, *, stream: bool = False) -> list[Any]:
    """The messages of a conversation on Anthropic's surface that stops in the middle of a tool loop."""
    first = await guest.asks.messages("The weather in Rome?", headers, model=model, tools=[WEATHER], stream=False)
    call = next(block for block in first.json()["content"] if block["type"] == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "rain"}
    return [person("The weather in Rome?"), said(first), {"role": "user", "content": [result]}]


async def test_inside_a_tool_loop_the_provider_stays(guest: Guest) -> None:
    """Whoever pins or names another model in the middle: it waits for the person's next turn."""
    headers = named()
    guest.world.google.script(Tool("get_weather", {"city": "Rome"}))
    talk = await loop(guest, headers, FLASH)
    await guest.asks.put(f"/api/v1/sessions/{headers['x-athena-session']}", {"model": CLAUDE})
    answer = await guest.asks.messages(talk, headers, model=CLAUDE, tools=[WEATHER])
    assert answer.headers["x-athena-model"] == FLASH
    assert "tool-loop" in answer.headers["x-athena-route"]
    talk += [said(answer), person("And tomorrow?")]
    answer = await guest.asks.messages(talk, headers, model=CLAUDE, tools=[WEATHER])
    assert answer.headers["x-athena-model"] == f"anthropic/{CLAUDE}"


async def test_a_loop_whose_provider_is_away_fails_clearly(guest: Guest) -> None:
    headers = named()
    guest.world.google.script(Tool("get_weather", {"city": "Rome"}))
    talk = await loop(guest, headers, FLASH)
    guest.world.google.script(Refuse(503), times=9)
    answer = await guest.asks.messages(talk, headers, model=FLASH, tools=[WEATHER])
    assert answer.status_code in (503, 529), answer.text
    assert not guest.world.anthropic.calls
    guest.world.google.forget()
    assert text_of(await guest.asks.messages(talk, headers, model=FLASH, tools=[WEATHER]))
