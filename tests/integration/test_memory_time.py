"""Facts in time: what was true, what was known, how that came about, and taking it back."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from athena.bootstrap import Athena
from athena.errors import Conflict, InvalidInput, NotFound
from athena.memory.types import Filter, Kind, NewMemory, Receipt, Scope
from athena.store.migrate import migrate
from tests.integration.conftest import with_database
from tests.integration.memories import day, recalled, value

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SOON = timedelta(milliseconds=60)

_contents = st.sampled_from([f"the {colour} door" for colour in ("red", "green", "blue")])
# When a statement is said to begin and to end, from now.
_begins = st.sampled_from([None, None, timedelta(days=-30), timedelta(days=-1), SOON])
_ends = st.sampled_from([None, None, None, timedelta(days=-2), SOON, timedelta(days=3)])
_verbs = st.sampled_from(["remember", "remember", "supersede", "restore", "wait"])
_steps = st.lists(st.tuples(_verbs, st.integers(0, 20), _contents, _begins, _ends), min_size=1, max_size=9)


def now() -> datetime:
    return datetime.now(UTC)


async def _doors(athena: Athena, where: Filter) -> set[str]:
    hits = (await athena.memory.recall("door", where, limit=100)).hits
    return {hit.memory.id for hit in hits}


async def _listed(athena: Athena, where: Filter) -> list[str]:
    return [memory.id for memory in (await athena.memory.list(where, limit=100)).memories]


async def _step(athena: Athena, ids: list[str], step: tuple[str, int, NewMemory]) -> None:
    verb, pick, new = step
    try:
        if verb == "remember":
            ids += [receipt.id for receipt in await athena.memory.remember([new])]
        elif verb == "wait":
            await asyncio.sleep(SOON.total_seconds())
        elif ids and verb == "supersede":
            ids.append((await athena.memory.supersede(ids[pick % len(ids)], new)).id)
        elif ids:
            await athena.memory.restore(ids[pick % len(ids)])
    except Conflict:
        pass


@few
@given(_steps)
async def test_what_was_known_then_is_answered_as_it_was_answered_then(
    athena: Athena, steps: list[tuple[str, int, str, timedelta | None, timedelta | None]]
) -> None:
    where, ids = Filter(Scope(uuid.uuid4().hex)), list[str]()
    seen: list[tuple[datetime, set[str], list[str]]] = []
    for verb, pick, content, begins, ends in steps:
        since, until = (None if each is None else now() + each for each in (begins, ends))
        if since and until and until < since:
            since, until = until, since
        await _step(athena, ids, (verb, pick, NewMemory(content, Kind.FACT, where.scope, None, since, until)))
        at = now()
        seen.append((at, await _doors(athena, replace(where, as_of=at)), await _listed(athena, where)))
    for at, found, listed in seen:
        assert await _doors(athena, replace(where, as_of=at, known_at=at)) == found
        # Said once is enough.
        assert await _doors(athena, replace(where, known_at=at)) == found
        assert await _listed(athena, replace(where, known_at=at)) == listed
    told = "SELECT count(*) FROM memory m WHERE revised = NOT EXISTS (SELECT FROM validity v WHERE v.memory_id = m.id)"
    assert await value(athena, told) == 0


_said = st.tuples(st.sampled_from(["remember", "supersede", "wait"]), st.integers(0, 9), _contents, st.booleans())
_saying = st.lists(_said, min_size=1, max_size=9)


@few
@given(_saying)
async def test_what_was_true_then_is_true_of_then_to_this_day(
    athena: Athena, steps: list[tuple[str, int, str, bool]]
) -> None:
    """Where nothing is said of other times than the present."""
    where, ids = Filter(Scope(uuid.uuid4().hex)), list[str]()
    seen: list[tuple[datetime, set[str]]] = []
    for verb, pick, content, ends in steps:
        until = now() + SOON / 2 if ends else None
        await _step(athena, ids, (verb, pick, NewMemory(content, scope=where.scope, valid_until=until)))
        at = now()
        seen.append((at, await _doors(athena, replace(where, as_of=at))))
    for at, found in seen:
        assert await _doors(athena, replace(where, as_of=at)) == found


async def test_as_of_is_of_today_and_known_at_of_then(athena: Athena) -> None:
    [berlin] = await athena.memory.remember([NewMemory("Ada lives in Berlin", valid_from=day(2020))])
    before = now()
    paris = await athena.memory.supersede(berlin.id, NewMemory("Ada lives in Paris", valid_from=day(2023)))
    for as_of, known_at, answer in (
        (None, None, "Paris"),
        (day(2024), None, "Paris"),
        (day(2021), None, "Berlin"),
        # Then, nobody knew of the move yet.
        (day(2024), before, "Berlin"),
        (None, before, "Berlin"),
        (day(2021), now(), "Berlin"),
        (day(2024), now(), "Paris"),
    ):
        where = Filter(as_of=as_of, known_at=known_at)
        assert await recalled(athena, "where does Ada live", where) == [f"Ada lives in {answer}"], (as_of, known_at)
    assert await recalled(athena, "Ada", Filter(known_at=before - timedelta(hours=1))) == []
    assert await _listed(athena, Filter(known_at=before)) == [berlin.id]
    assert await _listed(athena, Filter(known_at=now())) == [paris.id]
    assert await _listed(athena, Filter(known_at=now(), as_of=day(2021))) == []
    both = await athena.memory.list(Filter(known_at=now()), include_superseded=True)
    assert [memory.id for memory in both.memories] == [paris.id, berlin.id]


async def test_said_again_is_true_again_and_was_true_before(athena: Athena) -> None:
    told = NewMemory("the shop is open", valid_from=day(2020), valid_until=day(2021))
    [first] = await athena.memory.remember([told])
    closed = now()
    [again] = await athena.memory.remember([replace(told, valid_from=day(2023), valid_until=None)])
    assert (again.id, again.status) == (first.id, "duplicate")
    for as_of, known_at, is_open in (
        (None, None, True),
        (day(2020, 6), None, True),
        (day(2022), None, False),
        (day(2019), None, False),
        (day(2024), closed, False),
        (day(2020, 6), closed, True),
        (day(2020, 6), now(), True),
        (day(2024), now(), True),
    ):
        found = await recalled(athena, "is the shop open", Filter(as_of=as_of, known_at=known_at))
        assert bool(found) is is_open, (as_of, known_at)
    steps = await athena.memory.history(first.id)
    assert [(step.action, step.valid_from, step.valid_until) for step in steps] == [
        ("remembered", day(2020), day(2021)),
        ("revised", day(2023), None),
    ]


async def test_changes_within_one_transaction_are_one(athena: Athena) -> None:
    [first] = await athena.memory.remember([NewMemory("a red door", valid_from=day(2020))])
    before = now()
    writer = athena.memory.writer
    async with athena.database.transaction() as connection:
        second = await writer.supersede_in(connection, uuid.UUID(first.id), NewMemory("a green door"))
        third = await writer.supersede_in(connection, second, NewMemory("a blue door"))
        for until in (day(2031), day(2032), None):
            await connection.execute("UPDATE memory SET valid_until = $2 WHERE uid = $1", third, until)
    # What was never current for anybody else was never known.
    at = await value(athena, "SELECT recorded_at FROM memory WHERE uid = $1", third)
    assert await recalled(athena, "door", Filter(known_at=before)) == ["a red door"]
    assert await recalled(athena, "door", Filter(known_at=now())) == ["a blue door"]
    assert await _listed(athena, Filter(known_at=at)) == [str(third)]
    assert await _listed(athena, Filter(known_at=at - timedelta(microseconds=1))) == [first.id]
    assert [step.action for step in await athena.memory.history(first.id)] == ["remembered", "superseded", "superseded"]
    assert await value(athena, "SELECT count(*) FROM validity") == 1


async def test_who_waited_believes_after_the_one_it_waited_for(athena: Athena) -> None:
    """Although its transaction began earlier."""
    [door] = await athena.memory.remember([NewMemory("a red door", valid_from=day(2020))])
    uid, change = uuid.UUID(door.id), "UPDATE memory SET valid_until = $2 WHERE uid = $1"
    async with athena.database.acquire() as early, athena.database.acquire() as late:
        waiting = early.transaction()
        await waiting.start()
        await early.fetchval("SELECT now()")
        async with late.transaction():
            await late.execute(change, uid, day(2030))
        await early.execute(change, uid, day(2040))
        await waiting.commit()
    steps = await athena.memory.history(door.id)
    assert [(step.action, step.valid_until) for step in steps] == [
        ("remembered", None),
        ("revised", day(2030)),
        ("revised", day(2040)),
    ]


async def test_undoing_a_supersession_is_as_if_it_had_not_been(athena: Athena) -> None:
    [tea] = await athena.memory.remember([NewMemory("Ada drinks tea", valid_from=day(2020), valid_until=day(2090))])
    before = await athena.memory.get(tea.id)
    coffee = await athena.memory.supersede(tea.id, NewMemory("Ada drinks coffee", valid_from=day(2024)))
    mistaken = now()
    restored = await athena.memory.restore(tea.id)
    assert replace(restored, embedding=before.embedding) == before
    for as_of in (None, day(2021), day(2025)):
        assert await recalled(athena, "what does Ada drink", Filter(as_of=as_of)) == ["Ada drinks tea"]
    assert await recalled(athena, "what does Ada drink", Filter(known_at=mistaken)) == ["Ada drinks coffee"]
    assert await _listed(athena, Filter()) == [tea.id]
    assert (await athena.memory.get(coffee.id)).superseded_by == tea.id
    steps = await athena.memory.history(coffee.id)
    assert [(step.id, step.action) for step in steps] == [
        (tea.id, "remembered"),
        (coffee.id, "superseded"),
        (tea.id, "restored"),
    ]
    assert (steps[2].valid_from, steps[2].valid_until) == (day(2020), day(2090))
    with pytest.raises(Conflict, match="is current"):
        await athena.memory.restore(tea.id)
    with pytest.raises(NotFound):
        await athena.memory.restore(str(uuid.uuid4()))


async def test_an_undo_can_be_undone_and_went_over_whole_lines(athena: Athena) -> None:
    [first] = await athena.memory.remember([NewMemory("one", valid_from=day(2020))])
    second = await athena.memory.supersede(first.id, NewMemory("two", valid_from=day(2021)))
    third = await athena.memory.supersede(second.id, NewMemory("three", valid_from=day(2022)))
    versions = (first.id, second.id, third.id)
    states = [replace(await athena.memory.get(id), embedding="ready") for id in versions]
    with pytest.raises(Conflict) as refused:
        await athena.memory.restore(first.id)
    assert second.id in str(refused.value.hint)
    await athena.memory.restore(second.id)
    await athena.memory.restore(first.id)
    assert await _listed(athena, Filter()) == [first.id]
    with pytest.raises(Conflict, match="superseded itself"):
        await athena.memory.restore(third.id)
    await athena.memory.restore(second.id)
    await athena.memory.restore(third.id)
    assert [replace(await athena.memory.get(id), embedding="ready") for id in versions] == states
    assert [step.action for step in await athena.memory.history(first.id)] == [
        *("remembered", "superseded", "superseded"),
        *("restored", "restored", "restored", "restored"),
    ]
    # What gave way can be said anew, and what stands again can be superseded.
    await athena.memory.restore(second.id)
    assert (await athena.memory.remember([NewMemory("three")]))[0].status == "created"
    await athena.memory.supersede(second.id, NewMemory("four"))
    with pytest.raises(Conflict, match="superseded itself"):
        await athena.memory.restore(third.id)


async def test_of_two_undoings_at_once_one_does_it(athena: Athena) -> None:
    for n in range(6):
        [first] = await athena.memory.remember([NewMemory(f"door {n} is red")])
        second = await athena.memory.supersede(first.id, NewMemory(f"door {n} is green"))
        done = await asyncio.gather(
            *(athena.memory.restore(first.id) for _ in range(4)),
            athena.memory.supersede(second.id, NewMemory(f"door {n} is blue")),
            return_exceptions=True,
        )
        assert all(isinstance(each, Conflict) for each in done if isinstance(each, BaseException))
        # Either the undoing went first, once, or the next version did.
        assert sum(not isinstance(each, BaseException) for each in done) == 1
        current = [memory.id for memory in (await athena.memory.list(Filter())).memories]
        assert len(current) == n + 1


async def test_what_was_said_anew_meanwhile_is_in_the_way(athena: Athena) -> None:
    [first] = await athena.memory.remember([NewMemory("the door is red")])
    await athena.memory.supersede(first.id, NewMemory("the door is green"))
    [again] = await athena.memory.remember([NewMemory("the door is red")])
    with pytest.raises(Conflict, match=again.id):
        await athena.memory.restore(first.id)
    await athena.memory.forget([again.id])
    assert (await athena.memory.restore(first.id)).superseded_by is None


async def test_what_another_memory_replaced_is_told_and_stands_beside_it_when_restored(athena: Athena) -> None:
    old, new = await athena.memory.remember(
        [NewMemory("Ada lives in Berlin"), NewMemory("Ada lives in Paris")], wait_s=30
    )
    before = await athena.memory.get(old.id)
    async with athena.database.acquire() as connection:
        await connection.execute(
            "UPDATE memory SET superseded_by = $2, valid_until = now() WHERE uid = $1",
            *(uuid.UUID(each) for each in (old.id, new.id)),
        )
    steps = await athena.memory.history(old.id)
    assert [(step.action, step.replaced_by) for step in steps] == [("remembered", None), ("replaced", new.id)]
    assert steps[1].valid_until is not None
    assert [step.action for step in await athena.memory.history(new.id)] == ["remembered"]
    assert await _listed(athena, Filter()) == [new.id]
    assert await _listed(athena, Filter(known_at=before.recorded_at)) == [new.id, old.id]
    assert await athena.memory.restore(old.id) == before
    assert await _listed(athena, Filter()) == [new.id, old.id]
    assert [step.action for step in await athena.memory.history(old.id)] == ["remembered", "replaced", "restored"]


async def test_what_it_was_replaced_by_may_be_forgotten(athena: Athena) -> None:
    old, new = await athena.memory.remember([NewMemory("Ada lives in Berlin"), NewMemory("Ada lives in Paris")])
    async with athena.database.acquire() as connection:
        await connection.execute(
            "UPDATE memory SET superseded_by = $2 WHERE uid = $1", *(uuid.UUID(each) for each in (old.id, new.id))
        )
    await athena.memory.forget([new.id])
    assert (await athena.memory.restore(old.id)).superseded_by is None


async def test_what_expires_says_so_and_is_not_recalled_afterwards(athena: Athena) -> None:
    soon = now() + timedelta(seconds=0.6)
    [code] = await athena.memory.remember([NewMemory("the code is 4711", expires_at=soon)])
    assert (await athena.memory.get(code.id)).expires_at == soon
    # A new version is kept as long as the old one, unless something else is said.
    second = await athena.memory.supersede(code.id, NewMemory("the code is 4712"))
    assert (await athena.memory.get(second.id)).expires_at == soon
    third = await athena.memory.supersede(second.id, NewMemory("the code is 4713", expires_at=day(2090)))
    assert (await athena.memory.get(third.id)).expires_at == day(2090)
    await athena.memory.remember([NewMemory("the code word is owl", expires_at=soon)])
    assert len(await recalled(athena, "code")) == 2
    await asyncio.sleep(0.7)
    assert await recalled(athena, "code") == ["the code is 4713"]
    for late in (now(), day(2020)):
        with pytest.raises(InvalidInput, match="expires_at"):
            await athena.memory.remember([NewMemory("fine"), NewMemory("late", expires_at=late)])
    assert await _listed(athena, Filter()) == [third.id]


async def test_said_again_it_is_kept_as_long_as_anybody_wants_it(athena: Athena) -> None:
    async def kept(*until: datetime | None) -> datetime | None:
        content = uuid.uuid4().hex
        for each in until:
            [receipt] = await athena.memory.remember([NewMemory(content, expires_at=each)])
        return (await athena.memory.get(receipt.id)).expires_at

    assert await kept(day(2080), day(2090)) == day(2090)
    assert await kept(day(2090), day(2080)) == day(2090)
    assert await kept(None, day(2080)) is None
    assert await kept(day(2080), None) is None


async def test_an_idempotent_request_is_answered_again_even_when_it_has_expired(athena: Athena) -> None:
    soon = now() + timedelta(seconds=0.3)

    async def ask(at: datetime) -> list[Receipt]:
        return await athena.memory.remember([NewMemory("a code", expires_at=at)], idempotency_key="k")

    first = await ask(soon)
    with pytest.raises(Conflict):
        await ask(day(2090))
    await asyncio.sleep(0.4)
    assert await ask(soon) == first


async def test_of_what_was_superseded_before_beliefs_were_kept_it_is_known_when(postgres_dsn: str) -> None:
    name = f"old_{uuid.uuid4().hex}"
    admin = await asyncpg.connect(postgres_dsn)
    await admin.execute(f"CREATE DATABASE {name}")
    old = await asyncpg.connect(with_database(postgres_dsn, name))
    try:
        await migrate(old, up_to=7)
        await old.execute("INSERT INTO project (name) VALUES ('p')")
        ids = [uuid.uuid4() for _ in range(3)]
        # The first was true until the second began to be, the second had an end of its own.
        for n, (until, next_one) in enumerate([(day(2021), ids[1]), (day(2022), ids[2]), (None, None)]):
            await old.execute(
                "INSERT INTO memory (uid, project_id, kind, content, fingerprint, valid_from, valid_until, recorded_at,"
                " importance, tags, metadata, lineage, supersedes, superseded_by, lexemes, words, context_words)"
                " VALUES ($1, 1, 'fact', 'x', $2, $3, $4, $5, 0.5, '{}', '{}', $6, $7, $8, '', 1, 0)",
                *(ids[n], bytes([n]), day(2020 + n + n // 2), until, day(2024 + n), ids[0]),
                *(ids[n - 1] if n else None, next_one),
            )
        await migrate(old)
        rows = await old.fetch(
            "SELECT m.uid, v.valid_until, v.superseded_by, v.known_until FROM validity v"
            " JOIN memory m ON m.id = v.memory_id WHERE m.revised ORDER BY m.id"
        )
        assert [tuple(row) for row in rows] == [
            (ids[0], None, None, day(2025)),
            (ids[1], day(2022), None, day(2026)),
        ]
    finally:
        await old.close()
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


async def test_the_evidence_of_a_pattern_is_told_with_its_words(athena: Athena) -> None:
    receipts = await athena.memory.remember(
        [NewMemory("ran before work", Kind.EVENT, occurred_at=day(2026, 1, n)) for n in (9, 2)]
        + [NewMemory("Ada runs in the morning", Kind.PATTERN)]
    )
    late, early, pattern = (receipt.id for receipt in receipts)
    async with athena.database.acquire() as connection:
        await connection.execute(
            "INSERT INTO evidence SELECT p.id, m.id, 'ran' FROM memory p, memory m"
            " WHERE p.kind = 'pattern' AND m.kind = 'event'"
        )
        await connection.execute("UPDATE memory SET derived = true WHERE kind = 'pattern'")
    support = await athena.memory.evidence(pattern)
    assert [(each.id, each.quote, each.occurred_at) for each in support] == [
        (early, "ran", day(2026, 1, 2)),
        (late, "ran", day(2026, 1, 9)),
    ]
    assert await athena.memory.evidence(early) == []
    with pytest.raises(NotFound):
        await athena.memory.evidence(str(uuid.uuid4()))
    found = await athena.memory.recall("running before work", Filter())
    assert [known.memory.id for known in found.patterns] == [pattern]
    assert {hit.memory.id for hit in found.hits} == {late, early} == set(found.patterns[0].because)
