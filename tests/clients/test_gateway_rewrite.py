"""Long tool output is shortened before it is first sent, once, and sent so for ever."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.clients.asking import Asking, text_of
from tests.clients.house import Guest
from tests.clients.texts import log_of, table_of
from tests.clients.world import CLAUDE, GPT
from tests.fakes.provider.fake import FakeProvider
from tests.fakes.provider.script import Text, Think, Tool

pytest_plugins = ("tests.clients.house_fixtures",)

RUN = {"name": "run", "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}}}
FUNCTION = {"type": "function", "function": {"name": "run", "parameters": RUN["input_schema"]}}
OFF = {"x-athena-compress": "off"}


@dataclass
class Agent:
    """An agent's session with Claude as agents have them: thinking on, a cache breakpoint that moves along, and all
    of the history in its own words each time."""

    asks: Asking
    talk: list[Any] = field(default_factory=lambda: [{"role": "user", "content": "Why does the kiln module fail?"}])
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(
        default_factory=lambda: {"model": CLAUDE, "tools": [RUN], "thinking": {"type": "adaptive"}, "max_tokens": 4000}
    )

    async def step(self, result: Callable[[], str], headers: Mapping[str, str] | None = None) -> Any:
        """One request; a tool call of its answer is answered with `result`."""
        answer = await self.asks.messages(self._marked(), {**self.headers, **(headers or {})}, **self.body)
        assert answer.status_code == 200, answer.text
        content = answer.json()["content"]
        self.talk.append({"role": "assistant", "content": content})
        calls = [block["id"] for block in content if block["type"] == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": id, "content": result()} for id in calls]
        self.talk += [{"role": "user", "content": results}] if results else []
        return answer

    def _marked(self) -> list[Any]:
        """With `cache_control` on the newest block alone, as Claude Code moves it."""
        *before, newest = self.talk
        content = newest["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        blocks = [*blocks[:-1], {**blocks[-1], "cache_control": {"type": "ephemeral"}}]
        return [*before, {**newest, "content": blocks}]


def numbered(lines: int = 300) -> Callable[[], str]:
    """Another log each time, that nobody has seen before."""
    return lambda: log_of(lines, f"kiln_{secrets.token_hex(3)}")


def results(fake: FakeProvider, at: int = -1) -> list[str]:
    """The tool results of a request as the provider got them."""
    found = []
    for message in fake.calls[at].body["messages"]:
        if message["role"] == "tool":
            found.append(message["content"])
        for block in message["content"] if isinstance(message["content"], list) else ():
            if block.get("type") == "tool_result":
                content = block["content"]
                found.append(content if isinstance(content, str) else content[0]["text"])
    return found


def plan(guest: Guest, calls: int) -> None:
    for number in range(calls):
        guest.world.anthropic.script(Think(f"Step {number}."), Tool("run", {"command": f"make {number}"}))


async def test_shortened_once_and_replayed_byte_for_byte(guest: Guest) -> None:
    """Claude binds its thinking to every byte before it, and caches by exact prefix: both hold over five turns."""
    fake, agent = guest.world.anthropic, Agent(guest.asks)
    plan(guest, 4)
    routes = [(await agent.step(numbered())).headers["x-athena-route"] for _ in range(5)]
    assert "compressed" not in routes[0]
    assert all("compressed" in route for route in routes[1:])
    originals = [block["content"] for message in agent.talk for block in message["content"] if "tool_use_id" in block]
    sent = [results(fake, at) for at in range(5)]
    for turn, shortened in enumerate(sent):
        assert len(shortened) == turn
        assert shortened == sent[-1][:turn]
    for original, shorter in zip(originals, sent[-1], strict=True):
        assert len(shorter) < 0.7 * len(original)
        assert "undefined symbol" in shorter
    # All that was sent before is read from the cache, but for what is less than it takes.
    bills = fake.bills
    assert [bill.cached > 0 for bill in bills] == [False, False, True, True, True]
    for before, after in itertools.pairwise(bills[1:]):
        assert after.cached == before.cached + before.written
    rows = await guest.house.used(guest.name, 5)
    assert rows[-1]["tokens_saved"] > 0
    assert rows[-1]["saved_compression"] > 0


async def test_another_process_replays_the_same(guest: Guest) -> None:
    fake, agent = guest.world.anthropic, Agent(guest.asks)
    plan(guest, 2)
    for _ in range(2):
        await agent.step(numbered())
    async with guest.house.replica() as url:
        agent.asks = guest.asking(url, authorization=f"Bearer {guest.key}")
        await agent.step(numbered())
        await agent.asks.close()
    assert results(fake)[:1] == results(fake, -2)
    assert fake.bills[-1].cached > 0


@pytest.mark.parametrize("stream", [False, True])
async def test_an_openai_clients_tool_output(guest: Guest, stream: bool) -> None:
    fake = guest.world.openai
    talk: list[Any] = [{"role": "user", "content": "Why does the kiln module fail?"}]
    fake.script(Tool("run", {"command": "make"}, id="call_1"))
    assert (await guest.asks.chat(talk, tools=[FUNCTION])).status_code == 200
    call = {"id": "call_1", "type": "function", "function": {"name": "run", "arguments": '{"command":"make"}'}}
    log = numbered()()
    talk += [{"role": "assistant", "content": None, "tool_calls": [call]}]
    talk += [{"role": "tool", "tool_call_id": "call_1", "content": log}]
    answer = await guest.asks.chat(talk, tools=[FUNCTION], stream=stream)
    assert "compressed" in answer.headers["x-athena-route"]
    talk += [{"role": "assistant", "content": text_of(answer)}, {"role": "user", "content": "Thanks. And now?"}]
    await guest.asks.chat(talk, tools=[FUNCTION], stream=stream)
    assert len(results(fake)[0]) < 0.7 * len(log)
    assert results(fake) == results(fake, -2)
    # The original can be had by whoever sent it.
    assert fake.calls[-1].body["messages"][1]["tool_calls"] == [call]


async def test_what_a_file_holds_is_left_alone(guest: Guest) -> None:
    """An agent edits what it has read by exact match."""
    tools = [{**RUN, "name": "Read"}]
    agent = Agent(guest.asks, body={"model": CLAUDE, "tools": tools, "max_tokens": 4000})
    guest.world.anthropic.script(Tool("Read", {"command": "a.py"}))
    source = "".join(f"def step_{at}(value: int) -> int:\n    return value + {at}\n\n\n" for at in range(200))
    await agent.step(lambda: source)
    await agent.step(lambda: source)
    assert results(guest.world.anthropic) == [source]


async def test_off_by_request_for_new_texts_alone(guest: Guest) -> None:
    fake, agent = guest.world.anthropic, Agent(guest.asks)
    plan(guest, 3)
    await agent.step(numbered())
    await agent.step(numbered())
    await agent.step(numbered(), OFF)
    before, left = results(fake, -2), results(fake)
    assert left[0] == before[0]
    assert len(left[1].splitlines()) == 300
    # What went out whole stays whole when it is on again.
    await agent.step(numbered())
    assert results(fake)[:2] == left
    assert len(results(fake)[2].splitlines()) < 300


@pytest.mark.parametrize("where", ["key", "project"])
async def test_off_by_key_and_by_project(guest: Guest, where: str) -> None:
    project = f"mill-{secrets.token_hex(3)}"
    path = f"keys/{guest.name}" if where == "key" else f"projects/{project}"
    await guest.asks.patch(f"/api/v1/preferences/{path}", {"compress": False})
    agent = Agent(guest.asks, headers={"x-athena-project": project})
    plan(guest, 1)
    await agent.step(numbered())
    answer = await agent.step(numbered())
    assert "compressed" not in answer.headers["x-athena-route"]
    assert len(results(guest.world.anthropic)[0].splitlines()) == 300
    # The request's own word goes first.
    on = Agent(guest.asks, headers={"x-athena-project": project, "x-athena-compress": "on"})
    plan(guest, 1)
    await on.step(numbered())
    assert "compressed" in (await on.step(numbered())).headers["x-athena-route"]


async def test_counting_agrees_with_what_is_billed(guest: Guest) -> None:
    """Before it is sent, when nothing has been decided yet, and afterwards."""
    fake, agent = guest.world.anthropic, Agent(guest.asks)
    plan(guest, 1)
    await agent.step(lambda: table_of(200))
    body = {name: value for name, value in agent.body.items() if name != "max_tokens"}
    counted = await guest.asks.count(agent.talk, **body)
    plain = await guest.asks.count(agent.talk, OFF, **body)
    assert counted < plain
    fake.script(Text("The symbol is missing."))
    answer = await agent.step(numbered())
    bill = fake.bills[-1]
    assert counted == bill.input + bill.cached + bill.written
    assert text_of(answer) == "The symbol is missing."
    assert not [seen for seen in fake.seen if seen.status != 200]


async def test_counting_for_other_models(guest: Guest) -> None:
    """By the local server exactly; where nobody can be asked, an estimate that says so."""
    said = "A question about kilns. " * 20
    short, long = await guest.asks.count("Hi", model="local"), await guest.asks.count(said, model="local")
    assert 0 < short < long
    answer = await guest.asks.http.post(
        "/v1/messages/count_tokens", json={"model": GPT, "messages": [{"role": "user", "content": said}]}
    )
    assert answer.headers["x-athena-estimated"] == "true"
    assert 80 < answer.json()["input_tokens"] < 200
