"""What is forgotten is gone from everywhere, and patterns say what they lost."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from athena.bootstrap import Athena
from athena.compression import Elision
from athena.core.marked import marked
from athena.errors import NotFound
from athena.memory.identity import fingerprint
from athena.memory.types import Filter, Kind, NewMemory, Scope
from athena.rewrite.canonical import Unit
from athena.rewrite.ledger import Decision, Owner
from tests.integration.conftest import until
from tests.integration.memories import day, recalled, told, value

RHYTHM = "on Mondays around 07:00"
OWNER = Owner("key", "default")


async def pattern(
    athena: Athena, content: str, evidence: Sequence[str], exemplar: str | None = None, **more: Any
) -> str:
    """The id of a pattern as consolidation writes one; quotes are the events' own words."""
    described = {
        "type": "routine", "support": len(evidence), "exemplar": exemplar, "rhythm": None, "by": "fast", **more,
    }  # fmt: skip
    new = NewMemory(content, Kind.PATTERN, source="consolidation", metadata={"pattern": described})
    [receipt] = await athena.memory.remember([new])
    async with athena.database.transaction() as connection:
        await connection.execute("UPDATE memory SET derived = true WHERE uid = $1", receipt.id)
        await connection.execute(
            "INSERT INTO evidence SELECT p.id, m.id, m.content FROM memory p, memory m "
            "WHERE p.uid = $1 AND m.uid = ANY ($2::uuid[])",
            receipt.id,
            list(evidence),
        )
    return receipt.id


async def runs(athena: Athena, *contents: str, session: str | None = None) -> list[str]:
    """Events, a day apart."""
    ids = []
    for place, content in enumerate(contents):
        ids += await told(
            athena, content, kind=Kind.EVENT, occurred_at=day(2026, 3, 1 + place), scope=Scope(session_id=session)
        )
    return ids


async def described(athena: Athena, id: str) -> dict[str, Any]:
    return dict((await athena.memory.get(id)).metadata["pattern"])


async def everywhere(athena: Athena, word: str) -> list[str]:
    """The tables in which any row holds the word."""
    async with athena.database.acquire() as connection:
        tables = await connection.fetch(
            "SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relkind IN ('r', 'p') "
            "AND c.relnamespace = 'public'::regnamespace"
        )
        return [
            table["name"]
            for table in tables
            if await connection.fetchval(
                f"SELECT EXISTS (SELECT FROM {table['name']} t WHERE t::text ILIKE '%' || $1 || '%')", word
            )
        ]


async def test_no_table_holds_the_words_of_what_was_forgotten(athena: Athena) -> None:
    word = "xanthippo"
    before, secret, after = await runs(
        athena, "Ada made tea", f"Ada met {word} at the quay", "Ada went home", session="s"
    )
    [twin] = await told(athena, f"Ada met {word} at that quay")
    await pattern(athena, "Ada goes home", [before, after], before, together=[{"exemplar": secret, "share": 0.5}])
    told_by = await pattern(
        athena, f"Ada met {word} at the quay ({RHYTHM})", [before, secret, after], secret,
        rhythm=RHYTHM, entities=["Ada", word.title()], about=f"{word} and tea",
    )  # fmt: skip
    project = await value(athena, "SELECT id FROM project")
    begin = "INSERT INTO consolidation_run (project_id, cause, state) VALUES ($1, 'test', 'done') RETURNING id"
    run = await value(athena, begin, project)
    about = json.dumps({"pattern": {"entities": [word], "support": 3}})
    both = "FROM memory m, memory o WHERE m.uid = $1 AND o.uid = $2"
    for sql, *parameters in (
        (f"INSERT INTO twin SELECT m.id, o.id, 0.9 {both}", twin, secret),
        (f"INSERT INTO review SELECT m.id, o.id {both}", told_by, secret),
        ("INSERT INTO verdict VALUES ($1, 'k', $2::jsonb, $3)", project, json.dumps([word]), [secret]),
        (
            "INSERT INTO dead_letter (project_id, key, code, reason, memories) VALUES ($1, 'k', 'quote', $2, $3)",
            project, f"{word} stands nowhere", [secret, after],
        ),
        (
            "INSERT INTO consolidation_change (run_id, action, subject, before, after) "
            "VALUES ($1, 'described', $2, $3::jsonb, $3::jsonb)",
            run, told_by, about,
        ),
    ):  # fmt: skip
        await value(athena, sql, *parameters)
    unit, note = b"1" * 32, marked([f"2026-03-02: Ada met {word} at the quay"])
    original = Elision("e1", f"x\nAda met {word} at the quay\ny")
    await athena.ledger.decide(
        OWNER,
        [
            Decision(Unit(("0",), "hello", unit, unit, True), f"hello{note}"),
            Decision(Unit(("1",), "log", b"2" * 32, unit, True), "log [e1]", (original,)),
            Decision(Unit(("2",), "else", b"3" * 32, unit, True), "something else"),
        ],
    )
    await recalled(athena, word)
    await athena.memory.aclose()
    assert len(await everywhere(athena, word)) >= 8
    gone = await athena.memory.forget([secret, twin], ledger=True)
    assert (gone.count, gone.decisions) == (2, 1)
    assert gone.patterns_weaker == (told_by,)
    assert await everywhere(athena, word) == []
    assert await value(athena, "SELECT array_agg(replacement) FROM rewrite") == ["log [e1]", "something else"]
    # What was said next is found by its own words still, and by its date.
    assert (await recalled(athena, "home", limit=1))[0] == "Ada went home"
    orphans = "SELECT count(*) FROM posting WHERE NOT EXISTS (SELECT FROM memory WHERE id = memory_id)"
    assert await value(athena, orphans) == 0


