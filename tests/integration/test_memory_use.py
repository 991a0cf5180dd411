"""What is recalled is counted, keeps its strength, and what never is can be seen; what expires goes by itself."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from athena.bootstrap import Athena
from athena.cli import unused
from athena.errors import NotFound, StoreUnavailable
from athena.memory.notes import Notes
from athena.memory.types import Filter, Kind, NewMemory, Scope
from athena.memory.use import Uses
from athena.store.pool import Database
from tests.integration.conftest import LlamaServer, built, settings_for, until
from tests.integration.memories import EVERYTHING, day, hits_by_content, recalled, told, value, within
from tests.integration.test_cli_memory import answer, run

NEVER = "postgresql://nobody@127.0.0.1:1/nothing"


async def uses(athena: Athena) -> dict[str, int]:
    async with athena.database.acquire() as connection:
        rows = await connection.fetch("SELECT content, recalls FROM memory_use u JOIN memory m ON m.id = u.memory_id")
    return {row["content"]: row["recalls"] for row in rows}


async def age(athena: Athena, id: str, days: int) -> None:
    await value(
        athena,
        "UPDATE memory SET (recorded_at, last_seen_at, valid_from) = (SELECT t, t, t FROM (SELECT now() - $2 * "
        "interval '1 day') _ (t)) WHERE uid = $1",
        id,
        days,
    )


async def test_each_recall_counts_what_it_told(athena: Athena) -> None:
    [tea, _] = await told(athena, "Ada drinks green tea", "the boat is in the harbour")
    for _ in range(3):
        await recalled(athena, "what does Ada drink?", limit=1)

    async def counted() -> bool:
        return await uses(athena) == {"Ada drinks green tea": 3}

    await until(counted, 10)
    memory = await athena.memory.get(tea)
    assert memory.recalls == 3
    assert memory.last_recalled_at is not None
    assert datetime.now(UTC) - memory.last_recalled_at < timedelta(minutes=1)
    assert {each.recalls for each in (await athena.memory.list(Filter())).memories} == {0, 3}
    assert (await hits_by_content(athena, "green tea"))["Ada drinks green tea"].memory.recalls == 3


async def test_looking_is_not_recalling(athena: Athena) -> None:
    [tea] = await told(athena, "Ada drinks green tea")
    await athena.memory.get(tea)
    await athena.memory.list(Filter())
    await athena.health()
    assert (await athena.memory.glance("green tea", Filter())).hits
    # A preview of what the gateway would send recalls without telling anybody.
    assert await Notes(athena.memory.glance)("what does Ada drink?", project="default", session=None)
    await athena.memory.aclose()
    assert await uses(athena) == {}
    notes = Notes(athena.memory.glance, athena.memory.told)
    assert await notes("what does Ada drink?", project="default", session=None)
    await athena.memory.aclose()
    assert await uses(athena) == {"Ada drinks green tea": 1}


async def test_nothing_is_lost_when_a_process_ends(dsn: str, embedding_server: LlamaServer, test_home: Any) -> None:
    settings = settings_for(dsn, embedding_server.url, test_home)
    async with built(settings) as athena:
        await told(athena, "Ada drinks green tea")
        await asyncio.gather(*(recalled(athena, "green tea") for _ in range(20)))
    async with built(settings) as athena:
        assert await uses(athena) == {"Ada drinks green tea": 20}


async def test_without_postgresql_what_waits_is_bounded_and_nobody_sees_an_error(
    athena: Athena, monkeypatch: pytest.MonkeyPatch
) -> None:
    [tea, *_] = await told(athena, "Ada drinks green tea", "the boat is in the harbour", "red car")
    memories = list((await athena.memory.list(Filter())).memories)
    monkeypatch.setattr("athena.memory.use._MOST_WAITING", 2)
    away = Uses(Database(NEVER))
    away.count(memories)
    away.count(memories)
    with pytest.raises(StoreUnavailable):
        await away.flush()
    away.count(memories)
    await away.aclose()
    away._database = athena.database  # it comes back
    await away.aclose()
    assert sorted((await uses(athena)).values()) == [3, 3]
    assert await athena.memory.get(tea)


async def test_a_count_of_what_was_forgotten_meanwhile_is_dropped(athena: Athena) -> None:
    [tea, boat] = await told(athena, "Ada drinks green tea", "the boat is in the harbour")
    await recalled(athena, "green tea and the boat")
    await athena.memory.forget([tea])
    await athena.memory.aclose()
    assert await uses(athena) == {"the boat is in the harbour": 1}
    assert (await athena.memory.get(boat)).recalls == 1


async def test_strength_fades_and_use_keeps_it(athena: Athena) -> None:
    [fresh, old, used] = await told(athena, "a grey heron", "a grey hen", "a grey horse", importance=0.8)
    await age(athena, old, 360)
    await age(athena, used, 360)

    async def part(content: str, where: Filter = EVERYTHING) -> float:
        return (await hits_by_content(athena, "grey", where))[content].explanation["importance"]

    new, faded = await part("a grey heron"), await part("a grey hen")
    assert new == pytest.approx(0.2 * (0.8 - 0.5), abs=1e-4)
    # 360 days, a half-life of 90 days × 1.3 for its importance, and a floor of 0.3.
    assert faded == pytest.approx(0.2 * (0.8 * (0.3 + 0.7 * 2 ** (-360 / 117)) - 0.5), abs=1e-3)
    await value(athena, "UPDATE memory_use SET recalls = 0, last_recalled_at = now() - interval '360 days'")
    await value(athena, "DELETE FROM memory_use")
    await value(
        athena,
        "INSERT INTO memory_use SELECT id, project_id, 20, now() - interval '360 days' FROM memory WHERE uid = $1",
        used,
    )
    assert faded < await part("a grey horse") < new, "what was recalled often fades more slowly"
    await value(athena, "UPDATE memory_use SET last_recalled_at = now() WHERE recalls >= 20")
    assert await part("a grey horse") == pytest.approx(new, abs=1e-4)
    # Of the past, later use says nothing.
    past = Filter(as_of=datetime.now(UTC) - timedelta(days=30))
    assert await part("a grey horse", past) == pytest.approx(await part("a grey hen", past), abs=1e-6)
    assert await athena.memory.get(fresh)


async def test_what_is_of_today_is_ranked_as_ever(athena: Athena) -> None:
    contents = [f"note {n} about the {word}" for n, word in enumerate(["tea", "tea pot", "pot", "tea leaf"] * 3)]
    await told(athena, *contents)
    first = await athena.memory.recall("the tea pot", Filter(), limit=12)
    await athena.memory.aclose()
    again = await athena.memory.recall("the tea pot", Filter(), limit=12)
    assert [(hit.memory.id, hit.score) for hit in again.hits] == [(hit.memory.id, hit.score) for hit in first.hits]
    assert {hit.explanation["importance"] for hit in again.hits} == {0.0}


async def test_what_expires_is_gone_at_once_and_forgotten_by_the_hourly_job(athena: Athena) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    [code] = await told(athena, "the door code is 4711", expires_at=soon)
    [kept] = await told(athena, "the door is blue", expires_at=soon + timedelta(days=1))
    first = await athena.memory.supersede(kept, NewMemory("the door is green", expires_at=soon + timedelta(days=2)))
    assert await recalled(athena, "door code", limit=1) == ["the door code is 4711"]
    await value(
        athena, "UPDATE memory SET expires_at = now() - interval '1 s' WHERE uid = ANY ($1::uuid[])", [code, kept]
    )
    assert await recalled(athena, "door code") == ["the door is green"]
    with pytest.raises(NotFound):
        await athena.memory.get(code)
    with pytest.raises(NotFound):
        await athena.memory.supersede(code, NewMemory("the door code is 1147"))
    await athena.memory.tidy()
    assert await value(athena, "SELECT count(*) FROM memory WHERE uid = ANY ($1::uuid[])", [code, kept]) == 0
    assert await value(athena, "SELECT count(*) FROM tombstone WHERE uid = ANY ($1::uuid[])", [code, kept]) == 2
    assert (await athena.memory.get(first.id)).content == "the door is green"
    assert await value(athena, "SELECT count(*) FROM posting WHERE lexeme = '4711'") == 0


async def test_what_is_said_again_after_it_expired_is_kept(athena: Athena) -> None:
    [code] = await told(athena, "the door code is 4711", expires_at=datetime.now(UTC) + timedelta(hours=1))
    await value(athena, "UPDATE memory SET expires_at = now() - interval '1 s' WHERE uid = $1", code)
    await told(athena, "the door code is 4711")
    await athena.memory.tidy()
    assert await recalled(athena, "door code") == ["the door code is 4711"]


async def test_what_is_never_recalled_is_reported(athena: Athena) -> None:
    ids = await told(athena, *(f"note number {n}" for n in range(5)), scope=Scope("p"))
    await told(athena, "a note of another project")
    for id in ids[:4]:
        await age(athena, id, 60)
    await recalled(athena, "note number 1", within(project="p"), limit=1)
    await athena.memory.aclose()
    page = await athena.memory.unused("p", limit=2)
    assert (page.count, page.total) == (3, 5)
    assert [each.content for each in page.memories] == ["note number 0", "note number 2"]
    rest = await athena.memory.unused("p", limit=2, cursor=page.next_cursor)
    assert ([each.content for each in rest.memories], rest.next_cursor) == (["note number 3"], None)
    assert (await athena.memory.unused("p", older_than_days=0)).count == 4
    assert (await athena.memory.unused("nowhere")).total == 0
    assert page.oldest is not None
    assert page.oldest < datetime.now(UTC) - timedelta(days=59)


async def test_over_http_and_as_a_command(environment: dict[str, str]) -> None:
    url = f"http://127.0.0.1:{environment['ATHENA_PORT']}/api/v1/memories"
    async with httpx.AsyncClient() as http:
        stored = (await http.post(url, json={"content": "Ada drinks green tea"})).json()
        assert stored["reason"] is None
        page = (await http.get(f"{url}/unused", params={"older_than_days": 0})).json()
        assert (page["count"], page["total"], page["share"]) == (1, 1, 1.0)
        assert page["hint"] == f"athena forget {stored['id']}"
        told_by = await answer(unused.app, environment, "unused", "--older-than", "0")
        assert [each["id"] for each in told_by["memories"]] == [stored["id"]]
        assert "1 of 1 memories" in (await run(unused.app, environment, "unused", "--older-than", "0")).stdout
        await http.post(f"{url}/search", json={"query": "green tea"})

        async def counted() -> bool:
            return bool((await http.get(f"{url}/{stored['id']}")).json()["recalls"] == 1)

        await until(counted, 10)
    assert "nothing that old" in (await run(unused.app, environment, "unused", "--older-than", "0")).stdout


async def test_twins_give_one_answer_and_the_other_one_stands_in(athena: Athena) -> None:
    [a, b, c] = await told(athena, *(f"Ada lives in {which} old mill by the river" for which in ("the", "an", "that")))
    for twin in (b, c):
        await value(
            athena,
            "INSERT INTO twin SELECT t.id, o.id, 0.97 FROM memory t, memory o WHERE t.uid = $1 AND o.uid = $2",
            twin,
            a,
        )
    assert len(await recalled(athena, "where does Ada live?")) == 1
    assert (await athena.memory.get(b)).twin_of == a
    await athena.memory.forget([a])
    assert len(await recalled(athena, "where does Ada live?")) == 1
    assert (await athena.memory.get(c)).twin_of == b
    await athena.memory.forget([b])
    assert await recalled(athena, "where does Ada live?") == ["Ada lives in that old mill by the river"]
    assert (await athena.memory.get(c)).twin_of is None


async def test_events_of_long_ago_that_were_told_today_are_fresh(athena: Athena) -> None:
    await told(athena, "Ada met Bob", kind=Kind.EVENT, occurred_at=day(2019))
    [hit] = (await hits_by_content(athena, "Ada")).values()
    assert hit.explanation["importance"] == 0.0
