"""Consolidation over HTTP: runs, their changes, undo, dead letters, patterns of given events, and the tool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from athena.bootstrap import Athena
from athena.consolidation.types import Refusal, Verdict
from athena.memory.types import Kind, NewMemory
from athena.store.pool import Database
from tests.integration.api_server import client_of

ROOT = "/api/v1/consolidation"
MONDAY = datetime(2026, 3, 2, 7, tzinfo=UTC)
RUN = "Went for a run along the river before work"


def mondays(weeks: range) -> list[NewMemory]:
    return [NewMemory(RUN, Kind.EVENT, occurred_at=MONDAY + timedelta(weeks=week, minutes=week % 3)) for week in weeks]


def tea(name: str, week: int) -> NewMemory:
    return NewMemory(f"My favourite tea is {name}", Kind.PREFERENCE, occurred_at=MONDAY + timedelta(weeks=week))


@pytest.fixture
async def http(athena: Athena) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(athena) as http:
        yield http


@asynccontextmanager
async def halted(database: Database) -> AsyncIterator[None]:
    """Runs that begin within stop before they change anything, and go on afterwards."""
    async with database.transaction() as connection:
        await connection.execute("LOCK TABLE rejection, verdict IN ACCESS EXCLUSIVE MODE")
        yield


async def asked(http: httpx.AsyncClient, method: str, path: str, status: int = 200, **more: Any) -> Any:
    answer = await http.request(method, f"{ROOT}{path}", **more)
    assert answer.status_code == status, answer.text
    return answer.json()


async def consolidated(http: httpx.AsyncClient) -> dict[str, Any]:
    run: dict[str, Any] = await asked(http, "POST", "/runs", json={"wait_s": 60})
    return run


async def test_a_run_from_its_preview_to_its_undoing(athena: Athena, http: httpx.AsyncClient) -> None:
    await athena.memory.remember([*mondays(range(6)), tea("Assam", 0), tea("Oolong", 4)], wait_s=30)
    preview = await asked(http, "POST", "/runs", json={"dry_run": True})
    assert (preview["events"], [each["support"] for each in preview["patterns"]]) == (8, [6, 2])
    assert [each["about"] for each in preview["contradictions"]]
    assert (await asked(http, "GET", "/runs"))["runs"] == []

    run = await consolidated(http)
    assert (run["state"], run["cause"], run["project"], run["progress"]) == ("done", "asked", "default", None)
    assert (run["counts"]["events"], run["counts"]["concluded"], run["counts"]["closed"]) == (8, 2, 1)
    assert await asked(http, "GET", f"/runs/{run['id']}") == run
    listed = await asked(http, "GET", "/runs", params={"project": "default"})
    assert (listed["runs"], listed["next_before"]) == ([run], None)
    assert (await asked(http, "GET", "/runs", params={"project": "other"}))["runs"] == []

    changes = await asked(http, "GET", f"/runs/{run['id']}/changes")
    assert len(changes["changes"]) == run["changes"]
    new = await asked(http, "GET", f"/runs/{run['id']}/changes", params={"action": "concluded"})
    assert [each["support"] for each in new["changes"]] == [6, 2]
    assert new["changes"][0]["content"].startswith(RUN)
    (closed,) = [each for each in changes["changes"] if each["action"] == "closed"]
    assert (closed["content"], closed["object_content"], closed["support"]) == (
        "My favourite tea is Assam",
        "My favourite tea is Oolong",
        None,
    )

    undone = await asked(http, "POST", f"/runs/{run['id']}/undo")
    assert undone == {"runs": [run["id"]], "changes": run["changes"], "kept": []}
    assert (await asked(http, "GET", f"/runs/{run['id']}"))["state"] == "undone"
    assert (await asked(http, "POST", f"/runs/{run['id']}/undo", json={"with_later": True}))["runs"] == []


async def test_pages_follow_each_other_without_gaps(athena: Athena, http: httpx.AsyncClient) -> None:
    await athena.memory.remember([*mondays(range(6)), tea("Assam", 0), tea("Oolong", 4)], wait_s=30)
    runs = [await consolidated(http) for _ in range(3)]
    seen: list[int] = []
    before = None
    while True:
        page = await asked(http, "GET", "/runs", params={"limit": 2} | ({"before": before} if before else {}))
        seen += [each["id"] for each in page["runs"]]
        before = page["next_before"]
        if before is None:
            break
    assert seen == [each["id"] for each in reversed(runs)]
    places: list[int] = []
    after = 0
    while after is not None:
        page = await asked(http, "GET", f"/runs/{runs[0]['id']}/changes", params={"limit": 1, "after": after})
        places += [each["place"] for each in page["changes"]]
        after = page["next_after"]
    assert len(places) == len(set(places)) == runs[0]["changes"] > 1
    assert places == sorted(places)


async def test_later_runs_are_named_before_they_go_too(athena: Athena, http: httpx.AsyncClient) -> None:
    await athena.memory.remember(mondays(range(6)), wait_s=30)
    first = await consolidated(http)
    await athena.memory.remember(mondays(range(6, 9)), wait_s=30)
    second = await consolidated(http)
    refused = await asked(http, "POST", f"/runs/{first['id']}/undo", 409)
    assert str(second["id"]) in refused["error"]["message"]
    assert refused["error"]["hint"] == f"athena consolidate undo {first['id']} --with-later"
    undone = await asked(http, "POST", f"/runs/{first['id']}/undo", json={"with_later": True})
    assert undone["runs"] == [second["id"], first["id"]]


async def test_a_run_goes_on_without_its_caller_and_alone(athena: Athena, http: httpx.AsyncClient) -> None:
    await athena.memory.remember(mondays(range(6)), wait_s=30)
    async with halted(athena.database):
        started = await asked(http, "POST", "/runs", 202, json={})
        assert (started["state"], started["ended_at"]) == ("running", None)
        busy = await asked(http, "POST", "/runs", 409, json={})
        assert busy["error"]["hint"] == "athena consolidate runs"
        seen = await asked(http, "GET", f"/runs/{started['id']}")
        assert (seen["state"], seen["progress"]["stage"]) == ("running", "reading")
        slow = await asked(http, "GET", "/runs")
        assert [each["state"] for each in slow["runs"]] == ["running"]
    async with asyncio.timeout(60):
        while (run := await asked(http, "GET", f"/runs/{started['id']}"))["state"] == "running":
            await asyncio.sleep(0.05)
    assert (run["state"], run["counts"]["concluded"]) == ("done", 1)


async def test_what_was_cut_off_says_so_and_is_taken_up(athena: Athena, http: httpx.AsyncClient) -> None:
    await athena.memory.remember(mondays(range(6)), wait_s=30)
    async with halted(athena.database):
        started = await asked(http, "POST", "/runs", 202, json={})
        await athena.consolidation.aclose()
    cut = await asked(http, "GET", f"/runs/{started['id']}")
    assert (cut["state"], cut["ended_at"]) == ("interrupted", None)
    run = await consolidated(http)
    assert (run["id"], run["state"], run["counts"]["concluded"]) == (started["id"], "done", 1)


async def test_dead_letters_are_read_retried_and_dropped(athena: Athena, http: httpx.AsyncClient) -> None:
    ids = [each.id for each in await athena.memory.remember(mondays(range(6)), wait_s=30)]
    run = await consolidated(http)
    async with athena.database.acquire() as connection:
        project = await connection.fetchval("SELECT id FROM project")
    letters = athena.consolidation._pipeline.letters
    for code in ("ungrounded", "poisoned"):
        refusal = Refusal(code, f"because of {code}", tuple(ids[:2]), retry=False)
        await letters.keep(project, run["id"], code.encode(), ids, Verdict(refusals=(refusal,)))
    page = await asked(http, "GET", "/letters", params={"project": "default", "limit": 1})
    (newest,) = page["letters"]
    assert (newest["code"], newest["reason"], newest["memories"]) == ("poisoned", "because of poisoned", ids)
    assert (newest["not_before"], newest["run_id"]) == (None, run["id"])
    (older,) = (await asked(http, "GET", "/letters", params={"before": page["next_before"]}))["letters"]
    assert await asked(http, "POST", f"/letters/{newest['id']}/retry") == {"retried": newest["id"]}
    assert (await asked(http, "GET", "/letters"))["letters"][0]["not_before"] is not None
    assert await asked(http, "DELETE", f"/letters/{older['id']}") == {"dropped": older["id"]}
    assert [each["id"] for each in (await asked(http, "GET", "/letters"))["letters"]] == [newest["id"]]
    for method, path in (("POST", f"/letters/{older['id']}/retry"), ("DELETE", f"/letters/{older['id']}")):
        gone = await asked(http, method, path, 404)
        assert gone["error"]["hint"] == "athena consolidate letters"


async def test_patterns_of_given_events_leave_nothing_behind(athena: Athena, http: httpx.AsyncClient) -> None:
    events = [
        {"id": f"run-{week}", "content": RUN, "occurred_at": (MONDAY + timedelta(weeks=week)).isoformat()}
        for week in range(5)
    ]
    events += [{"content": "The kitchen tap dripped", "occurred_at": "2026-03-04T09:00:00Z"}]
    (pattern,) = (await asked(http, "POST", "/patterns", json={"events": events}))["patterns"]
    assert (pattern["type"], pattern["by"], pattern["support"]) == ("routine", "fast", 5)
    assert set(pattern["event_ids"]) == set(pattern["quotes"]) == {f"run-{week}" for week in range(5)}
    assert pattern["content"].startswith(pattern["statement"])
    async with athena.database.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM memory") == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "/runs", {"project": "nobody"}, 404, "nothing was ever remembered"),
        ("POST", "/runs", {"project": "nobody", "dry_run": True}, 404, "nothing was ever remembered"),
        ("POST", "/runs", {"wait_s": 601}, 400, "wait_s"),
        ("POST", "/runs", {"wait_s": -1}, 400, "wait_s"),
        ("POST", "/runs", {"dry_run": "yes"}, 400, "dry_run"),
        ("POST", "/runs", {"verbose": True}, 400, "there is no such field"),
        ("GET", "/runs/1", None, 404, "there is no run 1"),
        ("GET", "/runs/1/changes", None, 404, "there is no run 1"),
        ("GET", "/runs/1/changes?action=deleted", None, 400, "action"),
        ("GET", "/runs?limit=0", None, 400, "limit"),
        ("GET", f"/runs/{2**63}", None, 400, "run_id"),
        ("POST", "/runs/1/undo", {}, 404, "there is no run 1"),
        ("POST", "/letters/1/retry", None, 404, "there is no dead letter 1"),
        ("POST", "/patterns", {"events": []}, 400, "events"),
        ("POST", "/patterns", {"events": [{"content": "x"}] * 2_001}, 400, "events"),
        ("POST", "/patterns", {"events": [{"content": " "}]}, 400, "event 0 has no content"),
        ("POST", "/patterns", {"events": [{"content": "a", "id": "x"}, {"content": "b", "id": "x"}]}, 400, "same id"),
    ],
)
async def test_what_is_refused_says_why(
    http: httpx.AsyncClient, method: str, path: str, body: Any, status: int, said: str
) -> None:
    error = (await asked(http, method, path, status, json=body))["error"]
    assert said in error["message"]
    assert error["source"] == "client"


async def test_the_tool_tells_what_was_concluded(athena: Athena, http: httpx.AsyncClient) -> None:
    await athena.memory.remember(mondays(range(6)), wait_s=30)

    async def told(**arguments: Any) -> dict[str, Any]:
        answer = await http.post("/tools/consolidate/execute", json=arguments)
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()["result"]
        return result

    would = await told(dry_run=True)
    assert (would["run"], would["state"], would["counts"]) == (None, None, None)
    assert would["preview"]["events"] == 6
    (expected,) = would["patterns"]
    done = await told()
    assert (done["state"], done["counts"]["concluded"], done["preview"]) == ("done", 1, None)
    (pattern,) = done["patterns"]
    assert (
        (pattern["content"], pattern["support"])
        == (expected["content"], expected["support"])
        == (pattern["content"], 6)
    )
    assert (await http.get(f"/api/v1/memories/{pattern['id']}")).json()["content"] == pattern["content"]
    assert (await told())["patterns"] == []


async def test_only_so_many_projects_at_once(athena: Athena, http: httpx.AsyncClient) -> None:
    for number in range(5):
        body = {"content": RUN, "project": f"p{number}"}
        assert (await http.post("/api/v1/memories", json=body)).status_code == 201
    async with halted(athena.database):
        for number in range(4):
            await asked(http, "POST", "/runs", 202, json={"project": f"p{number}"})
        refused = await asked(http, "POST", "/runs", 409, json={"project": "p4"})
        assert "4 projects" in refused["error"]["message"]
    async with asyncio.timeout(60):
        while {each["state"] for each in (await asked(http, "GET", "/runs"))["runs"]} != {"done"}:
            await asyncio.sleep(0.05)
    assert (await asked(http, "POST", "/runs", json={"project": "p4", "wait_s": 60}))["state"] == "done"
