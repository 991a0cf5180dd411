"""Runs over a real PostgreSQL: what they conclude, that they can be repeated, undone and interrupted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from athena.bootstrap import Athena
from athena.consolidation import ConsolidationPipeline
from athena.consolidation.pipeline import Run
from athena.errors import Conflict, NotFound, Unavailable
from athena.memory.types import Filter, Kind, NewMemory, Scope
from tests.integration.memories import told

MONDAY = datetime(2026, 3, 2, 7, tzinfo=UTC)
# What a run may change. Not the runs' own records, nor what is worked off in the background.
TABLES = ("memory", "posting", "evidence", "twin", "review", "validity", "tombstone", "rejection")


def routine(weeks: range, text: str = "Went for a run along the river before work", **more: Any) -> list[NewMemory]:
    return [
        NewMemory(text, Kind.EVENT, occurred_at=MONDAY + timedelta(weeks=week, minutes=week % 3), **more)
        for week in weeks
    ]


def preference(text: str, week: int) -> NewMemory:
    return NewMemory(text, Kind.PREFERENCE, occurred_at=MONDAY + timedelta(weeks=week, hours=3))


NOISE = [
    NewMemory(text, Kind.EVENT, occurred_at=MONDAY + timedelta(days=3 * day, hours=9))
    for day, text in enumerate(
        ("The kitchen tap dripped and a plumber came", "Watched a documentary about octopuses", "Bought a green lamp")
    )
]


async def remembered(athena: Athena, items: Sequence[NewMemory]) -> list[str]:
    return [receipt.id for receipt in await athena.memory.remember(items, wait_s=30)]


async def consolidated(athena: Athena, project: str = "default") -> Run:
    return await athena.consolidation.run(project, wait_s=60)


async def rows(athena: Athena, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    async with athena.database.acquire() as connection:
        return [dict(row) for row in await connection.fetch(sql, *parameters)]


async def patterns(athena: Athena) -> list[dict[str, Any]]:
    """Those that stand, oldest first."""
    found = await rows(
        athena,
        "SELECT uid::text, content, metadata::text, valid_until, superseded_by FROM memory"
        " WHERE derived AND superseded_by IS NULL ORDER BY id",
    )
    return [{**row, "pattern": json.loads(row["metadata"])["pattern"]} for row in found]


async def everything(athena: Athena) -> dict[str, list[str]]:
    """Each table's rows as text, sorted."""
    return {
        table: sorted(row["r"] for row in await rows(athena, f"SELECT t::text AS r FROM {table} t")) for table in TABLES
    }


async def test_a_routine_becomes_a_pattern_with_its_evidence_and_one_offs_do_not(athena: Athena) -> None:
    ids = await remembered(athena, routine(range(6)))
    await remembered(athena, NOISE)
    run = await consolidated(athena)
    assert (run.state, run.counts["concluded"], run.counts["events"]) == ("done", 1, 9)
    (pattern,) = await patterns(athena)
    assert pattern["pattern"]["type"] == "routine"
    assert "Monday" in pattern["content"]
    assert pattern["pattern"]["support"] == 6
    evidence = await rows(
        athena,
        "SELECT m.uid::text AS uid, quote FROM evidence e JOIN memory m ON m.id = e.memory_id"
        " JOIN memory p ON p.id = e.pattern_id WHERE p.uid::text = $1",
        pattern["uid"],
    )
    assert {row["uid"] for row in evidence} == set(ids)
    assert all(row["quote"] in "Went for a run along the river before work" for row in evidence)


async def test_what_was_concluded_stands_beside_a_recall_and_never_in_the_place_of_what_was_remembered(
    athena: Athena,
) -> None:
    await remembered(athena, [*routine(range(6)), *NOISE])
    before = await athena.memory.recall("running before work", Filter())
    await consolidated(athena)
    after = await athena.memory.recall("running before work", Filter())
    assert [hit.memory.id for hit in after.hits] == [hit.memory.id for hit in before.hits]
    assert [(known.memory.kind, len(known.because)) for known in after.patterns] == [(Kind.PATTERN, 6)]
    named = await athena.memory.recall("running before work", Filter(kinds=(Kind.PATTERN,)))
    assert [hit.memory.id for hit in named.hits] == [after.patterns[0].memory.id]


async def test_a_second_run_changes_nothing(athena: Athena) -> None:
    await remembered(
        athena,
        [
            *routine(range(6)),
            *NOISE,
            preference("My favourite tea is Assam", 0),
            preference("My favourite tea is Oolong", 4),
        ],
    )
    first = await consolidated(athena)
    kept = await everything(athena)
    second = await consolidated(athena)
    assert first.changes > 0
    assert second.changes == 0
    assert await everything(athena) == kept