async def test_without_the_word_what_was_sent_stays_as_it_was_sent(athena: Athena) -> None:
    [secret] = await told(athena, "Ada met the xanthippo at the quay")
    unit = Unit((0,), "hello", b"1" * 32, b"1" * 32, True)
    await athena.ledger.decide(
        OWNER, [Decision(unit, f"hello{marked(['2026-03-02: Ada met the xanthippo at the quay'])}")]
    )
    where = Filter(Scope("default"))
    foreseen = await athena.memory.forget_where(where, query="xanthippo", ledger=True)
    assert (foreseen.count, foreseen.decisions, foreseen.dry_run) == (1, 1, True)
    assert (await athena.memory.forget([secret])).decisions == 0
    assert await everywhere(athena, "xanthippo") == ["rewrite"]


async def test_a_pattern_in_the_words_of_what_goes_speaks_in_others(athena: Athena) -> None:
    first, second, third = await runs(
        athena, "Ada ran by the river", "Ada ran along the old river", "Ada ran by the sea"
    )
    told_by = await pattern(athena, f"Ada ran by the sea ({RHYTHM})", [first, second, third], third, rhythm=RHYTHM)
    gone = await athena.memory.forget([third])
    assert (gone.patterns_weaker, gone.patterns_forgotten, gone.count) == ((told_by,), (), 1)
    left = await athena.memory.get(told_by)
    assert left.content == f"Ada ran along the old river ({RHYTHM})"
    about = left.metadata["pattern"]
    assert (about["support"], about["evidence_removed"], about["exemplar"]) == (2, 1, second)
    mark = await value(athena, "SELECT fingerprint FROM memory WHERE uid = $1", told_by)
    assert mark == fingerprint(NewMemory(left.content, Kind.PATTERN))

    async def embedded() -> bool:
        return (await athena.memory.get(told_by)).embedding == "ready"

    await until(embedded)
    patterns = Filter(kinds=(Kind.PATTERN,))
    assert await recalled(athena, "along the river", patterns) == [left.content]
    sea = "SELECT count(*) FROM posting p JOIN memory m ON m.id = p.memory_id WHERE lexeme = 'sea'"
    assert await value(athena, sea) == 0
    await athena.memory.forget([first])
    assert (await athena.memory.get(told_by)).content == left.content
    assert (await described(athena, told_by))["evidence_removed"] == 2
    last = await athena.memory.forget([second])
    assert last.patterns_forgotten == (told_by,)
    assert await value(athena, "SELECT count(*) FROM memory") == 0
    assert await value(athena, "SELECT count(*) FROM rejection") == 0


async def test_older_versions_of_a_pattern_go_with_the_words(athena: Athena) -> None:
    first, second = await runs(athena, "Ada ran by the river", "Ada swam in the cold sea")
    old = await pattern(athena, "Ada swam in the cold sea", [first, second], second)
    new = (await athena.memory.supersede(old, NewMemory("Ada swam in the cold sea every week", metadata={
        "pattern": {"type": "routine", "exemplar": second, "support": 2}
    }))).id  # fmt: skip
    await value(athena, "UPDATE memory SET derived = true WHERE uid = $1", new)
    await value(
        athena,
        "INSERT INTO evidence SELECT n.id, e.memory_id, e.quote FROM evidence e, memory n WHERE n.uid = $1",
        new,
    )
    gone = await athena.memory.forget([second])
    assert gone.patterns_weaker == (new,)
    assert (await athena.memory.get(new)).content == "Ada ran by the river"
    assert await value(athena, "SELECT count(*) FROM tombstone WHERE uid = ANY ($1::uuid[])", [old, second]) == 2
    assert await everywhere(athena, "swam") == []


async def test_half_a_change_says_nothing(athena: Athena) -> None:
    old, new = await runs(athena, "Ada drinks coffee", "Ada drinks tea")
    change = await pattern(
        athena, "Since then: Ada drinks tea. Before: Ada drinks coffee.", [old, new], new, type="change"
    )
    assert (await athena.memory.forget([old])).patterns_forgotten == (change,)


