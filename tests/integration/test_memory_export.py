"""Out and in again: nothing is lost, nothing comes twice, nothing is half done."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from athena.bootstrap import Athena
from athena.errors import Conflict, InvalidInput, Unavailable
from athena.memory.types import Filter, Kind, NewMemory, Scope
from tests.integration.conftest import LlamaServer, built, settings_for
from tests.integration.exports import edited, emptied, empty_athena, exported, imported, index, memories, sizes
from tests.integration.memories import recalled, told, value

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60)
_name = st.none() | st.sampled_from(["one", "zwei ", "\N{SNOWMAN}", "\u2028"]) | _text
_when = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda moment: moment.replace(tzinfo=UTC))
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, 0.1, 1e-300, 1e16, 1.5e300, -0.0])
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def _memory(draw: st.DrawFn) -> NewMemory:
    since, until = draw(st.none() | _when), draw(st.none() | _when)
    if since and until and until < since:
        since, until = until, since
    return NewMemory(
        content=draw(_text),
        kind=draw(st.sampled_from(list(Kind))),
        scope=Scope(draw(st.sampled_from(["p", "q"]) | _text), draw(_name), draw(_name), draw(_name)),
        occurred_at=draw(st.none() | _when),
        valid_from=since,
        valid_until=until,
        importance=draw(st.floats(0, 1)),
        tags=tuple(draw(st.lists(_text, max_size=3))),
        metadata=draw(st.dictionaries(_text, _json, max_size=3)),
        source=draw(st.none() | _text),
        expires_at=draw(st.none() | st.datetimes(datetime(2040, 1, 1), datetime(9999, 12, 30)).map(_in_utc)),
    )


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


@pytest.fixture
async def here(postgres_dsn: str, test_home: Path) -> AsyncIterator[Athena]:
    async with empty_athena(postgres_dsn, test_home) as athena:
        yield athena


@pytest.fixture
async def there(postgres_dsn: str, test_home: Path) -> AsyncIterator[Athena]:
    async with empty_athena(postgres_dsn, test_home) as athena:
        yield athena


async def _live(athena: Athena, batches: list[list[NewMemory]], acts: list[tuple[str, int, NewMemory]]) -> None:
    ids = [r.id for batch in batches for r in await athena.memory.remember(batch)]
    for act, which, new in acts:
        id = ids[which % len(ids)]
        try:
            if act == "supersede":
                ids.append((await athena.memory.supersede(id, new)).id)
            elif act == "restore":
                await athena.memory.restore(id)
            elif act == "link":
                await _link(athena, id, ids[len(new.content) % len(ids)], new)
            elif act == "forget":
                ids = [each for each in ids if each not in set((await athena.memory.forget([id])).ids)] or ids
            else:
                await athena.memory.remember([new, new])
        except Conflict:
            continue
        except Exception as exc:
            if type(exc).__name__ != "NotFound":
                raise


async def _link(athena: Athena, one: str, other: str, new: NewMemory) -> None:
    """What consolidation does to memories."""
    about = [uuid.UUID(one), uuid.UUID(other)]
    async with athena.database.acquire() as connection:
        await connection.execute(
            "INSERT INTO evidence SELECT p.id, m.id, $3 FROM memory p, memory m WHERE p.uid = $1 AND m.uid = $2"
            " ON CONFLICT DO NOTHING",
            *(*about, new.content),
        )
        await connection.execute(
            "INSERT INTO twin SELECT p.id, m.id, $3 FROM memory p, memory m WHERE p.uid = $1 AND m.uid = $2"
            " ON CONFLICT DO NOTHING",
            *(*about, new.importance),
        )
        await connection.execute(
            "INSERT INTO review SELECT p.id, m.id FROM memory p, memory m WHERE p.uid = $1 AND m.uid = $2"
            " ON CONFLICT DO NOTHING",
            *about,
        )
        await connection.execute(
            "INSERT INTO rejection (project_id, memories) SELECT project_id, $2 FROM memory WHERE uid = $1",
            *(about[0], about),
        )
        await connection.execute("UPDATE memory SET derived = true WHERE uid = $1", about[0])
        await connection.execute(
            "UPDATE memory m SET valid_until = greatest(valid_from, now()), superseded_by = $2"
            " WHERE uid = $1 AND superseded_by IS NULL AND lineage <> (SELECT lineage FROM memory WHERE uid = $2)",
            *about,
        )


_verbs = st.sampled_from(["supersede", "supersede", "forget", "again", "restore", "restore", "link"])


@few
@given(
    st.lists(st.lists(_memory(), min_size=1, max_size=6), min_size=1, max_size=4),
    st.lists(st.tuples(_verbs, st.integers(0, 99), _memory()), max_size=10),
    st.integers(1, 3_000),
)
async def test_out_in_and_out_again_gives_the_same_bytes(
    here: Athena,
    there: Athena,
    batches: list[list[NewMemory]],
    acts: list[tuple[str, int, NewMemory]],
    piece: int,
) -> None:
    await emptied(here)
    await emptied(there)
    await _live(here, batches, acts)
    for project in (None, batches[0][0].scope.project):
        await emptied(there)
        out = await exported(here, project)
        report = await imported(there, out, piece=piece)
        assert (report.created, report.left_out) == (len(memories(out)), ())
        assert await exported(there, project) == out
        before = await sizes(there)
        again = await imported(there, out)
        assert (again.created, again.known, again.left_out) == (0, report.memories, ())
        assert (again.evidence, again.twins, again.reviews, again.rejections, again.superseded) == (0, 0, 0, 0, 0)
        assert await exported(there, project) == out
        assert await sizes(there) == before


_HOUSE = [
    NewMemory("Ada: the cat sleeps on the warm roof", Kind.EVENT, Scope("house", session_id="s"), importance=0.8),
    NewMemory("Bob: she always does", Kind.EVENT, Scope("house", "bob", "a", "s"), tags=("x", "y"), source="chat"),
    NewMemory("Ada: not in winter", Kind.EVENT, Scope("house", session_id="s"), datetime(2026, 1, 5, tzinfo=UTC)),
    NewMemory("the roof is red", scope=Scope("house"), metadata={"n": 1.5}),
]


async def test_what_was_imported_is_found_and_lives_on_as_where_it_came_from(here: Athena, there: Athena) -> None:
    receipts = await here.memory.remember(_HOUSE)
    await here.memory.supersede(receipts[3].id, NewMemory("the roof is green"))
    await here.memory.remember([NewMemory("alice likes tea", scope=Scope("other"))])
    await imported(there, await exported(here))
    assert await index(there) == await index(here)
    for query in ("cat", "roof", "what happens in winter?"):
        where = Filter(Scope("house"))
        mine, theirs = [await athena.memory.recall(query, where) for athena in (here, there)]
        assert [(hit.memory, hit.score) for hit in theirs.hits] == [(hit.memory, hit.score) for hit in mine.hits]
    for athena in (here, there):
        (again,) = await athena.memory.remember([_HOUSE[0]])
        assert (again.id, again.status) == (receipts[0].id, "duplicate")
    assert await there.memory.history(receipts[3].id) == await here.memory.history(receipts[3].id)
    earlier = Filter(Scope("house"), as_of=datetime.now(UTC) - timedelta(days=1))
    assert await recalled(there, "roof", earlier) == await recalled(here, "roof", earlier)


async def test_a_project_is_exported_by_itself(here: Athena) -> None:
    await here.memory.remember([*_HOUSE, NewMemory("alice likes tea", scope=Scope("other"))])
    assert {each["project"] for each in memories(await exported(here, "house"))} == {"house"}
    assert memories(await exported(here, "nothing of this name")) == []
    assert len(memories(await exported(here))) == 5


async def test_numbers_longer_than_floats_come_through(here: Athena, there: Athena) -> None:
    await here.memory.remember([NewMemory("pi")])
    exact = '{"n": 3.14159265358979323846264338327950288, "m": 1.500}'
    async with here.database.acquire() as connection:
        await connection.execute("UPDATE memory SET metadata = $1::text::jsonb", exact)
    await imported(there, await exported(here))
    assert await value(there, "SELECT metadata = $1::text::jsonb FROM memory", exact)
    assert await value(there, "SELECT metadata::text LIKE '%3.14159265358979323846264338327950288%' FROM memory")


async def test_generations_go_by_reference_and_what_is_imported_gets_its_vectors(
    athena: Athena, there: Athena, postgres_dsn: str, embedding_server: LlamaServer, test_home: Path
) -> None:
    await told(athena, "alice likes coffee", "bob has a red car")
    out = await exported(athena)
    assert out.split(b"\n")[0].count(b'"embedding":{"model":"') == 1
    assert b'"dim":32' in out.split(b"\n")[0]
    await imported(there, out)
    assert await exported(there) == out
    dsn = there.database.dsn
    async with built(settings_for(dsn, embedding_server.url, test_home)) as with_vectors:
        # The outbox knows what is owed; nobody had to ask.
        async with asyncio.timeout(30):
            while await value(with_vectors, "SELECT count(DISTINCT memory_id) FROM embedding") < 2:
                await asyncio.sleep(0.05)
        assert await exported(with_vectors) == out
        await imported(with_vectors, edited(out, ("alice likes coffee", "carol likes milk")))
        assert await value(with_vectors, "SELECT count(*) FROM embedding_todo") == 0


async def test_an_import_owes_its_vectors_in_the_same_transaction(athena: Athena, there: Athena) -> None:
    await there.memory.remember([NewMemory(f"the dog {n} barks") for n in range(40)])
    report = await imported(athena, await exported(there))
    assert report.created == 40
    async with asyncio.timeout(30):
        while (await athena.memory.recall("dog", Filter(), limit=1)).pending:
            await asyncio.sleep(0.05)
    assert await value(athena, "SELECT count(*) FROM embedding") == 40


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("the roof is red", "\\u0000", 5),
        ('{"n": 1.5}', '{"n": "\\u0000"}', 5),
        ('{"n": 1.5}', '{"n": 1e999999}', 5),
        ('"importance":0.8', '"importance":8', 2),
        ('"content":"the roof is red"', '"content":"the roof is red', 5),
    ],
)
async def test_a_damaged_line_is_named_and_nothing_is_left_of_the_others(
    here: Athena, there: Athena, old: str, new: str, line: int
) -> None:
    await here.memory.remember(_HOUSE)
    out = edited(await exported(here), (old, new))
    before = await sizes(there)
    with pytest.raises(InvalidInput, match=rf"^line {line}: "):
        await imported(there, out)
    assert await sizes(there) == before
    assert (await imported(there, await exported(here))).created == 4


async def test_a_damaged_line_behind_many_good_ones_undoes_them(here: Athena, there: Athena) -> None:
    await here.memory.remember([NewMemory(f"fact {n}") for n in range(900)])
    out = await exported(here)
    with pytest.raises(InvalidInput, match=r"^line 902: .*cut off"):
        await imported(there, out[: out.rindex(b'{"record":"end"')])
    with pytest.raises(InvalidInput, match=r"^line 852: this can't be stored"):
        await imported(there, edited(out, ('"fact 850"', '"fact \\u0000"')))
    assert set((await sizes(there)).values()) == {0}


async def test_a_dry_run_tells_all_and_changes_nothing(here: Athena, there: Athena) -> None:
    await here.memory.remember(_HOUSE)
    out = await exported(here)
    before = await sizes(there)
    dry = await imported(there, out, dry_run=True)
    assert (dry.created, dry.dry_run) == (4, True)
    assert await sizes(there) == before
    # What a dry run made and undid isn't remembered as if it were there.
    assert (await there.memory.remember(_HOUSE))[0].status == "created"


async def test_an_export_is_one_state_whatever_is_written_meanwhile(here: Athena) -> None:
    receipts = await here.memory.remember([NewMemory(f"{n} " + "word " * 200) for n in range(600)])
    before = await exported(here)
    parts = here.memory.export()
    slow = await anext(parts)
    await here.memory.supersede(receipts[-1].id, NewMemory("something else"))
    await here.memory.forget([receipts[-2].id])
    await here.memory.remember([NewMemory("something new")])
    assert slow + b"".join([part async for part in parts]) == before
    assert await exported(here) != before


async def test_a_newer_export_brings_an_older_state_up_to_date_and_not_the_other_way_round(
    here: Athena, there: Athena
) -> None:
    (receipt,) = await here.memory.remember([NewMemory("the roof is red")])
    old = await exported(here)
    await imported(there, old)
    second = await here.memory.supersede(receipt.id, NewMemory("the roof is green"))
    await here.memory.supersede(second.id, NewMemory("the roof is red"))
    new = await exported(here)
    report = await imported(there, new)
    assert (report.created, report.superseded, report.left_out) == (2, 1, ())
    assert await exported(there) == new
    report = await imported(there, old)
    assert (report.created, report.known, report.superseded, report.conflicts) == (0, 1, 0, 0)
    assert await exported(there) == new


async def test_what_was_taken_back_there_is_taken_back_here_and_never_the_other_way_round(
    here: Athena, there: Athena
) -> None:
    (red,) = await here.memory.remember([NewMemory("the roof is red", valid_from=datetime(2020, 1, 1, tzinfo=UTC))])
    states = [await exported(here)]
    green = await here.memory.supersede(red.id, NewMemory("the roof is green"))
    for id in (None, red.id, green.id, red.id):
        if id:
            await here.memory.restore(id)
        states.append(await exported(here))
    for newer, state in enumerate(states):
        report = await imported(there, state)
        assert (report.conflicts, await exported(there)) == (0, state)
        for older in states[:newer]:
            report = await imported(there, older)
            assert (report.created, report.superseded, report.left_out) == (0, 0, ())
            assert await exported(there) == state
    assert await there.memory.history(red.id) == await here.memory.history(red.id)
    # Over several states at once, too.
    await emptied(there)
    await imported(there, states[0])
    await imported(there, states[-1])
    assert await exported(there) == states[-1]


async def test_evidence_of_what_is_not_here_is_left_out_and_named(here: Athena, there: Athena) -> None:
    *_, roof = await here.memory.remember(_HOUSE)
    (pattern,) = await here.memory.remember([NewMemory("the roof is warm", Kind.PATTERN, Scope("house"))])
    (other,) = await here.memory.remember([NewMemory("the roof is cold", Kind.PATTERN, Scope("elsewhere"))])
    async with here.database.acquire() as connection:
        await connection.execute(
            "INSERT INTO evidence SELECT p.id, m.id, 'roof' FROM memory p, memory m"
            " WHERE p.kind = 'pattern' AND p.project_id = m.project_id AND m.content LIKE '%roof%' AND p.id <> m.id"
        )
        for table in ("twin (memory_id, original_id, likeness)", "review (memory_id, because_id)"):
            likeness = ", 0.9" if "likeness" in table else ""
            await connection.execute(
                f"INSERT INTO {table} SELECT p.id, m.id{likeness} FROM memory p, memory m"
                " WHERE p.content LIKE '%warm' AND m.content LIKE '%red'"
            )
    out = await exported(here)
    header = json.loads(out.split(b"\n")[0])
    assert (header["evidence"], header["twins"], header["reviews"]) == (2, 1, 1)
    assert b"evidence" not in (await exported(here, "elsewhere")).split(b"\n", 1)[1]
    await imported(there, out)
    await there.memory.forget([roof.id])
    report = await imported(there, out)
    assert (report.forgotten, report.missing, report.evidence) == (1, 3, 0)
    assert {(each.id, each.why) for each in report.left_out if each.why == "missing"} == {
        (roof.id, "missing"),
        (pattern.id, "missing"),
    }
    assert [each.content for each in await there.memory.evidence(pattern.id)] == [_HOUSE[0].content]
    report = await imported(there, out, revive=True)
    assert (report.created, report.evidence, report.twins, report.reviews, report.missing) == (1, 1, 1, 1, 0)
    assert await there.memory.evidence(pattern.id) == await here.memory.evidence(pattern.id)
    assert await there.memory.evidence(other.id) == []
    bad = edited(out, ('"quote":"roof"', '"quote":"\\u0000"'))
    with pytest.raises(InvalidInput, match=r"^line 8: this can't be stored"):
        await imported(there, bad)
    fewer = edited(out, ('"twins":1', '"twins":2'))
    with pytest.raises(InvalidInput, match="there were 1 twins, and the header says 2"):
        await imported(there, fewer)


async def test_a_file_of_the_first_version_is_read(there: Athena) -> None:
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    version = (
        '{{"record":"memory","id":"{}","lineage":"{}","supersedes":{},"superseded_by":{},"project":"p",'
        '"memory_type":"fact","content":"alice likes {}","valid_from":"{}","valid_until":{},"recorded_at":"{}"}}'
    )
    moments = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
    data = "\n".join((
        '{"record":"header","format":"athena-memory","version":1,"memories":2,"tombstones":0}',
        version.format(first, first, "null", f'"{second}"', "tea", moments[0], f'"{moments[1]}"', moments[0]),
        version.format(second, first, f'"{first}"', "null", "milk", moments[1], "null", moments[1]),
        '{"record":"end"}', "",
    )).encode()  # fmt: skip
    assert (await imported(there, data)).created == 2
    assert (await imported(there, data)).known == 2
    where = Filter(Scope("p"))
    assert await recalled(there, "what does alice like", where) == ["alice likes milk"]
    # Nothing is known of what was believed before; what it says of itself is enough.
    assert (await there.memory.restore(first)).valid_until is None
    assert await recalled(there, "what does alice like", where) == ["alice likes tea"]
    assert (await imported(there, data)).left_out == ()
    assert await recalled(there, "what does alice like", where) == ["alice likes tea"]


async def test_what_was_forgotten_here_stays_forgotten_unless_told_otherwise(here: Athena, there: Athena) -> None:
    receipts = await here.memory.remember(_HOUSE)
    out = await exported(here)
    await imported(there, out)
    await there.memory.forget([receipts[0].id])
    report = await imported(there, out)
    assert (report.created, report.known, report.forgotten) == (0, 3, 1)
    assert [(each.line, each.id, each.why) for each in report.left_out] == [(2, receipts[0].id, "forgotten")]
    assert (await imported(there, out, revive=True)).created == 1
    assert {each["id"] for each in memories(await exported(there))} == {receipt.id for receipt in receipts}
    assert [step.action for step in await there.memory.history(receipts[0].id)] == ["remembered"]


async def test_an_import_forgets_nothing(here: Athena, there: Athena) -> None:
    receipts = await here.memory.remember(_HOUSE)
    await imported(there, await exported(here))
    await here.memory.forget([receipts[0].id])
    report = await imported(there, await exported(here))
    assert [(each.id, each.why) for each in report.left_out] == [(receipts[0].id, "remembered")]
    assert (await there.memory.get(receipts[0].id)).content == _HOUSE[0].content


async def test_the_same_fact_under_another_id_is_not_stored_again(here: Athena, there: Athena) -> None:
    await here.memory.remember(_HOUSE)
    (mine,) = await there.memory.remember([_HOUSE[3]])
    report = await imported(there, await exported(here))
    assert (report.created, report.duplicates, [each.line for each in report.left_out]) == (3, 1, [5])
    assert [each["id"] for each in memories(await exported(there)) if "red" in each["content"]] == [mine.id]


async def test_versions_that_went_apart_are_both_kept_and_named(here: Athena, there: Athena) -> None:
    (receipt,) = await here.memory.remember([NewMemory("the roof is red")])
    await imported(there, await exported(here))
    await here.memory.supersede(receipt.id, NewMemory("the roof is green"))
    await there.memory.supersede(receipt.id, NewMemory("the roof is blue"))
    report = await imported(there, await exported(here))
    assert (report.created, [each.why for each in report.left_out]) == (1, ["diverged"])
    assert {step.content for step in await there.memory.history(receipt.id)} == {
        f"the roof is {colour}" for colour in ("red", "green", "blue")
    }
    other = edited(await exported(here), ("the roof is red", "the roof is pink"))
    report = await imported(there, other)
    assert [each.why for each in report.left_out] == ["different"]
    assert (await there.memory.get(receipt.id)).content == "the roof is red"


async def test_a_file_made_elsewhere_needs_few_fields(there: Athena) -> None:
    id = str(uuid.uuid4())
    line = (
        f'{{"record":"memory","id":"{id}","project":"p","memory_type":"fact","content":"alice likes tea",'
        '"valid_from":"2026-01-01T00:00:00Z","recorded_at":"2026-01-01T02:00:00+02:00"}'
    )
    data = f'{{"record":"header","format":"athena-memory","version":1}}\n{line}\n{{"record":"end"}}\n'.encode()
    assert (await imported(there, data)).created == 1
    stored = await there.memory.get(id)
    assert (stored.recorded_at, stored.importance) == (datetime(2026, 1, 1, tzinfo=UTC), 0.5)
    (again,) = await there.memory.remember([NewMemory("alice likes tea", scope=Scope("p"))])
    assert (again.id, again.status) == (id, "duplicate")


async def test_exports_that_nobody_reads_on_hold_up_no_more_than_two(here: Athena) -> None:
    waiting = [here.memory.export() for _ in range(3)]
    for each in waiting[:2]:
        await anext(each)
    with pytest.raises(Unavailable):
        await anext(waiting[2])
    for each in waiting:
        await each.aclose()
    assert await exported(here)


async def test_two_imports_at_once_are_one_and_a_refusal(here: Athena, there: Athena) -> None:
    await here.memory.remember(_HOUSE)
    out = await exported(here)
    done = await asyncio.gather(imported(there, out), imported(there, out), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Imported", "Unavailable"]
    assert (await imported(there, out)).known == 4


async def test_what_is_held_at_a_time_does_not_grow_with_what_there_is(here: Athena, there: Athena) -> None:
    text = ("a" * 1_000 + " ") * 900

    async def peak(project: str) -> int:
        tracemalloc.start()
        try:
            await there.memory.take_in(here.memory.export(project))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    for project, count in (("warm", 8), ("few", 8), ("many", 48)):
        for n in range(count):
            await here.memory.remember([NewMemory(f"{n} {text}", scope=Scope(project))])
    await peak("warm")
    few_held, many_held = await peak("few"), await peak("many")
    assert (await sizes(there))["memory"] == 64
    assert many_held < 1.5 * few_held, (few_held, many_held)
    # 43 MB went through.
    assert many_held < 30_000_000