async def test_what_comes_later_is_added_to_the_pattern_that_is_there(athena: Athena) -> None:
    await remembered(athena, routine(range(5)))
    await consolidated(athena)
    (first,) = await patterns(athena)
    await remembered(athena, routine(range(5, 9)))
    run = await consolidated(athena)
    (second,) = await patterns(athena)
    assert run.counts["supported"] == 4
    assert second["uid"] == first["uid"]
    assert (first["pattern"]["support"], second["pattern"]["support"]) == (5, 9)


async def test_a_contradiction_closes_what_was_said_and_keeps_both(athena: Athena) -> None:
    old, new = await remembered(
        athena, [preference("My favourite tea is Assam", 0), preference("My favourite tea is Oolong", 4)]
    )
    await consolidated(athena)
    (was,) = await rows(athena, "SELECT valid_until, superseded_by::text FROM memory WHERE uid::text = $1", old)
    assert was == {"valid_until": MONDAY + timedelta(weeks=4, hours=3), "superseded_by": new}
    now = await athena.memory.recall("favourite tea", Filter())
    assert [hit.memory.id for hit in now.hits] == [new]
    then = await athena.memory.recall("favourite tea", Filter(as_of=MONDAY + timedelta(weeks=2)))
    assert [hit.memory.id for hit in then.hits] == [old]
    assert [(p["pattern"]["type"], p["pattern"]["old"], p["pattern"]["new"]) for p in await patterns(athena)] == [
        ("change", old, new)
    ]


async def test_events_that_contradict_each_other_stay_as_they_are(athena: Athena) -> None:
    ids = await remembered(
        athena,
        [
            NewMemory("The staging port is 8080", Kind.EVENT, occurred_at=MONDAY),
            NewMemory("The staging port is 9090", Kind.EVENT, occurred_at=MONDAY + timedelta(days=9)),
        ],
    )
    await consolidated(athena)
    assert {hit.memory.id for hit in (await athena.memory.recall("staging port", Filter())).hits} == set(ids)


async def test_undo_restores_exactly_what_was_before(athena: Athena) -> None:
    await remembered(
        athena,
        [
            *routine(range(6)),
            *NOISE,
            preference("My favourite tea is Assam", 0),
            preference("My favourite tea is Oolong", 4),
        ],
    )
    before = await everything(athena)
    run = await consolidated(athena)
    assert await everything(athena) != before
    undone = await athena.consolidation.undo(run.id)
    assert (undone.runs, undone.kept) == ((run.id,), ())
    assert await everything(athena) == before
    assert (await athena.consolidation.get(run.id)).state == "undone"
    # Once more is no harm, and the next run finds it all again.
    assert (await athena.consolidation.undo(run.id)).changes == 0
    assert (await consolidated(athena)).changes == run.changes


async def test_a_run_that_others_stand_on_is_undone_with_them_only(athena: Athena) -> None:
    await remembered(athena, routine(range(5)))
    empty = await everything(athena)
    first = await consolidated(athena)
    await remembered(athena, routine(range(5, 9)))
    second = await consolidated(athena)
    with pytest.raises(Conflict, match=rf"\({second.id}\)"):
        await athena.consolidation.undo(first.id)
    undone = await athena.consolidation.undo(first.id, with_later=True)
    assert undone.runs == (second.id, first.id)
    left = await everything(athena)
    assert {table: left[table] for table in ("evidence", "validity", "review")} == {
        table: empty[table] for table in ("evidence", "validity", "review")
    }
    assert await patterns(athena) == []


async def test_what_somebody_changed_since_is_kept_by_an_undo(athena: Athena) -> None:
    await remembered(athena, routine(range(6)))
    run = await consolidated(athena)
    (pattern,) = await patterns(athena)
    mine = await athena.memory.supersede(pattern["uid"], NewMemory("Runs on Mondays, rain or shine"))
    undone = await athena.consolidation.undo(run.id)
    assert undone.kept == (pattern["uid"],)
    assert (await athena.memory.get(mine.id)).content == "Runs on Mondays, rain or shine"


async def test_a_persons_own_words_for_a_pattern_stay(athena: Athena) -> None:
    await remembered(athena, routine(range(6)))
    await consolidated(athena)
    (pattern,) = await patterns(athena)
    await athena.memory.supersede(pattern["uid"], NewMemory("Runs on Mondays, rain or shine"))
    await remembered(athena, routine(range(6, 9)))
    assert (await consolidated(athena)).changes == 0


