"""What a provider signed and the client's wire can't carry comes back to it: in a tool loop, after a restart too."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.clients.asking import Asking, events, text_of
from tests.clients.house import Guest, House
from tests.clients.world import CLAUDE
from tests.fakes.provider.script import Text, Think, Tool

pytest_plugins = ("tests.clients.house_fixtures",)

FLASH = "google/gemini-3.8-flash"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = {"name": "get_weather", "input_schema": SCHEMA}
FUNCTION = {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}
CALLS = (Tool("get_weather", {"city": "Rome"}), Tool("get_weather", {"city": "Paris"}))
streamed = pytest.mark.parametrize("stream", [False, True])


@dataclass
class Loop:
    """A conversation in the middle of a tool loop, as its client has it: without anything that it doesn't know.
    `headers` name its session."""

    wire: str
    model: str
    talk: list[Any]
    headers: dict[str, str] = field(default_factory=lambda: {"x-athena-session": f"s-{secrets.token_hex(6)}"})

    async def step(self, asks: Asking, *, stream: bool = False) -> Any:
        """One request. The calls of its answer are answered with `rain`, and the conversation can go on."""
        if self.wire == "openai":
            answer = await asks.chat(self.talk, self.headers, model=self.model, tools=[FUNCTION], stream=stream)
            message = _chat_message(answer)
            self.talk.append(message)
            ids = [call["id"] for call in message.get("tool_calls", ())]
            self.talk += [{"role": "tool", "tool_call_id": id, "content": "rain"} for id in ids]
            return answer
        answer = await asks.messages(self.talk, self.headers, model=self.model, tools=[TOOL], stream=stream)
        blocks = _blocks(answer)
        self.talk.append({"role": "assistant", "content": blocks})
        ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": id, "content": "rain"} for id in ids]
        self.talk += [{"role": "user", "content": results}] if results else []
        return answer


def loop(wire: str, model: str) -> Loop:
    return Loop(wire, model, [{"role": "user", "content": "The weather in Rome and in Paris?"}])


@streamed
async def test_claudes_thinking_for_an_openai_client(guest: Guest, stream: bool) -> None:
    """Three steps of a loop: Claude refuses them if any thinking of it is missing or out of its place."""
    fake = guest.world.anthropic
    fake.script(Think("Two cities."), Text("I look."), *CALLS)
    fake.script(Think("Once more."), CALLS[0])
    fake.script(Text("It rains."))
    talking = loop("openai", CLAUDE)
    for _ in range(3):
        answer = await talking.step(guest.asks, stream=stream)
    assert text_of(answer) == "It rains."
    sent = fake.calls[-1].body["messages"]
    kinds = [[block["type"] for block in m["content"]] for m in sent if m["role"] == "assistant"]
    assert kinds == [["thinking", "text", "tool_use", "tool_use"], ["thinking", "tool_use"]]
    # The next turn of the person, on the same provider: still whole.
    talking.talk.append({"role": "user", "content": "And tomorrow?"})
    assert text_of(await talking.step(guest.asks, stream=stream)) == "Echo: And tomorrow?"


@streamed
@pytest.mark.parametrize("wire", ["anthropic", "openai"])
async def test_googles_thought_signatures(guest: Guest, wire: str, stream: bool) -> None:
    fake = guest.world.google
    fake.script(Text("I look."), *CALLS)
    fake.script(CALLS[1])
    fake.script(Text("It rains."))
    talking = loop(wire, FLASH)
    for _ in range(3):
        answer = await talking.step(guest.asks, stream=stream)
    assert text_of(answer) == "It rains."
    signed = [
        call for m in fake.calls[-1].body["messages"] for call in m.get("tool_calls", ()) if "extra_content" in call
    ]
    assert len(signed) == 2  # Google signs the first of parallel calls


@pytest.mark.parametrize("wire", ["anthropic", "openai"])
async def test_foreign_thinking_stays_where_it_was_thought(guest: Guest, wire: str) -> None:
    """A conversation moves from one provider to another and back: nobody sees what another one thought or signed."""
    world = guest.world
    talking = loop(wire, FLASH)
    world.google.script(CALLS[0])
    world.google.script(Text("It rains."))
    await talking.step(guest.asks)
    await talking.step(guest.asks)
    talking.talk.append({"role": "user", "content": "And what does Claude say?"})
    talking.model = CLAUDE
    world.anthropic.script(Think("Hm."), Text("The same."))
    assert text_of(await talking.step(guest.asks)) == "The same."
    assert "signature" not in str(world.anthropic.calls[-1].body)
    talking.talk.append({"role": "user", "content": "And Gemini?"})
    talking.model = FLASH
    assert text_of(await talking.step(guest.asks)) == "Echo: And Gemini?"
    assert "Hm." not in str(world.google.calls[-1].body)


async def test_another_key_finds_no_signature(guest: Guest) -> None:
    """They are their owner's: whoever knows a call's id alone gets the provider's refusal."""
    guest.world.google.script(CALLS[0])
    talking = loop("openai", FLASH)
    await talking.step(guest.asks)
    other = guest.asking(authorization=f"Bearer {guest.house.key(f'{guest.name}-other')}")
    answer = await other.chat(talking.talk, model=FLASH, tools=[FUNCTION])
    assert answer.status_code == 400
    assert "thought_signature" in answer.text


