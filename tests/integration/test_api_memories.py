"""The memory over HTTP: the tools as their callers spell them, and the REST resources."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from athena.bootstrap import Athena
from tests.integration.api_server import client_of
from tests.integration.conftest import LlamaServer, built, settings_for, until

ROOT = "/api/v1/memories"
NOWHERE = "0192f0c1-2345-7abc-8def-0123456789ab"


@pytest.fixture
async def http(athena: Athena) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(athena) as client:
        yield client


async def tool(http: httpx.AsyncClient, name: str, **arguments: Any) -> Any:
    answer = await http.post(f"/tools/{name}/execute", json=arguments)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["tool"] == name
    assert body["latency_ms"] > 0
    return body["result"]


def error_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"code", "message", "source", "hint"}
    return error


async def test_remember_as_the_guide_writes_it(http: httpx.AsyncClient) -> None:
    body = b'{"content":"test memory","memory_type":"fact"}'
    answer = await http.post("/tools/remember/execute", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    result = answer.json()["result"]
    assert result.keys() == {"id", "status", "embedding", "reason"}
    assert result["status"] == "created"
    again = await tool(http, "remember", content="test memory", memory_type="fact")
    assert (again["id"], again["status"]) == (result["id"], "duplicate")


async def test_what_is_remembered_is_recalled_with_everything_about_it(http: httpx.AsyncClient) -> None:
    given = {
        "content": "alice likes coffee",
        "memory_type": "preference",
        "project": "kitchen",
        "user_id": "u",
        "agent_id": "a",
        "session_id": "s",
        "occurred_at": "2026-11-20T09:30:00Z",
        "importance": 0.8,
        "tags": ["drinks"],
        "metadata": {"dia_id": "D1:1"},
        "source": "chat",
    }
    waited = await http.post("/tools/remember/execute?wait=true", json=given)
    assert waited.json()["result"]["embedding"] == "ready"
    found = await tool(http, "recall", query="what does alice like?", project="kitchen")
    assert (found["degraded"], found["pending"]) == ([], 0)
    (memory,) = found["memories"]
    assert {name: memory[name] for name in given} == given
    assert memory["score"] > 0
    assert memory["explanation"]
    assert (await tool(http, "recall", query="what does alice like?"))["memories"] == []


async def test_filters_reach_the_memory(http: httpx.AsyncClient) -> None:
    await tool(http, "remember", content="red car", user_id="u1", tags=["a", "b"], occurred_at="2025-01-01")
    await tool(
        http, "remember", content="red dog", user_id="u2", tags=["a"], memory_type="event", occurred_at="2026-01-01"
    )

    async def contents(**where: Any) -> list[str]:
        found = await tool(http, "recall", query="red", **where)
        listed = await tool(http, "list", **where)
        assert {m["content"] for m in found["memories"]} == {m["content"] for m in listed["memories"]}
        return sorted(m["content"] for m in listed["memories"])

    assert await contents() == ["red car", "red dog"]
    assert await contents(user_id="u1") == ["red car"]
    assert await contents(tags=["a", "b"]) == ["red car"]
    assert await contents(memory_type="event") == ["red dog"]
    assert await contents(memory_type=["event", "fact"]) == ["red car", "red dog"]
    assert await contents(since="2025-06-01") == ["red dog"]
    assert await contents(until="2025-06-01") == ["red car"]


async def test_the_list_of_tools_says_how_to_call_each(http: httpx.AsyncClient) -> None:
    tools = {each["name"]: each for each in (await http.get("/tools/list")).json()["tools"]}
    assert set(tools) == {
        "remember",
        "recall",
        "forget",
        "list",
        "get",
        "history",
        "consolidate",
        "reason",
        "compress",
        "original",
        "session_status",
    }
    for each in tools.values():
        assert each["input_schema"]["type"] == "object"
        assert each["input_schema"]["additionalProperties"] is False
        assert each["output_schema"]["type"] == "object"
        assert each["examples"]
    assert (await http.get("/tools/recall")).json() == tools["recall"]
    for answer in (await http.get("/tools/think"), await http.post("/tools/think/execute", json={})):
        assert "remember, recall, forget, list, get, history, " in error_of(answer, 404)["message"]


async def test_created_then_known_then_replayed(http: httpx.AsyncClient) -> None:
    first = await http.post(ROOT, json={"content": "one"}, headers={"idempotency-key": "k"})
    assert first.status_code == 201
    assert first.headers["location"] == f"{ROOT}/{first.json()['id']}"
    replayed = await http.post(ROOT, json={"content": "one"}, headers={"idempotency-key": "k"})
    assert replayed.json() == first.json()
    known = await http.post(ROOT, json={"content": "one"})
    assert (known.status_code, known.json()["status"]) == (200, "duplicate")
    other = await http.post(ROOT, json={"content": "two"}, headers={"idempotency-key": "k"})
    assert error_of(other, 409)["code"] == "conflict"
    memory = (await http.get(first.headers["location"])).json()
    assert memory["times_seen"] == 2


async def test_a_batch_is_stored_whole_or_not_at_all(http: httpx.AsyncClient) -> None:
    good = [{"content": f"number {n}", "project": "batch"} for n in range(1000)]
    bad = await http.post(f"{ROOT}/batch", json={"memories": [*good[:500], {"content": ""}]})
    assert error_of(bad, 400)["message"].startswith("memories.500.content:")
    assert (await http.get(ROOT, params={"project": "batch"})).json()["memories"] == []
    stored = await http.post(f"{ROOT}/batch", json={"memories": good})
    assert stored.status_code == 201
    receipts = stored.json()["receipts"]
    assert len({each["id"] for each in receipts}) == 1000
    again = await http.post(f"{ROOT}/batch", json={"memories": good})
    assert again.status_code == 200
    assert [each["id"] for each in again.json()["receipts"]] == [each["id"] for each in receipts]


async def test_pages_hold_everything_once(http: httpx.AsyncClient) -> None:
    memories = [{"content": f"page {n}", "tags": ["even" if n % 2 == 0 else "odd"]} for n in range(25)]
    await http.post(f"{ROOT}/batch", json={"memories": memories})
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (await http.get(ROOT, params={"limit": 10, **({"cursor": cursor} if cursor else {})})).json()
        seen += [each["content"] for each in page["memories"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(each["content"] for each in memories)
    odd = (await http.get(ROOT, params={"tag": "odd", "limit": 500})).json()["memories"]
    assert len(odd) == 12
    error_of(await http.get(ROOT, params={"cursor": "nonsense"}), 400)


async def test_a_memory_is_superseded_and_keeps_its_history(http: httpx.AsyncClient) -> None:
    old = (
        await http.post(ROOT, json={"content": "bob lives in berlin", "project": "p", "memory_type": "event"})
    ).json()
    new = await http.post(f"{ROOT}/{old['id']}/supersede", json={"content": "bob lives in paris"})
    assert new.status_code == 201
    memory = (await http.get(new.headers["location"])).json()
    assert (memory["supersedes"], memory["project"], memory["memory_type"]) == (old["id"], "p", "event")
    error_of(await http.post(f"{ROOT}/{old['id']}/supersede", json={"content": "bob lives in rome"}), 409)
    told = (await http.get(f"{ROOT}/{old['id']}/history")).json()["history"]
    assert [step["content"] for step in told][:2] == ["bob lives in berlin", "bob lives in paris"]
    assert told == (await tool(http, "history", id=old["id"]))["history"]
    listed = (await http.get(ROOT, params={"project": "p"})).json()["memories"]
    assert [each["id"] for each in listed] == [memory["id"]]
    both = (await http.get(ROOT, params={"project": "p", "include_superseded": True})).json()["memories"]
    assert len(both) == 2


async def test_the_past_is_asked_for_over_every_surface(http: httpx.AsyncClient) -> None:
    berlin = await tool(http, "remember", content="Ada lives in Berlin", valid_from="2020-01-01")
    before = datetime.now(UTC).isoformat()
    await http.post(
        f"{ROOT}/{berlin['id']}/supersede", json={"content": "Ada lives in Paris", "valid_from": "2023-01-01"}
    )

    async def cities(**when: str) -> list[str]:
        found = await tool(http, "recall", query="where does Ada live", **when)
        searched = (await http.post(f"{ROOT}/search", json={"query": "where does Ada live", **when})).json()
        assert [each["id"] for each in found["memories"]] == [each["id"] for each in searched["memories"]]
        return [each["content"].split()[-1] for each in found["memories"]]

    assert await cities() == ["Paris"]
    assert await cities(as_of="2021-05-01T12:00:00+02:00") == ["Berlin"]
    assert await cities(as_of="2024-01-01", known_at=before) == ["Berlin"]
    assert await cities(known_at=before) == ["Berlin"]
    assert await cities(known_at="2020-06-01") == []
    listed = (await tool(http, "list", known_at=before))["memories"]
    assert [each["id"] for each in listed] == [berlin["id"]]
    assert listed == (await http.get(ROOT, params={"known_at": before})).json()["memories"]
    assert (await http.get(ROOT, params={"as_of": "2021-01-01", "known_at": before})).json()["memories"] == listed
    for bad in ("yesterday", "2024-13-01"):
        assert "known_at" in error_of(await http.get(ROOT, params={"known_at": bad}), 400)["message"]
    would = await tool(http, "forget", known_at=before)
    assert (would["count"], would["dry_run"]) == (2, True)


async def test_what_was_superseded_is_restored_once(http: httpx.AsyncClient) -> None:
    old = await tool(http, "remember", content="bob lives in berlin", valid_from="2020-01-01")
    new = (await http.post(f"{ROOT}/{old['id']}/supersede", json={"content": "bob lives in paris"})).json()
    restored = await http.post(f"{ROOT}/{old['id']}/restore")
    assert restored.status_code == 200
    assert (restored.json()["id"], restored.json()["superseded_by"]) == (old["id"], None)
    assert error_of(await http.post(f"{ROOT}/{old['id']}/restore"), 409)["code"] == "conflict"
    assert error_of(await http.post(f"{ROOT}/{NOWHERE}/restore"), 404)["code"] == "not_found"
    assert [each["content"] for each in (await tool(http, "list"))["memories"]] == ["bob lives in berlin"]
    told = (await http.get(f"{ROOT}/{new['id']}/history")).json()["history"]
    assert [(step["id"], step["action"]) for step in told] == [
        (old["id"], "remembered"),
        (new["id"], "superseded"),
        (old["id"], "restored"),
    ]
    assert told[2]["valid_from"] == "2020-01-01T00:00:00Z"
    assert 'operation="restore"' in (await http.get("/metrics")).text


async def test_what_is_to_expire_says_when(http: httpx.AsyncClient) -> None:
    stored = await tool(http, "remember", content="the code is 4711", expires_at="2090-01-01")
    memory = (await http.get(f"{ROOT}/{stored['id']}")).json()
    assert (memory["expires_at"], memory["derived"]) == ("2090-01-01T00:00:00Z", False)
    for path, body in (
        ("/tools/remember/execute", {"content": "x", "expires_at": "2020-01-01"}),
        (ROOT, {"content": "x", "expires_at": "2020-01-01"}),
        (f"{ROOT}/batch", {"memories": [{"content": "y"}, {"content": "x", "expires_at": "2020-01-01"}]}),
        (f"{ROOT}/{stored['id']}/supersede", {"content": "x", "expires_at": "2020-01-01"}),
    ):
        assert "expires_at" in error_of(await http.post(path, json=body), 400)["message"]
    assert len((await tool(http, "list"))["memories"]) == 1


async def test_patterns_come_beside_the_memories_with_their_evidence(http: httpx.AsyncClient, athena: Athena) -> None:
    runs = [
        await tool(http, "remember", content="ran before work", memory_type="event", occurred_at=f"2026-01-0{n}")
        for n in (2, 9)
    ]
    pattern = await tool(http, "remember", content="Ada runs in the morning", memory_type="pattern")
    assert (await tool(http, "recall", query="running"))["patterns"] == []
    async with athena.database.acquire() as connection:
        await connection.execute(
            "INSERT INTO evidence SELECT p.id, m.id, 'ran' FROM memory p, memory m"
            " WHERE p.kind = 'pattern' AND m.kind = 'event'"
        )
        await connection.execute("UPDATE memory SET derived = true WHERE kind = 'pattern'")
    found = await tool(http, "recall", query="who ran before work")
    ids = {each["id"] for each in runs}
    assert {each["id"] for each in found["memories"]} == ids
    (known,) = found["patterns"]
    assert (known["id"], known["memory_type"], known["derived"]) == (pattern["id"], "pattern", True)
    assert set(known["because"]) == ids
    evidence = (await http.get(f"{ROOT}/{pattern['id']}/evidence")).json()["evidence"]
    assert evidence == [
        {"id": each["id"], "content": "ran before work", "quote": "ran", "occurred_at": f"2026-01-0{n}T00:00:00Z"}
        for each, n in zip(runs, (2, 9), strict=True)
    ]
    assert (await http.get(f"{ROOT}/{runs[0]['id']}/evidence")).json() == {"evidence": []}
    error_of(await http.get(f"{ROOT}/{NOWHERE}/evidence"), 404)


async def test_forgetting_by_description_is_dry_until_it_is_meant(http: httpx.AsyncClient) -> None:
    for content in ("red car", "red dog", "blue car"):
        await tool(http, "remember", content=content)
    would = await tool(http, "forget", query="red car")
    assert (would["count"], would["dry_run"]) == (1, True)
    assert len((await tool(http, "list"))["memories"]) == 3
    done = (await http.post(f"{ROOT}/forget", json={"query": "car", "dry_run": False})).json()
    assert (done["count"], done["dry_run"]) == (2, False)
    assert [each["content"] for each in (await tool(http, "list"))["memories"]] == ["red dog"]
    error_of(await http.post("/tools/forget/execute", json={}), 400)


async def test_forgetting_by_id_is_for_good(http: httpx.AsyncClient) -> None:
    stored = await tool(http, "remember", content="a secret")
    gone = await http.delete(f"{ROOT}/{stored['id']}")
    nothing_else = {"conversations": 0, "decisions": 0, "patterns_weaker": [], "patterns_forgotten": []}
    assert gone.json() == {"ids": [stored["id"]], "count": 1, "dry_run": False, **nothing_else}
    for answer in (
        await http.get(f"{ROOT}/{stored['id']}"),
        await http.delete(f"{ROOT}/{stored['id']}"),
        await http.post("/tools/get/execute", json={"id": stored["id"]}),
        await http.get(f"{ROOT}/{NOWHERE}/history"),
        await http.post(f"{ROOT}/{NOWHERE}/supersede", json={"content": "x"}),
    ):
        assert error_of(answer, 404)["code"] == "not_found"
    assert "a secret" not in (await http.get(f"{ROOT}/{stored['id']}/history")).text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "body"),
        (b"{nope", "not JSON"),
        (b'{"content": "\xff"}', "UTF-8"),
        (b'{"content": "a\\u0000b"}', "content"),
        (b'{"content": "\\ud800"}', "content"),
        (b'{"content": "x", "metadata": {"k": "\\udfff"}}', "metadata"),
        (b'{"content": "x", "metadata": {"k": NaN}}', "metadata"),
        (b'{"content": "x", "metadata": {"k": 1e999}}', "metadata"),
        (b'{"content": "x", "importance": -Infinity}', "importance"),
        (b'{"content": "x", "metadata": {"k": ' + b"9" * 5000 + b"}}", "body"),
        (b"[" * 100_000, "nested"),
        (b'["content"]', "body"),
        (b'{"content": "x", "colour": "red"}', "colour: there is no such field"),
        (b'{"content": "' + b"x" * 1_000_001 + b'"}', "content"),
        (b'{"content": "x", "occurred_at": "0001-01-01T00:00:00+10:00"}', "occurred_at"),
    ],
)
async def test_what_cannot_be_taken_is_a_400_that_names_it(http: httpx.AsyncClient, body: bytes, said: str) -> None:
    json_type = {"content-type": "application/json"}
    for path in ("/tools/remember/execute", ROOT):
        error = error_of(await http.post(path, content=body, headers=json_type), 400)
        assert error["code"] == "invalid_input"
        assert said in error["message"]


async def test_a_form_is_told_what_is_wanted(http: httpx.AsyncClient) -> None:
    answer = await http.post("/tools/remember/execute", data={"content": "x"})
    assert "application/json" in error_of(answer, 400)["message"]


async def test_metadata_comes_back_as_it_was_given(http: httpx.AsyncClient) -> None:
    metadata = {"big": 10**40, "small": -1.5e-300, "text": "\u2028 🦉", "": [], "deep": [[{"a": None}]], "yes": True}
    stored = await tool(http, "remember", content="x", metadata=metadata)
    assert (await http.get(f"{ROOT}/{stored['id']}")).json()["metadata"] == metadata


async def test_the_longest_text_comes_back_whole(http: httpx.AsyncClient) -> None:
    content = "naïve 🦉 " * 125_000
    stored = await tool(http, "remember", content=content)
    assert (await http.get(f"{ROOT}/{stored['id']}")).json()["content"] == content


async def test_with_the_embedding_server_away_everything_still_answers(
    dsn: str, own_server: LlamaServer, test_home: Any
) -> None:
    own_server.start()
    async with built(settings_for(dsn, own_server.url, test_home)) as athena, client_of(athena) as http:
        await http.post("/tools/remember/execute?wait=true", json={"content": "alice likes coffee"})
        own_server.stop()
        stored = await tool(http, "remember", content="bob likes tea")
        assert stored["embedding"] == "pending"
        found = await tool(http, "recall", query="who likes tea?")
        assert found["degraded"] == ["embedding"]
        assert found["memories"][0]["content"] == "bob likes tea"
        own_server.start()

        async def drained() -> bool:
            again = await tool(http, "recall", query="who likes tea?")
            return not again["degraded"] and not again["pending"]

        await until(drained)


async def test_without_a_reasoning_server_only_reasoning_is_off(http: httpx.AsyncClient) -> None:
    error = error_of(await http.post("/tools/reason/execute", json={"prompt": "hello"}), 503)
    assert error["source"] == "reasoning"
    assert error["hint"]
