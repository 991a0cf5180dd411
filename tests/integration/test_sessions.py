"""Sessions and signatures in PostgreSQL: across processes, restarts and outages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from athena.errors import Conflict, InvalidInput, NotFound, StoreUnavailable
from athena.gateway.sessions import writing
from athena.gateway.sessions.sessions import Sessions
from athena.gateway.sessions.signatures import Signatures
from athena.gateway.sessions.types import Passed, Session, added
from athena.gateway.types import Tokens
from athena.store.pool import Database
from tests.integration.conftest import until

OPUS = Passed("anthropic/claude-opus-5-5", ("asked for", "it has tools"), Tokens(10, 500, 40, 7), "p", "ada")
LOCAL = Passed("local/qwen", ())


@pytest.fixture
async def nowhere() -> AsyncIterator[Database]:
    """A database that is away."""
    database = Database("postgresql://nobody@/nothing?host=/nonexistent")
    yield database
    await database.close()


async def test_what_passed_is_added_up_and_the_newest_holds(database: Database) -> None:
    sessions = Sessions(database)
    assert await sessions.get("key", "s") == Session("key", "s")
    sessions.note("key", "s", OPUS)
    seen = await sessions.get("key", "s")
    assert (seen.last_model, seen.last_reasons, seen.cached_tokens) == (OPUS.model, OPUS.reasons, 540)
    await sessions.write()
    sessions.note("key", "s", LOCAL)
    both = await sessions.get("key", "s")
    assert (both.last_model, both.last_reasons, both.cached_tokens) == (LOCAL.model, (), 0)
    assert (both.requests, both.tokens) == (2, Tokens(10, 500, 40, 7))
    assert (both.project, both.agent) == ("p", "ada"), "what isn't said again stays"
    await sessions.write()
    assert await sessions.get("key", "s") == both
    elsewhere = await Sessions(database).get("key", "s")
    assert elsewhere == both


async def test_several_processes_count_together(database: Database) -> None:
    replicas = [Sessions(database) for _ in range(3)]
    for replica in replicas:
        for n in range(4):
            replica.note("key", f"s{n % 2}", OPUS)
    await asyncio.gather(*(replica.write() for replica in replicas))
    for id in ("s0", "s1"):
        found = await Sessions(database).get("key", id)
        assert (found.requests, found.tokens) == (6, Tokens(60, 3000, 240, 42))


async def test_a_later_write_of_older_requests_does_not_make_them_newer(database: Database) -> None:
    slow, fast = Sessions(database), Sessions(database)
    slow.note("key", "s", LOCAL)
    await asyncio.sleep(0.002)
    fast.note("key", "s", OPUS)
    await fast.write()
    await slow.write()
    found = await Sessions(database).get("key", "s")
    assert (found.last_model, found.last_reasons, found.requests) == (OPUS.model, OPUS.reasons, 2)


async def test_a_pin_is_there_at_once_and_everywhere(database: Database) -> None:
    here, there = Sessions(database), Sessions(database)
    here.note("key", "s", OPUS)
    pinned = await here.pin("key", "s", "haiku")
    assert (pinned.pinned, pinned.last_model) == ("haiku", OPUS.model)
    assert (await here.get("key", "s")).pinned == "haiku"
    assert (await there.get("key", "s")).pinned == "haiku"
    assert (await there.get("other", "s")).pinned is None, "a session is its key's own"
    await here.write()
    assert (await here.get("key", "s")).last_model == OPUS.model
    assert (await here.pin("key", "s", None)).pinned is None
    assert (await here.get("key", "s")).pinned is None


async def test_a_pin_from_elsewhere_is_felt_soon(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("athena.gateway.sessions.sessions._FRESH_S", 0.1)
    here, there = Sessions(database), Sessions(database)
    assert (await here.get("key", "s")).pinned is None
    await there.pin("key", "s", "opus")

    async def felt() -> bool:
        """However often the session is used here meanwhile."""
        here.note("key", "s", OPUS)
        await here.write()
        return (await here.get("key", "s")).pinned == "opus"

    await until(felt, 5)


async def test_what_cannot_be_a_model_is_not_pinned(database: Database) -> None:
    def check(model: str) -> None:
        raise InvalidInput(f"there is no model {model}")

    sessions = Sessions(database, check)
    with pytest.raises(InvalidInput, match="no model nonsense"):
        await sessions.pin("key", "s", "nonsense")
    assert await sessions.list(None, 10) == []
    assert (await sessions.pin("key", "s", None)).pinned is None


async def test_finding_and_listing(database: Database) -> None:
    sessions = Sessions(database)
    with pytest.raises(NotFound, match="no session yet"):
        await sessions.find(None, None)
    for principal, id in (("a", "1"), ("b", "2"), ("b", "1")):
        sessions.note(principal, id, OPUS)
        await asyncio.sleep(0.002)
    assert [(s.principal, s.id) for s in await sessions.list(None, 10)] == [("b", "1"), ("b", "2"), ("a", "1")]
    assert [s.id for s in await sessions.list("b", 1)] == ["1"]
    assert (await sessions.find(None, None)).id == "1"
    assert (await sessions.find("a", None)).principal == "a"
    assert (await sessions.find("a", "1")).principal == "a"
    with pytest.raises(Conflict, match="'b', 'a'"):
        await sessions.find(None, "1")
    for principal, id in (("a", "2"), (None, "3")):
        with pytest.raises(NotFound):
            await sessions.find(principal, id)
    sessions.note("b", "~beside", OPUS)
    assert (await sessions.find(None, None)).id == "1"
    assert (await sessions.find("b", "~beside")).requests == 1


async def test_while_postgresql_is_away_sessions_go_on(nowhere: Database, database: Database) -> None:
    sessions = Sessions(nowhere)
    assert await sessions.get("key", "s") == Session("key", "s")
    sessions.note("key", "s", OPUS)
    with pytest.raises(StoreUnavailable):
        await sessions.write()
    sessions.note("key", "s", LOCAL)
    seen = await sessions.get("key", "s")
    assert (seen.last_model, seen.requests) == (LOCAL.model, 2)
    with pytest.raises(StoreUnavailable):
        await sessions.pin("key", "s", "haiku")
    sessions._database = database  # it comes back
    await sessions.write()
    assert (await Sessions(database).get("key", "s")).requests == 2


async def test_it_is_written_beside_the_requests_and_at_the_end(database: Database, nowhere: Database) -> None:
    sessions, away = Sessions(database), Sessions(nowhere)
    away.note("key", "s", OPUS)
    task = asyncio.create_task(writing.run(away.write, sessions.write))
    sessions.note("key", "s", OPUS)

    async def written() -> bool:
        return (await Sessions(database).get("key", "s")).requests == 1

    await until(written, 10)
    sessions.note("key", "s", OPUS)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await Sessions(database).get("key", "s")).requests == 2


async def test_what_nobody_uses_goes(database: Database) -> None:
    sessions, signatures = Sessions(database), Signatures(database)
    sessions.note("key", "old", OPUS)
    sessions.note("key", "new", OPUS)
    await sessions.write()
    await signatures.keep("key", "google", {"old": 1, "new": 2})
    async with database.acquire() as connection:
        await connection.execute("UPDATE gateway_session SET last_used_at = now() - interval '1 year' WHERE id = 'old'")
        await connection.execute("UPDATE signature SET kept_at = now() - interval '1 year' WHERE tool_call = 'old'")
    await sessions.expire()
    await signatures.expire()
    assert [s.id for s in await sessions.list(None, 10)] == ["new"]
    assert await Signatures(database).find("key", "google", ["old", "new"]) == {"new": 2}


THINKING = [{"type": "thinking", "thinking": "über \u0000 \ud83d", "signature": "b/a=="}, {"b": 1, "a": 2}]


async def test_signatures_come_back_byte_for_byte_to_their_own_provider(database: Database) -> None:
    here = Signatures(database)
    await here.keep("key", "anthropic", {"t1": THINKING, "t2": "plain"})
    for signatures in (here, Signatures(database)):
        found = await signatures.find("key", "anthropic", ["t1", "t2", "t3", "t1"])
        assert json.dumps(found) == json.dumps({"t1": THINKING, "t2": "plain"})
        assert await signatures.find("key", "google", ["t1"]) == {}
        assert await signatures.find("other", "anthropic", ["t1"]) == {}
    (await here.find("key", "anthropic", ["t1"]))["t1"].clear()
    assert await here.find("key", "anthropic", ["t1"]) == {"t1": THINKING}
    await here.keep("key", "anthropic", {"t1": "again"})
    assert await Signatures(database).find("key", "anthropic", ["t1"]) == {"t1": "again"}


async def test_what_was_found_or_missed_once_costs_no_query(database: Database, nowhere: Database) -> None:
    signatures = Signatures(database)
    await signatures.keep("key", "google", {"t1": 1})
    await signatures.find("key", "google", ["t2"])
    signatures._database = nowhere
    assert await signatures.find("key", "google", ["t1", "t2"]) == {"t1": 1}
    with pytest.raises(StoreUnavailable):
        await signatures.find("key", "google", ["t1", "t3"])
    await signatures.keep("key", "google", {"t4": 4})
    assert await signatures.find("key", "google", ["t4"]) == {"t4": 4}
    signatures._database = database
    await signatures.write()
    assert await Signatures(database).find("key", "google", ["t4"]) == {"t4": 4}


async def test_little_room_forgets_only_what_can_be_read_again(database: Database) -> None:
    signatures = Signatures(database, most_characters=100)
    for n in range(20):
        await signatures.keep("key", "google", {f"t{n}": "x" * 30})
    assert signatures._characters <= 100
    assert len(await signatures.find("key", "google", [f"t{n}" for n in range(20)])) == 20


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=6))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_id_and_any_content(database: Database, found: dict[str, str]) -> None:
    signatures = Signatures(database)
    await signatures.keep("any", "google", found)
    assert await signatures.find("any", "google", found) == found


def test_sums_of_tokens() -> None:
    assert added(Tokens(1, 2, 3, 4), Tokens(10, 20, 30, 40)) == Tokens(11, 22, 33, 44)