async def test_a_run_that_was_interrupted_is_taken_up_again(athena: Athena, monkeypatch: pytest.MonkeyPatch) -> None:
    await remembered(athena, [*routine(range(6)), *routine(range(6), "Watered the tomatoes on the balcony")])
    monkeypatch.setattr("athena.consolidation.pipeline._BATCH", 1)
    stopped = asyncio.Event()

    async def progress(stage: str, done: int, total: int) -> None:
        if stage == "patterns" and done == 1:
            stopped.set()
            await asyncio.sleep(60)

    pipeline = ConsolidationPipeline(athena.consolidation._bank)
    task = asyncio.create_task(pipeline.run("default", progress=progress))
    await asyncio.wait_for(stopped.wait(), 60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    (interrupted,) = await athena.consolidation.list()
    assert (interrupted.state, interrupted.changes) == ("running", 1)
    run = await consolidated(athena)
    assert (run.id, run.state, run.counts["concluded"]) == (interrupted.id, "done", 2)
    assert len(await patterns(athena)) == 2
    before = await athena.consolidation.undo(run.id)
    assert (before.kept, await patterns(athena)) == ((), [])


async def test_one_run_at_a_time(athena: Athena) -> None:
    await remembered(athena, routine(range(6)))
    pipelines = [ConsolidationPipeline(athena.consolidation._bank) for _ in range(4)]
    ended = await asyncio.gather(*(each.run("default") for each in pipelines), return_exceptions=True)
    runs = [each for each in ended if isinstance(each, Run)]
    assert len(runs) >= 1
    assert all(isinstance(each, Conflict) for each in ended if not isinstance(each, Run))
    assert len(await patterns(athena)) == 1


async def test_a_pattern_that_a_person_forgot_is_not_found_again(athena: Athena) -> None:
    await remembered(athena, routine(range(6)))
    await consolidated(athena)
    (pattern,) = await patterns(athena)
    await athena.memory.forget([pattern["uid"]])
    await remembered(athena, routine(range(6, 8)))
    await consolidated(athena)
    assert await patterns(athena) == []


async def test_a_preview_changes_nothing(athena: Athena) -> None:
    await remembered(athena, [*routine(range(6)), *NOISE])
    before = await everything(athena)
    preview = await athena.consolidation.preview("default")
    assert (preview.events, [p["support"] for p in preview.patterns]) == (9, [6])
    assert await everything(athena) == before
    assert await athena.consolidation.list() == []


async def test_scopes_stay_apart(athena: Athena) -> None:
    await remembered(athena, routine(range(2), scope=Scope(user_id="ada")))
    await remembered(athena, routine(range(2), scope=Scope(user_id="ben")))
    await remembered(athena, routine(range(6), scope=Scope(project="elsewhere", user_id="ada")))
    assert (await consolidated(athena)).changes == 0
    assert (await consolidated(athena, "elsewhere")).counts["concluded"] == 1
    found = await athena.memory.recall("run", Filter(Scope("elsewhere", user_id="ada")))
    assert len(found.patterns) == 1
    assert (await athena.memory.recall("run", Filter(Scope("elsewhere", user_id="ben")))).patterns == ()


async def test_a_project_that_nobody_wrote_to(athena: Athena) -> None:
    with pytest.raises(NotFound):
        await consolidated(athena, "nowhere")
    await told(athena, "only this")
    assert (await consolidated(athena)).changes == 0


async def test_a_large_project_is_analysed_in_a_process_of_its_own(
    athena: Athena, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("athena.consolidation.apart._SMALL", 0)
    await remembered(athena, [*routine(range(6)), *NOISE])
    run = await consolidated(athena)
    assert (run.counts["concluded"], set(run.counts["seconds"])) == (1, {"read", "analyse"})


async def test_an_analysis_that_dies_is_said_and_the_next_run_works(
    athena: Athena, monkeypatch: pytest.MonkeyPatch
) -> None:
    await remembered(athena, routine(range(6)))
    with monkeypatch.context() as patched:
        patched.setattr("athena.consolidation.apart._SMALL", 0)
        patched.setattr("sys.executable", "/bin/false")
        with pytest.raises(Unavailable, match="ended early"):
            await consolidated(athena)
    (failed,) = await athena.consolidation.list()
    assert (failed.state, failed.changes) == ("failed", 0)
    assert "ended early" in (failed.error or "")
    assert (await consolidated(athena)).counts["concluded"] == 1


async def test_what_a_person_put_back_is_not_closed_again(athena: Athena) -> None:
    old, _ = await remembered(
        athena, [preference("My favourite tea is Assam", 0), preference("My favourite tea is Oolong", 4)]
    )
    await consolidated(athena)
    await athena.memory.restore(old)
    await consolidated(athena)
    assert (await athena.memory.get(old)).superseded_by is None
