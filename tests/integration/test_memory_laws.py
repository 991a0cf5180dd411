"""What must hold whatever is done, and in whatever order: scopes, repeats, versions, forgetting."""

from __future__ import annotations

import asyncio
import itertools
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from athena.bootstrap import Athena
from athena.errors import AthenaError, Conflict, NotFound
from athena.memory.types import Filter, Kind, NewMemory, Receipt, Scope
from tests.integration.conftest import until
from tests.integration.memories import value

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

_names = st.sampled_from([None, "one", "two"])
_tags = st.lists(st.sampled_from(["x", "y", "z"]), unique=True, max_size=3).map(tuple)
_kinds = st.sampled_from(list(Kind)[:3])
_days = st.integers(1, 20).map(lambda n: datetime(2024, 1, n, tzinfo=UTC))
_placed = st.tuples(st.sampled_from(["p", "q"]), _names, _names, _names, _kinds, _tags, _days)
_asked = st.builds(
    Filter,
    st.builds(Scope, st.sampled_from(["p", "q", "r"]), _names, _names, _names),
    st.lists(_kinds, max_size=2, unique=True).map(tuple),
    _tags,
    st.none() | _days,
    st.none() | _days,
    st.none() | _days,
)


def _is_in(memory: NewMemory, where: Filter) -> bool:
    assert memory.occurred_at is not None
    mine, wanted = memory.scope, where.scope
    pairs = [(wanted.user_id, mine.user_id), (wanted.agent_id, mine.agent_id), (wanted.session_id, mine.session_id)]
    return (
        mine.project == wanted.project
        and all(want is None or want == have for want, have in pairs)
        and (not where.kinds or memory.kind in where.kinds)
        and set(where.tags) <= set(memory.tags)
        and (where.since is None or memory.occurred_at >= where.since)
        and (where.until is None or memory.occurred_at < where.until)
        and (where.as_of is None or memory.occurred_at <= where.as_of)
    )


@few
@given(st.lists(_placed, min_size=1, max_size=25), st.lists(_asked, min_size=1, max_size=6))
async def test_a_filter_gives_all_that_is_in_it_and_nothing_else(
    athena: Athena, placed: list[tuple[str, str, str, str, Kind, tuple[str, ...], datetime]], asked: list[Filter]
) -> None:
    run = uuid.uuid4().hex
    memories = [
        NewMemory(f"cat {n}", kind, Scope(run + project, *names), occurred_at=when, tags=tags)
        for n, (project, *names, kind, tags, when) in enumerate(placed)
    ]
    await athena.memory.remember(memories)
    for question in asked:
        where = Filter(
            Scope(run + question.scope.project, *_rest(question.scope)),
            question.kinds,
            question.tags,
            question.since,
            question.until,
            question.as_of,
        )
        expected = {memory.content for memory in memories if _is_in(memory, where)}
        hits = (await athena.memory.recall("cat", where, limit=100)).hits
        assert {hit.memory.content for hit in hits} == expected
        assert len(hits) == len(expected)
        assert {memory.content for memory in (await athena.memory.list(where, limit=100)).memories} == expected
        doomed = await athena.memory.forget_where(where, dry_run=True)
        assert doomed.count == len(expected)


def _rest(scope: Scope) -> tuple[str | None, str | None, str | None]:
    return scope.user_id, scope.agent_id, scope.session_id


@few
@given(st.lists(st.integers(0, 40), max_size=40, unique=True), st.integers(1, 7), st.booleans())
async def test_pages_joined_are_the_listing(athena: Athena, numbers: list[int], size: int, more: bool) -> None:
    where = Filter(Scope(uuid.uuid4().hex))
    await athena.memory.remember([NewMemory(f"fact {n}", scope=where.scope) for n in numbers])
    seen: list[str] = []
    cursor = None
    for page_number in itertools.count():
        page = await athena.memory.list(where, limit=size, cursor=cursor)
        seen += [memory.content for memory in page.memories]
        if more and page_number == 0:
            await athena.memory.remember([NewMemory("written between two pages", scope=where.scope)])
        if (cursor := page.next_cursor) is None:
            break
    assert seen == [f"fact {n}" for n in reversed(numbers)]


@few
@given(
    st.lists(st.tuples(st.lists(st.integers(0, 3), min_size=1, max_size=4), st.booleans()), min_size=2, max_size=8),
    st.randoms(use_true_random=False),
)
async def test_repeats_in_any_interleaving_leave_one(
    athena: Athena, requests: list[tuple[list[int], bool]], chance: random.Random
) -> None:
    scope = Scope(uuid.uuid4().hex)

    async def ask(numbers: list[int], keyed: bool) -> list[Receipt]:
        await asyncio.sleep(chance.random() / 200)
        memories = [NewMemory(f"fact {n}", scope=scope) for n in numbers]
        key = f"{scope.project}-{numbers}" if keyed else None
        return await athena.memory.remember(memories, idempotency_key=key)

    answers = await asyncio.gather(*(ask(*request) for request in requests + requests))
    ids: dict[int, set[str]] = {}
    for (numbers, _), receipts in zip(requests + requests, answers, strict=True):
        for number, receipt in zip(numbers, receipts, strict=True):
            ids.setdefault(number, set()).add(receipt.id)
    assert all(len(same) == 1 for same in ids.values())
    listed = (await athena.memory.list(Filter(scope), limit=100)).memories
    assert {memory.id for memory in listed} == {id for same in ids.values() for id in same}
    assert len(listed) == len(ids)


