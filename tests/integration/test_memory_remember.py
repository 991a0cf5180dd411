"""Writing: what is acknowledged is there, once, and gets its vector."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest

from athena.bootstrap import Athena
from athena.errors import Conflict, NotFound
from athena.memory.types import Filter, Kind, NewMemory, Scope

WAIT_S = 20


async def count(dsn_of: Athena, table: str) -> int:
    async with dsn_of.database.acquire() as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))


async def test_a_memory_comes_back_as_it_was_given(athena: Athena) -> None:
    when = datetime(2025, 3, 4, 5, 6, tzinfo=UTC)
    new = NewMemory(
        "Ada drinks green tea",
        Kind.PREFERENCE,
        Scope("p", "u", "a", "s"),
        occurred_at=when,
        importance=0.75,
        tags=("tea", "ada"),
        metadata={"n": 1, "deep": {"list": [1, None, "ü"]}},
        source="test",
    )
    [receipt] = await athena.memory.remember([new], wait_s=WAIT_S)
    assert receipt.status == "created"
    assert receipt.embedding == "ready"
    memory = await athena.memory.get(receipt.id)
    assert memory.content == new.content
    assert memory.kind is Kind.PREFERENCE
    assert memory.scope == new.scope
    assert memory.occurred_at == when
    assert memory.valid_from == when
    assert memory.importance == 0.75
    assert memory.tags == new.tags
    assert memory.metadata == new.metadata
    assert memory.source == "test"
    assert memory.embedding == "ready"


async def test_the_same_fact_twice_is_one_memory(athena: Athena) -> None:
    [first] = await athena.memory.remember([NewMemory("the sky is blue")])
    [second] = await athena.memory.remember([NewMemory("  the sky is blue ", tags=("other",))])
    assert (second.id, second.status) == (first.id, "duplicate")
    assert (await athena.memory.get(first.id)).times_seen == 2


async def test_the_same_words_elsewhere_are_another_memory(athena: Athena) -> None:
    scopes = [Scope(), Scope("other"), Scope(user_id="u"), Scope(agent_id="a"), Scope(session_id="s")]
    receipts = await athena.memory.remember([NewMemory("the sky is blue", scope=scope) for scope in scopes])
    assert [receipt.status for receipt in receipts] == ["created"] * len(scopes)
    assert len({receipt.id for receipt in receipts}) == len(scopes)


async def test_events_repeat_unless_time_and_metadata_are_the_same(athena: Athena) -> None:
    noon = datetime(2025, 1, 1, 12, tzinfo=UTC)
    ok = NewMemory("ok", Kind.EVENT, occurred_at=noon, metadata={"turn": 1})
    later = NewMemory("ok", Kind.EVENT, occurred_at=noon, metadata={"turn": 2})
    receipts = await athena.memory.remember([ok, later, ok])
    assert [receipt.status for receipt in receipts] == ["created", "created", "duplicate"]
    assert receipts[2].id == receipts[0].id


async def test_a_batch_keeps_its_order_and_is_all_or_nothing(athena: Athena) -> None:
    receipts = await athena.memory.remember([NewMemory(f"fact number {n}") for n in range(1000)])
    assert [(await athena.memory.get(receipts[n].id)).content for n in (0, 1, 999)] == [
        "fact number 0",
        "fact number 1",
        "fact number 999",
    ]
    with pytest.raises(asyncpg.PostgresError):
        await athena.memory.remember([NewMemory("good"), NewMemory("bad \x00 character")])
    assert await count(athena, "memory") == 1000


async def test_an_idempotency_key_answers_again_and_refuses_another_request(athena: Athena) -> None:
    events = [NewMemory("something happened", Kind.EVENT, occurred_at=datetime.now(UTC))] * 2
    first = await athena.memory.remember(events, idempotency_key="k", principal="me")
    again = await athena.memory.remember(events, idempotency_key="k", principal="me")
    assert again == first
    assert await count(athena, "memory") == 1
    with pytest.raises(Conflict):
        await athena.memory.remember([NewMemory("else")], idempotency_key="k", principal="me")
    [other] = await athena.memory.remember([NewMemory("else")], idempotency_key="k", principal="you")
    assert other.status == "created"


async def test_the_same_request_at_the_same_time_is_stored_once(athena: Athena) -> None:
    memories = [NewMemory(f"fact {n}") for n in range(20)]
    jobs = [athena.memory.remember(memories if n % 2 else memories[::-1]) for n in range(8)]
    answers = await asyncio.gather(*jobs)
    assert await count(athena, "memory") == 20
    created = [receipt for answer in answers for receipt in answer if receipt.status == "created"]
    assert len(created) == 20
    keyed = [athena.memory.remember([NewMemory("once", Kind.EVENT)], idempotency_key="same") for _ in range(8)]
    assert len({tuple(answer) for answer in map(tuple, await asyncio.gather(*keyed))}) == 1


async def test_a_text_longer_than_the_context_is_embedded_whole(athena: Athena) -> None:
    text = " ".join(f"the budget of project {n} is green" for n in range(600)) + " zebra at the end"
    [receipt] = await athena.memory.remember([NewMemory(text)], wait_s=WAIT_S)
    assert receipt.embedding == "ready"
    assert await count(athena, "embedding") > 5
    [hit] = (await athena.memory.recall("zebra", Filter(), limit=1)).hits
    assert hit.memory.content == text


async def test_superseding_keeps_the_history_and_hides_the_old(athena: Athena) -> None:
    [first] = await athena.memory.remember([NewMemory("Anna lives in Berlin", scope=Scope(user_id="u"))])
    second = await athena.memory.supersede(first.id, NewMemory("Anna lives in Paris"))
    old, new = await athena.memory.get(first.id), await athena.memory.get(second.id)
    assert (old.superseded_by, new.supersedes) == (new.id, old.id)
    assert new.scope == Scope(user_id="u")
    assert old.valid_until == new.valid_from
    contents = [hit.memory.content for hit in (await athena.memory.recall("where does Anna live", Filter())).hits]
    assert contents == ["Anna lives in Paris"]
    steps = await athena.memory.history(first.id)
    assert [(s.action, s.content) for s in steps] == [
        ("remembered", "Anna lives in Berlin"),
        ("superseded", "Anna lives in Paris"),
    ]
    assert await athena.memory.history(second.id) == steps


async def test_only_the_newest_version_can_be_superseded(athena: Athena) -> None:
    [first] = await athena.memory.remember([NewMemory("one")])
    second = await athena.memory.supersede(first.id, NewMemory("two"))
    with pytest.raises(Conflict) as raised:
        await athena.memory.supersede(first.id, NewMemory("three"))
    assert second.id in str(raised.value.hint)
    with pytest.raises(NotFound):
        await athena.memory.supersede("01a1f850-0b82-79fa-b05b-4fdd4ddf76e8", NewMemory("x"))
    results = await asyncio.gather(
        *(athena.memory.supersede(second.id, NewMemory(f"three {n}")) for n in range(5)), return_exceptions=True
    )
    assert sum(not isinstance(result, BaseException) for result in results) == 1


async def test_what_was_superseded_can_be_remembered_again(athena: Athena) -> None:
    [first] = await athena.memory.remember([NewMemory("the door is open")])
    await athena.memory.supersede(first.id, NewMemory("the door is shut"))
    [again] = await athena.memory.remember([NewMemory("the door is open")])
    assert again.status == "created"
    assert again.id != first.id


async def test_forgetting_takes_all_versions_and_leaves_no_trace_of_the_words(athena: Athena) -> None:
    [first] = await athena.memory.remember([NewMemory("the password is swordfish")], idempotency_key="k")
    second = await athena.memory.supersede(first.id, NewMemory("the password is halibut"))
    gone = await athena.memory.forget([second.id])
    assert set(gone.ids) == {first.id, second.id}
    with pytest.raises(NotFound):
        await athena.memory.get(first.id)
    for table in ("memory", "posting", "embedding", "embedding_todo", "idempotency"):
        assert await count(athena, table) == 0, table
    steps = await athena.memory.history(first.id)
    assert [step.action for step in steps] == ["remembered", "remembered", "forgotten", "forgotten"]
    assert all(step.content is None for step in steps)
    with pytest.raises(NotFound):
        await athena.memory.forget([first.id])


async def test_forgetting_by_words_is_a_dry_run_first(athena: Athena) -> None:
    await athena.memory.remember([NewMemory("alice likes tea"), NewMemory("alice likes coffee"), NewMemory("bob")])
    preview = await athena.memory.forget_where(Filter(), query="alice tea")
    assert (preview.count, preview.dry_run) == (1, True)
    assert await count(athena, "memory") == 3
    assert (await athena.memory.forget_where(Filter(), query="alice", dry_run=False)).count == 2
    assert (await athena.memory.forget_where(Filter(), query="the and", dry_run=False)).count == 0
    assert [m.content for m in (await athena.memory.list(Filter())).memories] == ["bob"]


async def test_listing_pages_through_everything_once(athena: Athena) -> None:
    receipts = await athena.memory.remember([NewMemory(f"fact {n}", tags=("t",) if n % 2 else ()) for n in range(25)])
    seen: list[str] = []
    cursor = None
    while True:
        page = await athena.memory.list(Filter(), limit=10, cursor=cursor)
        seen += [memory.id for memory in page.memories]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [receipt.id for receipt in reversed(receipts)]
    assert len((await athena.memory.list(Filter(tags=("t",)), limit=50)).memories) == 12


async def test_forgetting_at_most_so_many_takes_the_newest(athena: Athena) -> None:
    await athena.memory.remember([NewMemory(f"fact {n}") for n in range(5)])
    await athena.memory.forget_where(Filter(), limit=2, dry_run=False)
    assert [m.content for m in (await athena.memory.list(Filter())).memories] == ["fact 2", "fact 1", "fact 0"]


async def test_forgetting_by_id_stays_within_a_project_that_was_named(athena: Athena) -> None:
    [receipt] = await athena.memory.remember([NewMemory("a rose", scope=Scope("garden"))])
    with pytest.raises(NotFound):
        await athena.memory.forget([receipt.id], project="kitchen")
    assert (await athena.memory.forget([receipt.id], project="garden")).count == 1


async def test_forgetting_while_it_is_superseded_leaves_no_version(athena: Athena) -> None:
    for n in range(10):
        [receipt] = await athena.memory.remember([NewMemory(f"secret {n}")])
        await asyncio.gather(
            athena.memory.supersede(receipt.id, NewMemory(f"newer secret {n}")),
            athena.memory.forget([receipt.id]),
            return_exceptions=True,
        )
        left = [m.content for m in (await athena.memory.list(Filter(), limit=50)).memories]
        assert not any("secret" in content for content in left), left


async def test_what_was_true_no_longer_and_is_said_again_is_found_again(athena: Athena) -> None:
    past = datetime(2020, 1, 1, tzinfo=UTC)
    ended = NewMemory("the shop is closed", valid_from=past, valid_until=datetime(2021, 1, 1, tzinfo=UTC))
    [first] = await athena.memory.remember([ended])
    assert (await athena.memory.recall("is the shop closed", Filter())).hits == ()
    [again] = await athena.memory.remember([NewMemory("the shop is closed")])
    assert (again.id, again.status) == (first.id, "duplicate")
    assert len((await athena.memory.recall("is the shop closed", Filter())).hits) == 1


async def test_a_turn_behind_a_repeated_one_keeps_its_neighbour(athena: Athena) -> None:
    talk = [NewMemory(f"turn {n}", Kind.EVENT, Scope(session_id="s")) for n in range(3)]
    await athena.memory.remember(talk[:2])
    [_, before, new] = await athena.memory.remember(talk)
    async with athena.database.acquire() as connection:
        neighbour = await connection.fetchval(
            "SELECT p.uid FROM memory m JOIN memory p ON p.id = m.previous_id WHERE m.uid = $1::uuid", new.id
        )
    assert str(neighbour) == before.id


async def test_of_what_ended_and_no_more_is_known_it_was_true_before(athena: Athena) -> None:
    await athena.memory.remember([NewMemory("the wall stands", valid_until=datetime(1989, 11, 9, tzinfo=UTC))])
    assert (await athena.memory.recall("the wall", Filter())).hits == ()
    then = Filter(as_of=datetime(1980, 1, 1, tzinfo=UTC))
    assert [hit.memory.content for hit in (await athena.memory.recall("the wall", then)).hits] == ["the wall stands"]
