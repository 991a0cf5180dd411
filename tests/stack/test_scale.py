"""Several Athenas behind one port: it doesn't matter which one is asked, and which one goes."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from athena.store.migrate import available
from tests.clients.asking import Asking, events, text_of
from tests.clients.world import CLAUDE
from tests.fakes.anthropic_api import FakeAnthropic
from tests.fakes.openai_api import FakeOpenAI
from tests.fakes.provider.background import Background
from tests.fakes.provider.script import Pause, Text, Tool, newest_text
from tests.stack.conftest import add_models
from tests.stack.replicas import COUNT, Several, outside
from tests.stack.stack import Stack, run, wait
from tests.stack.test_chaos import check, loaded

_LONGER_THAN_A_DEFAULT_STOP_S = 8
# What another replica was told is felt after this long: a pin, and a key that was revoked.
_REMEMBERED_S, _REVOKED_S = 3.0, 10.0
_HAIKU, _LLAMA = "anthropic/claude-haiku-5-5", "ollama/llama3.1:8b"
_SLOWLY = "Take your time"
_STORY = ("Once upon a time ", "there was a kiln ", "that was never cold.")
_STRATEGY = "Develop our go-to-market strategy and pricing strategy with a roadmap."
_SWEPT = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d).*UPDATE project p SET memories")


@pytest.fixture(scope="module")
def several(new_stack: Callable[..., Stack], tiny_models: Path) -> Iterator[Several]:
    claude, ollama = FakeAnthropic(), FakeOpenAI("ollama")
    with ExitStack() as opened:
        background = opened.enter_context(Background())
        there = opened.enter_context(outside(claude, background))
        here = urlsplit(opened.enter_context(outside(ollama, background)))
        made = new_stack(
            ATHENA_LOG_LEVEL="debug",
            ATHENA_ANTHROPIC_URL=there,
            ATHENA_OLLAMA_URL=f"http://host.docker.internal:{here.port}",
        )
        made.overlays = ("compose.scale.yml",)
        add_models(made, tiny_models)
        made.compose("run", "--rm", "-T", "key", "ANTHROPIC_API_KEY", stdin="sk-ant-api03-operators\n")
        made.up("--scale", f"athena={COUNT}")
        found = Several(made, claude, ollama)
        found.wait_healthy()
        found.key = run(["docker", "exec", found.containers[0], "athena", "keys", "create", "erin"]).strip()
        yield found
        made.down()


@pytest.fixture
async def each(several: Several) -> AsyncIterator[list[Asking]]:
    """Every replica, asked by itself."""
    several.claude.forget()
    several.ollama.forget()
    asking = [several.asking(container) for container in several.containers]
    yield asking
    for one in asking:
        await one.close()


def slow(body: Any) -> list[Text | Pause]:
    """For who asks for it, a story that takes five seconds."""
    if _SLOWLY not in newest_text(body):
        return [Text("Yes.")]
    return [Text(_STORY[0], 1), Pause(2.5), Text(_STORY[1], 1), Pause(2.5), Text(_STORY[2], 1)]


def served(several: Several, container: str) -> int:
    """How many requests a replica has logged."""
    return sum("path" in line for line in several.log(container))


def test_each_takes_its_share_and_the_schema_was_made_before_any_of_them(several: Several) -> None:
    for number in range(60):
        several.stack.remember(f"note number {number} for the share of each")
    assert all(served(several, container) > 5 for container in several.containers)
    made = several.stack.inspect("migrate")["State"]["FinishedAt"]
    for container in several.containers:
        assert run(["docker", "inspect", "-f", "{{.State.StartedAt}}", container]) > made


def test_replicas_that_migrate_at_once_do_it_once(several: Several) -> None:
    several.query("CREATE DATABASE fresh")
    there = "ATHENA_DATABASE_URL=postgresql://athena@postgres:5432/fresh?passfile=/run/athena/pgpass"
    starts = "\n".join(f"docker exec -e '{there}' {each} athena migrate &" for each in several.containers)
    said = run(["sh", "-c", f"{starts}\nwait"])
    assert said.count("the schema is up to date") == COUNT
    applied = several.query("SELECT version, name FROM schema_migration ORDER BY version", "fresh")
    assert applied == [[str(each.version), each.name] for each in available()]


def test_what_one_was_told_all_know(several: Several) -> None:
    kept = several.stack.remember_embedded("Erin hid the key under the stone")
    for _ in range(3 * COUNT):
        assert several.stack.recall("where is the key?")[0]["id"] == kept["id"]


def test_one_port_on_loopback_and_host_still_checked(several: Several) -> None:
    url, status = several.stack.url, ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"]
    assert run([*status, "-H", "Host: evil.example", f"{url}/tools/list"]) == "403"
    assert run([*status, f"{url}/tools/list"]) == "200"


async def test_the_local_only_switch_holds_everywhere(several: Several, each: list[Asking]) -> None:
    """Switched on at one: the next within a second or two ask nobody outside, and the streams of another are cut."""
    one, two, three = each
    several.claude.default = slow
    for asks in each:
        assert (await asks.messages("Hello")).headers["x-athena-model"] == f"anthropic/{CLAUDE}"
    body = {"model": CLAUDE, "max_tokens": 400, "messages": [{"role": "user", "content": _SLOWLY}]}
    async with two.streaming("/v1/messages", body) as stream:
        await stream.until(_STORY[0])
        assert (await one.put("/api/v1/local-only", {"on": True}))["on"]
        try:
            took = await until_said(three, "/api/v1/local-only", lambda said: said["on"] and said["known"])
            rest = await stream.rest()
            assert "local-only" in rest[-1]
            assert _STORY[2] not in "".join(rest)
            before = len(several.claude.calls)
            for asks in each:
                answer = await asks.messages("Hello", max_tokens=4)
                assert answer.status_code == 200, answer.text
                assert answer.headers["x-athena-model"].startswith(("local/", "ollama/"))
            assert len(several.claude.calls) == before
        finally:
            await three.put("/api/v1/local-only", {"on": False})
    took_off = await until_said(one, "/api/v1/local-only", lambda said: not said["on"])
    print(f"local-only: on everywhere after {took:.2f} s, off after {took_off:.2f} s")
    assert max(took, took_off) < 2
    for asks in each:
        assert (await asks.messages("Hello")).headers["x-athena-model"] == f"anthropic/{CLAUDE}"


async def test_the_ledger_is_the_same_whoever_is_asked(several: Several, each: list[Asking]) -> None:
    project = {"x-athena-project": f"ledger-{secrets.token_hex(4)}"}
    path = f"/api/v1/usage?by=model&project={project['x-athena-project']}"
    for asks in (*each, *each):
        assert text_of(await asks.messages("Hello", project, model=CLAUDE))
        assert text_of(await asks.chat("Hello", project, model=_LLAMA, stream=True))
    for asks in each:
        await until_said(asks, path, lambda said: said["total"]["requests"] >= 4 * COUNT, 10)
    span = f"&from={datetime.now(UTC) - timedelta(hours=1):%FT%TZ}&to={datetime.now(UTC) + timedelta(hours=1):%FT%TZ}"
    said = [(await asks.get(path + span)).json() for asks in each]
    assert said[0] == said[1] == said[2]
    assert said[0]["total"]["requests"] == 4 * COUNT
    assert {line["key"]: line["requests"] for line in said[0]["lines"]} == {
        f"anthropic/{CLAUDE}": 2 * COUNT,
        _LLAMA: 2 * COUNT,
    }
    billed = several.claude.totals()[CLAUDE]
    [ours] = [line["tokens"] for line in said[0]["lines"] if line["key"].startswith("anthropic/")]
    assert (ours["input"], ours["output"]) == (billed.input, billed.output)


async def test_a_pin_and_a_key_hold_everywhere(several: Several, each: list[Asking]) -> None:
    session = f"s-{secrets.token_hex(6)}"
    named = {"x-athena-session": session}
    for asks in each:
        assert (await asks.messages("Hello", named)).headers["x-athena-model"] == f"anthropic/{CLAUDE}"
    await each[0].put(f"/api/v1/sessions/{session}", {"model": _HAIKU})
    await asyncio.sleep(_REMEMBERED_S)
    for asks in each:
        answer = await asks.messages("Hello", named)
        assert answer.headers["x-athena-model"] == _HAIKU
        assert "session-pin" in answer.headers["x-athena-route"]
    for asks in each:
        counted = await until_said(asks, f"/api/v1/sessions/{session}", lambda said: said["requests"] == 2 * COUNT, 5)
        assert counted < 5
    key = run(["docker", "exec", several.containers[0], "athena", "keys", "create", "frank"]).strip()
    frank = {"authorization": f"Bearer {key}"}
    for asks in each:
        assert (await asks.get("/api/v1/sessions", frank)).json() == {"sessions": []}
    run(["docker", "exec", several.containers[1], "athena", "keys", "revoke", "frank"])
    await asyncio.sleep(_REVOKED_S)
    assert [(await asks.get("/api/v1/sessions", frank)).status_code for asks in each] == [401] * COUNT


async def test_a_conversation_goes_on_at_another_replica(several: Several, each: list[Asking]) -> None:
    """`auto` keeps the model, in a tool loop at once: whoever called the tool goes on."""
    named = {"x-athena-session": f"s-{secrets.token_hex(6)}"}
    tools = [{"name": "look", "input_schema": {"type": "object"}}]
    several.claude.script(Tool("look", {}), times=COUNT)
    talk: list[Any] = [{"role": "user", "content": _STRATEGY}]
    asked = await each[0].messages(talk, named, model="auto", tools=tools)
    model = asked.headers["x-athena-model"]
    assert model.startswith("anthropic/")
    for asks in (each[1], each[2], each[0]):
        content = asked.json()["content"]
        result = {"type": "tool_result", "tool_use_id": content[-1]["id"], "content": "Nothing."}
        talk += [{"role": "assistant", "content": content}, {"role": "user", "content": [result]}]
        asked = await asks.messages(talk, named, model="auto", tools=tools)
        assert asked.status_code == 200, asked.text
        assert asked.headers["x-athena-model"] == model
        assert "tool-loop" in asked.headers["x-athena-route"]
    await asyncio.sleep(_REMEMBERED_S)
    talk += [{"role": "assistant", "content": text_of(asked)}, {"role": "user", "content": "What is the time?"}]
    for asks in each:
        answer = await asks.messages(talk, named, model="auto")
        assert answer.headers["x-athena-model"] == model
        assert "sticky" in answer.headers["x-athena-route"]


async def test_a_rolling_restart_under_load_loses_no_request(several: Several) -> None:
    async with loaded(several.stack) as load:
        for container in several.containers:
            await asyncio.sleep(1)
            await asyncio.to_thread(run, ["docker", "restart", "--time", "60", container])
            await asyncio.to_thread(several.wait_healthy)
    assert {status for status in load.ledger.seen if status not in ("200", "201", "stored, answer lost")} == set()
    await check(several.stack, load.ledger)


async def test_no_stream_is_cut_by_a_rolling_restart(several: Several) -> None:
    """Each replica is told to stop while it streams; clients on both surfaces read every story to its end."""
    several.claude.forget()
    several.ollama.forget()
    several.claude.default = several.ollama.default = slow
    finished: Counter[str] = Counter()
    async with telling(several, finished):
        for container in several.containers:
            await asyncio.sleep(5)
            since = time.time()
            await asyncio.to_thread(run, ["docker", "stop", "--time", "60", container])
            took = time.time() - since
            stopping = await asyncio.to_thread(several.log, container, "--since", f"{since + 0.5:.3f}")
            last = [line for line in stopping if line.get("path") in ("/v1/messages", "/v1/chat/completions")]
            print(f"a replica stopped after {took:.1f} s; streams that it ended meanwhile: {len(last)}")
            assert last, "it had nothing to finish: this proves nothing"
            await asyncio.to_thread(run, ["docker", "start", container])
            await asyncio.to_thread(several.wait_healthy)
    print(f"streams read to the end: {dict(finished)}")
    assert min(finished[path] for path in ("messages", "chat", "local")) > 2


@asynccontextmanager
async def telling(several: Several, finished: Counter[str]) -> AsyncIterator[None]:
    """Clients that have stories told for the length of the block, each to the end."""
    stop = asyncio.Event()
    asks = several.asking()
    whole = "".join(_STORY)

    async def listen(after_s: float) -> None:
        await asyncio.sleep(after_s)
        while not stop.is_set():
            assert text_of(await asks.messages(_SLOWLY, stream=True)) == whole
            finished["messages"] += 1
            assert text_of(await asks.chat(_SLOWLY, model=_LLAMA, stream=True)) == whole
            finished["chat"] += 1
            local = await asks.chat("Hello", model="local", stream=True, max_tokens=200)
            # A model of random numbers may have nothing to say; that it was done saying it counts.
            assert events(local)[-1] == "[DONE]", local.text
            assert '"error"' not in local.text
            finished["local"] += 1

    listening = [asyncio.create_task(listen(0.8 * number)) for number in range(4 * COUNT)]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*listening)
        await asks.close()


async def test_a_request_that_takes_long_outlives_the_restart_of_its_replica(several: Several) -> None:
    """The model is held while every Athena in turn is told to stop; then the answer comes all the same."""
    stack, asks = several.stack, several.asking()
    stack.compose("pause", "llamacpp-embeddings")
    try:
        asking = asyncio.create_task(
            asks.http.post("/api/v1/memories?wait=true", json={"content": "Frank tunes the piano"})
        )
        await asyncio.sleep(1)
        stopping = [
            asyncio.create_task(asyncio.to_thread(run, ["docker", "stop", "--time", "60", container]))
            for container in several.containers
        ]
        await asyncio.sleep(_LONGER_THAN_A_DEFAULT_STOP_S)
        assert not asking.done()
        stack.compose("unpause", "llamacpp-embeddings")
        answer = await asking
        await asyncio.gather(*stopping)
    finally:
        stack.compose("unpause", "llamacpp-embeddings", check=False)
        stack.compose("start", "athena")
        await asks.close()
    assert answer.status_code == 201, answer.text
    assert answer.json()["embedding"] == "ready"
    await asyncio.to_thread(several.wait_healthy)


def test_each_vector_is_made_once_and_by_one_worker(several: Several) -> None:
    before = embedded(several)
    for number in range(40):
        several.stack.remember(f"job number {number} is done once")
    wait(lambda: several.stack.report()["pending"] == 0, "all embedded", 60)
    assert embedded(several) - before == 40
    vectors = several.query(
        "SELECT count(e.memory_id) FROM memory m LEFT JOIN embedding e ON e.memory_id = m.id"
        " WHERE m.content LIKE 'job number%' GROUP BY m.id"
    )
    assert vectors == [["1"]] * 40


def embedded(several: Several) -> int:
    """Texts that the workers of all replicas say they have embedded."""
    lines = [line for container in several.containers for line in several.log(container)]
    return sum(line["texts"] for line in lines if line["event"] == "embedding stored")


def test_a_schedule_runs_once_a_minute_and_not_once_for_each(several: Several) -> None:
    """Told by the database, which says every statement that it is asked."""
    several.query("ALTER SYSTEM SET log_statement = 'all'")
    several.query("SELECT pg_reload_conf()")
    try:
        wait(lambda: len(swept(several)) >= 2, "swept twice", 150)
    finally:
        several.query("ALTER SYSTEM RESET log_statement")
        several.query("SELECT pg_reload_conf()")
    assert set(swept(several).values()) == {1}
    kept = dict(several.query("SELECT entrypoint, count(*) FROM pgqueuer_schedules GROUP BY 1"))
    assert kept.keys() >= {"sweep", "tidy"}
    assert set(kept.values()) == {"1"}


def swept(several: Several) -> Counter[str]:
    """Sweeps by minute."""
    [container] = several.stack.containers("postgres")
    lines = run(["sh", "-c", f"docker logs {container} 2>&1"]).splitlines()
    return Counter(found[1] for line in lines if (found := _SWEPT.match(line)))


async def until_said(asks: Asking, path: str, true: Callable[[Any], bool], seconds: float = 5.0) -> float:
    """Seconds until the answer is so."""
    started = time.monotonic()
    while not true((await asks.get(path)).json()):
        assert time.monotonic() - started < seconds, f"{path} still isn't so"
        await asyncio.sleep(0.05)
    return time.monotonic() - started