@dataclass
class _Model:
    """What the memory should be: lines of versions, the last one of each alive."""

    lines: list[list[tuple[str, str]]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    def live(self) -> dict[str, str]:
        return {line[-1][1]: line[-1][0] for line in self.lines}


_contents = st.sampled_from([f"the {colour} door" for colour in ("red", "green", "blue", "white")])
_steps = st.lists(
    st.tuples(st.sampled_from(["remember", "supersede", "supersede", "forget"]), st.integers(0, 20), _contents),
    min_size=1,
    max_size=14,
)


@few
@given(_steps)
async def test_versions_and_forgetting_follow_a_simple_model(athena: Athena, steps: list[tuple[str, int, str]]) -> None:
    scope, model = Scope(uuid.uuid4().hex), _Model()
    for verb, pick, content in steps:
        new = NewMemory(content, scope=scope)
        versions = [(line, place) for line in model.lines for place in range(len(line))]
        if verb == "remember":
            await _remember(athena, model, new)
        elif versions and verb == "supersede":
            await _supersede(athena, model, new, *versions[pick % len(versions)])
        elif versions:
            line, place = versions[pick % len(versions)]
            gone = await athena.memory.forget([line[place][0]])
            assert set(gone.ids) == {id for id, _ in line}
            model.lines.remove(line)
            model.forgotten += gone.ids
    await _is_as(athena, scope, model)


async def _remember(athena: Athena, model: _Model, new: NewMemory) -> None:
    [receipt] = await athena.memory.remember([new])
    known = model.live().get(new.content)
    assert (receipt.status, receipt.id) == (("duplicate", known) if known else ("created", receipt.id))
    if known is None:
        model.lines.append([(receipt.id, new.content)])


async def _supersede(athena: Athena, model: _Model, new: NewMemory, line: list[tuple[str, str]], place: int) -> None:
    allowed = place == len(line) - 1 and new.content not in model.live()
    try:
        receipt = await athena.memory.supersede(line[place][0], new)
    except Conflict:
        assert not allowed
    else:
        assert allowed
        line.append((receipt.id, new.content))


async def _is_as(athena: Athena, scope: Scope, model: _Model) -> None:
    where = Filter(scope)
    expected = set(model.live().values())
    assert {m.id for m in (await athena.memory.list(where)).memories} == expected
    assert {hit.memory.id for hit in (await athena.memory.recall("door", where, limit=100)).hits} == expected
    everything = (await athena.memory.list(where, include_superseded=True, limit=500)).memories
    assert {m.id for m in everything} == {id for line in model.lines for id, _ in line}
    for line in model.lines:
        for id, _ in line:
            steps = await athena.memory.history(id)
            assert [(step.id, step.content) for step in steps] == line
        memories = [await athena.memory.get(id) for id, _ in line]
        for old, new in itertools.pairwise(memories):
            assert (old.superseded_by, new.supersedes, old.valid_until) == (new.id, old.id, new.valid_from)
    for id in model.forgotten:
        steps = await athena.memory.history(id)
        assert {(step.id, step.action) for step in steps} >= {(id, "remembered"), (id, "forgotten")}
        assert {step.content for step in steps} == {None}
    assert await _orphans(athena) == 0


async def _orphans(athena: Athena) -> int:
    """Rows that speak of a memory which isn't there."""
    return int(
        await value(
            athena,
            "SELECT (SELECT count(*) FROM posting WHERE memory_id NOT IN (SELECT id FROM memory))"
            " + (SELECT count(*) FROM embedding WHERE memory_id NOT IN (SELECT id FROM memory))"
            " + (SELECT count(*) FROM embedding_todo WHERE memory_id NOT IN (SELECT id FROM memory))",
        )
    )


async def test_writing_superseding_and_forgetting_at_once_fails_for_no_other_reason_than_it_says(
    athena: Athena,
) -> None:
    chance = random.Random(7)
    ids: list[str] = []
    unexpected: list[BaseException] = []

    async def client() -> None:
        for _ in range(25):
            picked = chance.sample(ids, min(len(ids), 3))
            try:
                match chance.choice(["remember", "remember", "supersede", "forget", "forget_where"]):
                    case "remember":
                        new = [NewMemory(f"fact {chance.randrange(40)}") for _ in range(8)]
                        ids.extend(receipt.id for receipt in await athena.memory.remember(new))
                    case "supersede" if picked:
                        await athena.memory.supersede(picked[0], NewMemory(f"fact {chance.randrange(40)}"))
                    case "forget" if picked:
                        await athena.memory.forget(picked)
                    case "forget_where":
                        where = Filter(until=datetime.now(UTC))
                        await athena.memory.forget_where(where, query=str(chance.randrange(40)), dry_run=False)
            except (Conflict, NotFound):
                continue
            except Exception as exc:
                unexpected.append(exc)

    await asyncio.gather(*(client() for _ in range(8)))
    assert unexpected == []
    await until(lambda: _settled(athena))
    assert await _orphans(athena) == 0
    listed = (await athena.memory.list(Filter(), limit=500)).memories
    assert len({memory.content for memory in listed}) == len(listed)
    assert {memory.embedding for memory in listed} <= {"ready"}


async def test_forgetting_while_vectors_are_stored_hinders_neither(athena: Athena) -> None:
    for _ in range(4):
        receipts = await athena.memory.remember([NewMemory(f"{uuid.uuid4()}") for _ in range(96)])
        ids = [receipt.id for receipt in receipts]
        random.Random(3).shuffle(ids)
        for start in range(0, len(ids), 12):
            await athena.memory.forget(ids[start : start + 12])
            await asyncio.sleep(0.01)
    await until(lambda: _settled(athena), 10)
    assert await _orphans(athena) == 0
    assert await value(athena, "SELECT count(*) FROM embedding") == 0


async def _settled(athena: Athena) -> bool:
    try:
        return (await athena.backlog()).pending == 0
    except AthenaError:
        return False
