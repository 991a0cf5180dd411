"""What must hold of consolidation whatever is remembered, superseded, forgotten and undone, in any order."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from athena.bootstrap import Athena
from athena.errors import Conflict, NotFound
from athena.memory.types import Filter, Kind, NewMemory, Scope

few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

MONDAY = datetime(2026, 3, 2, 7, tzinfo=UTC)
_ROUTINES = (
    "Went for a run along the river before work",
    "Watered the tomatoes on the balcony",
    "Backed up the photo archive to the cold drive",
)
_PLACES = ("Lisbon", "Turin", "Ghent")
_TEAS = ("Assam", "Oolong", "Sencha")
_happening = st.builds(
    lambda text, week, hour: NewMemory(text, Kind.EVENT, occurred_at=MONDAY + timedelta(weeks=week, hours=hour)),
    st.sampled_from(_ROUTINES),
    st.integers(0, 12),
    st.sampled_from([0, 1, 9]),
)
_stated = st.builds(
    lambda template, value, week: NewMemory(
        template.format(value), Kind.PREFERENCE, occurred_at=MONDAY + timedelta(weeks=week, hours=3)
    ),
    st.sampled_from(["My favourite tea is {}", "I live in {} these days"]),
    st.sampled_from([*_TEAS, *_PLACES]),
    st.integers(0, 12),
)
_odd = st.builds(
    lambda number, week: NewMemory(
        f"Something that happened once, the {number}th of its sort",
        Kind.EVENT,
        occurred_at=MONDAY + timedelta(days=week),
    ),
    st.integers(0, 999),
    st.integers(0, 90),
)
_experience = st.lists(st.one_of(_happening, _happening, _happening, _stated, _odd), min_size=4, max_size=40)
_TABLES = {
    "memory": "SELECT m::text AS r FROM memory m JOIN project p ON p.id = m.project_id WHERE p.name = $1",
    "posting": "SELECT o::text AS r FROM posting o JOIN project p ON p.id = o.project_id WHERE p.name = $1",
    "evidence": "SELECT e::text AS r FROM evidence e JOIN memory m ON m.id = e.pattern_id"
    " JOIN project p ON p.id = m.project_id WHERE p.name = $1",
    "twin": "SELECT t::text AS r FROM twin t JOIN memory m ON m.id = t.memory_id"
    " JOIN project p ON p.id = m.project_id WHERE p.name = $1",
    "review": "SELECT v::text AS r FROM review v JOIN memory m ON m.id = v.memory_id"
    " JOIN project p ON p.id = m.project_id WHERE p.name = $1",
    "validity": "SELECT v::text AS r FROM validity v JOIN memory m ON m.id = v.memory_id"
    " JOIN project p ON p.id = m.project_id WHERE p.name = $1",
}


async def _state(athena: Athena, project: str) -> dict[str, list[str]]:
    async with athena.database.acquire() as connection:
        return {name: sorted(row["r"] for row in await connection.fetch(sql, project)) for name, sql in _TABLES.items()}


async def _count(athena: Athena, sql: str) -> int:
    async with athena.database.acquire() as connection:
        return int(await connection.fetchval(sql))


def _placed(items: list[NewMemory], project: str) -> list[NewMemory]:
    return [NewMemory(m.content, m.kind, Scope(project), occurred_at=m.occurred_at) for m in items]


@few
@given(_experience)
async def test_a_second_run_changes_nothing_and_an_undo_is_exact(athena: Athena, experience: list[NewMemory]) -> None:
    project = uuid.uuid4().hex
    await athena.memory.remember(_placed(experience, project), wait_s=30)
    empty = await _state(athena, project)
    first = await athena.consolidation.run(project, wait_s=60)
    full = await _state(athena, project)
    assert (await athena.consolidation.run(project, wait_s=60)).changes == 0
    assert await _state(athena, project) == full
    undone = await athena.consolidation.undo(first.id)
    assert undone.kept == ()
    assert await _state(athena, project) == empty


_steps = st.lists(
    st.one_of(
        st.tuples(st.just("remember"), _experience),
        st.tuples(st.just("consolidate"), st.none()),
        st.tuples(st.just("forget"), st.integers(0, 99)),
        st.tuples(st.just("supersede"), st.integers(0, 99)),
        st.tuples(st.just("undo"), st.integers(0, 9)),
    ),
    min_size=3,
    max_size=8,
)


@few
@given(_experience, _steps)
async def test_evidence_never_dangles_and_what_was_remembered_is_there(
    athena: Athena, first: list[NewMemory], steps: list[tuple[str, Any]]
) -> None:
    project = uuid.uuid4().hex
    kept: set[str] = set()
    for verb, what in [("remember", first), ("consolidate", None), *steps, ("consolidate", None)]:
        mine = sorted(kept)
        if verb == "remember":
            receipts = await athena.memory.remember(_placed(what, project), wait_s=30)
            kept |= {receipt.id for receipt in receipts}
        elif verb == "consolidate":
            await athena.consolidation.run(project, wait_s=60)
        elif verb == "forget" and mine:
            gone = await athena.memory.forget([mine[what % len(mine)]])
            kept -= set(gone.ids)
        elif verb == "supersede" and mine:
            try:
                new = NewMemory(f"Said otherwise now, for the {what}th time")
                kept.add((await athena.memory.supersede(mine[what % len(mine)], new)).id)
            except Conflict:
                pass
        elif verb == "undo" and (runs := await athena.consolidation.list(project)):
            await athena.consolidation.undo(runs[what % len(runs)].id, with_later=True)
        await _whole(athena, project, kept)


async def _whole(athena: Athena, project: str, kept: set[str]) -> None:
    for id in kept:
        try:
            await athena.memory.get(id)
        except NotFound:
            raise AssertionError(f"{id} was remembered, not forgotten, and isn't there") from None
    async with athena.database.acquire() as connection:
        lonely = await connection.fetch(
            "SELECT m.content FROM memory m JOIN project p ON p.id = m.project_id"
            " WHERE p.name = $1 AND m.derived AND NOT EXISTS (SELECT FROM evidence e WHERE e.pattern_id = m.id)",
            project,
        )
        quoted = await connection.fetch(
            "SELECT e.quote, m.content FROM evidence e JOIN memory m ON m.id = e.memory_id"
            " JOIN project p ON p.id = m.project_id WHERE p.name = $1",
            project,
        )
    assert lonely == []
    assert all(_normal(row["quote"]).rstrip(".…") in _normal(row["content"]) for row in quoted)


def _normal(text: str) -> str:
    return " ".join(text.split()).casefold()


@few
@given(_experience, _experience)
async def test_a_recall_as_of_what_was_known_then_answers_as_it_did_then(
    athena: Athena, before: list[NewMemory], after: list[NewMemory]
) -> None:
    project = uuid.uuid4().hex
    where = Scope(project)
    await athena.memory.remember(_placed(before, project), wait_s=30)
    async with athena.database.acquire() as connection:
        moment = await connection.fetchval("SELECT clock_timestamp()")
    query = "tea, Lisbon, a run, the tomatoes, the photo archive, something"
    then = await athena.memory.recall(query, Filter(where, as_of=moment), limit=200)
    await athena.consolidation.run(project, wait_s=60)
    await athena.memory.remember(_placed(after, project), wait_s=30)
    await athena.consolidation.run(project, wait_s=60)
    now = await athena.memory.recall(query, Filter(where, known_at=moment), limit=200)
    # Words and neighbours of what came later may bring another order.
    assert {hit.memory.id for hit in now.hits} == {hit.memory.id for hit in then.hits}
    assert now.patterns == ()