@dataclass
class Killed:
    """What was in the middle when the server was killed."""

    house: House
    key: str
    name: str
    loops: dict[str, Loop]
    request_ids: list[str]


@pytest.fixture(scope="module")
def before_the_kill() -> dict[str, Killed]:
    return {}


@pytest.fixture
async def killed(guest: Guest, before_the_kill: dict[str, Killed]) -> Killed:
    """Made by the first test that asks: the server is killed right behind the last byte of an answer."""
    if not before_the_kill:
        world = guest.world
        loops = {"claude": loop("openai", CLAUDE), "google": loop("openai", FLASH), "gemini": loop("anthropic", FLASH)}
        world.anthropic.script(Think("Two cities."), Text("I look."), *CALLS)
        world.google.script(*CALLS, times=2)
        answers = [await each.step(guest.asks, stream=True) for each in loops.values()]
        # Figures of a session are written within a second, and this test isn't about the last one.
        await guest.house.used(guest.name, 3)
        await guest.house.until("SELECT count(*) = 3 FROM gateway_session WHERE principal = $1", guest.name)
        last = await guest.asks.messages("One more", model=CLAUDE, stream=True)
        world.background.run(guest.house.kill())
        assert events(last)[-1]["type"] == "message_stop"
        world.background.run(guest.house.start(), timeout_s=90)
        ids = [answer.headers["x-athena-request-id"] for answer in (*answers, last)]
        before_the_kill["it"] = Killed(guest.house, guest.key, guest.name, loops, ids)
    return before_the_kill["it"]


async def test_no_answered_request_is_missing_after_a_kill(killed: Killed) -> None:
    rows = await killed.house.used(killed.name, 4)
    assert [row["request_id"] for row in rows] == killed.request_ids
    assert all(row["outcome"] == "ok" and row["tokens_output"] > 0 for row in rows)
    assert not list((killed.house.home / "athena" / "spool").glob("*.refused"))


@pytest.mark.parametrize(("name", "provider"), [("claude", "anthropic"), ("google", "google"), ("gemini", "google")])
async def test_a_loop_goes_on_after_a_kill(killed: Killed, guest: Guest, name: str, provider: str) -> None:
    asks = guest.asking(authorization=f"Bearer {killed.key}")
    fake: Any = getattr(guest.world, provider)
    fake.script(Text("It rains."))
    answer = await killed.loops[name].step(asks)
    assert text_of(answer) == "It rains."
    assert "tool-loop" in answer.headers["x-athena-route"]


def _chat_message(answer: Any) -> Any:
    """The assistant's message as an OpenAI client builds it, with what that client knows."""
    assert answer.status_code == 200, answer.text
    if not answer.headers["content-type"].startswith("text/event-stream"):
        message = answer.json()["choices"][0]["message"]
        calls = message.get("tool_calls") or []
    else:
        message, calls = {"content": ""}, []
        for event in events(answer):
            for choice in event["choices"] if isinstance(event, dict) else ():
                message["content"] += choice["delta"].get("content") or ""
                for part in choice["delta"].get("tool_calls") or ():
                    if part["index"] == len(calls):
                        calls.append(
                            {"id": part["id"], "function": {"name": part["function"]["name"], "arguments": ""}}
                        )
                    calls[part["index"]]["function"]["arguments"] += part["function"].get("arguments") or ""
    plain = [{"id": each["id"], "type": "function", "function": each["function"]} for each in calls]
    return {"role": "assistant", "content": message["content"], **({"tool_calls": plain} if plain else {})}


def _blocks(answer: Any) -> list[Any]:
    """The content as an Anthropic client builds it."""
    assert answer.status_code == 200, answer.text
    if not answer.headers["content-type"].startswith("text/event-stream"):
        content: list[Any] = answer.json()["content"]
        return content
    blocks: list[Any] = []
    for event in events(answer):
        if event["type"] == "content_block_start":
            blocks.append({**event["content_block"]})
        elif event["type"] == "content_block_delta":
            delta, block = event["delta"], blocks[event["index"]]
            match delta["type"]:
                case "text_delta":
                    block["text"] += delta["text"]
                case "thinking_delta":
                    block["thinking"] += delta["thinking"]
                case "signature_delta":
                    block["signature"] = delta["signature"]
                case "input_json_delta":
                    block["arguments"] = block.get("arguments", "") + delta["partial_json"]
    for block in blocks:
        if block["type"] == "tool_use":
            block["input"] = json.loads(block.pop("arguments", "") or "{}")
    return blocks