async def test_words_that_a_model_took_from_an_event_go_with_it(athena: Athena) -> None:
    """A statement in nobody's words has no exemplar: it is looked at word by word."""
    first, second, third = await runs(athena, "Ada ran by the river", "Ada ran to the lighthouse", "Ada ran by the sea")
    fact = await pattern(athena, "Ada likes to run to the lighthouse", [first, second, third], None, type="fact")
    await athena.memory.forget([third])
    assert (await athena.memory.get(fact)).content == "Ada likes to run to the lighthouse"
    await athena.memory.forget([second])
    assert (await athena.memory.get(fact)).content == "Ada ran by the river"


async def test_a_pattern_that_would_say_what_another_says_goes(athena: Athena) -> None:
    first, second = await runs(athena, "Ada ran by the river", "Ada ran by the sea")
    there = await pattern(athena, "Ada ran by the river", [first], first)
    double = await pattern(athena, "Ada ran by the sea", [first, second], second)
    gone = await athena.memory.forget([second])
    assert gone.patterns_forgotten == (double,)
    assert (await athena.memory.get(there)).content == "Ada ran by the river"


async def test_a_pattern_that_a_person_forgets_is_rejected(athena: Athena) -> None:
    first, second = await runs(athena, "Ada ran by the river", "Ada ran by the sea")
    told_by = await pattern(athena, "Ada runs", [first, second], None)
    plain = await told(athena, "just a fact")
    await athena.memory.forget([told_by, *plain])
    rejected = await value(athena, "SELECT memories FROM rejection")
    assert {str(uid) for uid in rejected} == {first, second}
    assert await value(athena, "SELECT count(*) FROM rejection") == 1
    assert len(await recalled(athena, "Ada ran")) == 2


async def test_a_dry_run_names_what_would_happen_and_changes_nothing(athena: Athena) -> None:
    first, second, third = await runs(athena, "Ada ran by the river", "Ada ran by the sea", "Ada slept")
    weak = await pattern(athena, "Ada ran by the sea", [first, second, third], second)
    lost = await pattern(athena, "Ada runs", [first, second], None)
    # Patterns that say it themselves would be found, too.
    where = Filter(kinds=(Kind.EVENT,))
    before = await value(athena, "SELECT array_agg(m::text ORDER BY id) FROM memory m")
    foreseen = await athena.memory.forget_where(where, query="ran", dry_run=True)
    assert await value(athena, "SELECT array_agg(m::text ORDER BY id) FROM memory m") == before
    assert (set(foreseen.ids), foreseen.patterns_weaker) == ({first, second}, (weak,))
    assert foreseen.patterns_forgotten == (lost,)
    done = await athena.memory.forget_where(where, query="ran", dry_run=False)
    assert (done.ids, done.patterns_weaker, done.patterns_forgotten) == (
        foreseen.ids,
        foreseen.patterns_weaker,
        foreseen.patterns_forgotten,
    )
    assert (await athena.memory.get(weak)).content == "Ada slept"


async def test_forgetting_a_session_leaves_its_index_right(athena: Athena) -> None:
    ids = await runs(athena, "the heron stands", "it waits", "it strikes", "the fish is gone", session="s")
    lexemes = "SELECT array_agg(tsvector_to_array(lexemes)::text ORDER BY id) FROM memory"
    await athena.memory.forget([ids[0], ids[1]])
    assert "heron" not in str(await value(athena, lexemes))
    postings = "SELECT count(*) FROM posting p JOIN memory m ON m.id = p.memory_id"
    assert await value(athena, f"{postings} WHERE NOT lexeme = ANY (tsvector_to_array(m.lexemes))") == 0
    assert await value(athena, "SELECT sum(cardinality(tsvector_to_array(lexemes))) FROM memory") == await value(
        athena, postings
    )
    # `strike` stands before the last turn still; of the first one left, only its date does.
    assert await recalled(athena, "strikes", limit=2) == ["it strikes", "the fish is gone"]


async def test_over_http(environment: dict[str, str]) -> None:
    url = f"http://127.0.0.1:{environment['ATHENA_PORT']}/api/v1/memories"
    async with httpx.AsyncClient() as http:
        stored = (await http.post(url, json={"content": "Ada met the xanthippo"})).json()
        asked = {"query": "xanthippo", "ledger": True}
        foreseen = (await http.post(f"{url}/forget", json=asked)).json()
        assert foreseen == {
            "ids": [stored["id"]], "count": 1, "dry_run": True, "conversations": 0, "decisions": 0,
            "patterns_weaker": [], "patterns_forgotten": [],
        }  # fmt: skip
        assert (await http.post(f"{url}/forget", json={"id": stored["id"], "ledger": True})).json()["count"] == 1
        assert (await http.get(f"{url}/{stored['id']}")).status_code == 404


@pytest.mark.parametrize("known", [False, True])
async def test_an_id_that_is_not_there_forgets_nothing(athena: Athena, known: bool) -> None:
    [kept] = await told(athena, "kept")
    ids = [kept, str(uuid.uuid4())] if known else [str(uuid.uuid4())]
    with pytest.raises(NotFound, match="there is no memory"):
        await athena.memory.forget(ids)
    assert await recalled(athena, "kept") == ["kept"]
