"""Reading: by word, by meaning, by time, under every filter, and for every question that can be asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from athena.bootstrap import Athena
from athena.memory.embedding import query_vector
from athena.memory.names import Names
from athena.memory.rows import scope_parameters
from athena.memory.types import Filter, Kind, NewMemory, Scope
from athena.store.sql import statements, with_generation
from tests.fakes.minilm import minilm
from tests.fakes.tiny_models import WORDS
from tests.integration.conftest import LlamaServer, built, settings_for, until
from tests.integration.memories import WAIT_S, day, hits_by_content, recalled, told, value, within


async def test_a_rare_word_wins_over_common_ones(athena: Athena) -> None:
    await told(athena, *(f"the budget meeting of project {n}" for n in range(20)), "a xylophone for the band")
    hits = await hits_by_content(athena, "budget meeting xylophone")
    rare = hits["a xylophone for the band"].explanation["bm25"]
    assert rare > max(hit.explanation["bm25"] for text, hit in hits.items() if "budget" in text) > 0
    assert (await recalled(athena, "project meeting xylophone"))[0] == "a xylophone for the band"


async def test_one_matching_word_of_five_is_enough(athena: Athena) -> None:
    await told(athena, *(f"the cat is in house {n}" for n in range(10)), "the xylophone is in the attic")
    hits = await hits_by_content(athena, "quartz pelican xylophone umbrella lighthouse")
    assert [text for text, hit in hits.items() if hit.explanation["bm25"] > 0] == ["the xylophone is in the attic"]
    assert next(iter(hits)) == "the xylophone is in the attic"


async def test_words_are_found_by_their_stems(athena: Athena) -> None:
    await told(athena, *(f"the cat is in house {n}" for n in range(10)), "she was painting lighthouses")
    assert (await recalled(athena, "painted a lighthouse"))[0] == "she was painting lighthouses"


async def test_what_shares_no_word_that_counts_is_found_by_its_vector(athena: Athena) -> None:
    # All of these are stop words: the lexical index holds nothing of them, the embedder does.
    await told(athena, *(f"the red car number {n}" for n in range(120)), "which of these have been there before you")
    hits = (await athena.memory.recall("which of these have been there", Filter(), limit=3)).hits
    assert hits[0].memory.content == "which of these have been there before you"
    assert hits[0].explanation["bm25"] == 0
    assert hits[0].explanation["cosine"] > hits[1].explanation["cosine"]


async def test_a_real_model_finds_what_shares_no_word_at_all(dsn: str, test_home: Path) -> None:
    server = LlamaServer(await minilm())
    try:
        server.start()
        async with built(settings_for(dsn, server.url, test_home)) as athena:
            await told(
                athena,
                "My cat sleeps on the radiator all day",
                "The car needs new brakes",
                "Interest rates went up again",
                "We fly to Lisbon on Monday",
            )
            [hit] = (await athena.memory.recall("anything about a feline?", Filter(), limit=1)).hits
            assert hit.memory.content == "My cat sleeps on the radiator all day"
            assert hit.explanation["bm25"] == 0
    finally:
        server.stop()


async def test_the_date_in_a_question_finds_what_happened_then(athena: Athena) -> None:
    places = ["garden", "house", "meeting", "library", "river"]
    dates = [day(2023, 5, 8), day(2023, 9, 3), day(2022, 6, 21), day(2024, 1, 9)]
    events = [
        NewMemory(f"they went to the {place}", Kind.EVENT, occurred_at=date + timedelta(days=n))
        for date in dates
        for n, place in enumerate(places)
    ]
    await athena.memory.remember(events, wait_s=WAIT_S)
    hits = (await athena.memory.recall("what happened in May 2023?", Filter(), limit=5)).hits
    assert {hit.memory.occurred_at.strftime("%B %Y") for hit in hits if hit.memory.occurred_at} == {"May 2023"}


async def test_since_and_until_bound_when_it_happened(athena: Athena) -> None:
    for year in (2021, 2022, 2023):
        await told(athena, f"the meeting of {year}", occurred_at=day(year), kind=Kind.EVENT)
    await told(athena, "the meeting without a date", kind=Kind.EVENT)

    async def found(**bounds: datetime) -> set[str]:
        return {text.split()[-1] for text in await recalled(athena, "meeting", Filter(**bounds))}  # type: ignore[arg-type]

    assert await found(since=day(2022)) == {"2022", "2023", "date"}
    assert await found(until=day(2022)) == {"2021"}
    assert await found(since=day(2022), until=day(2023)) == {"2022"}
    assert await found(since=day(2024)) == {"date"}
    assert await found(since=day(2099)) == set()


async def test_as_of_a_day_only_what_was_true_then_is_known(athena: Athena) -> None:
    [berlin] = await told(athena, "Anna lives in Berlin", occurred_at=day(2020))
    await athena.memory.supersede(berlin, NewMemory("Anna lives in Paris", occurred_at=day(2022)))
    await told(athena, "Anna lives for music", valid_from=day(2021), valid_until=day(2021, 6))

    async def known(when: datetime | None) -> set[str]:
        return set(await recalled(athena, "Anna lives", Filter(as_of=when)))

    assert await known(day(2019)) == set()
    assert await known(day(2020)) == {"Anna lives in Berlin"}
    assert await known(day(2021, 3)) == {"Anna lives in Berlin", "Anna lives for music"}
    assert await known(day(2021, 6)) == {"Anna lives in Berlin"}
    assert await known(day(2022)) == {"Anna lives in Paris"}
    assert await known(None) == {"Anna lives in Paris"}


async def test_what_is_not_yet_true_is_not_recalled(athena: Athena) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await told(athena, "the new office is open", valid_from=tomorrow)
    await told(athena, "the dentist tomorrow", kind=Kind.TASK, occurred_at=tomorrow)
    assert await recalled(athena, "office dentist") == ["the dentist tomorrow"]
    assert set(await recalled(athena, "office dentist", Filter(as_of=tomorrow))) == {
        "the new office is open",
        "the dentist tomorrow",
    }


SCOPED = (
    NewMemory("coffee one", Kind.FACT, Scope("p", "u1", "a1", "s1"), tags=("x",)),
    NewMemory("coffee two", Kind.PREFERENCE, Scope("p", "u1", "a2", "s1"), tags=("x", "y")),
    NewMemory("coffee three", Kind.TASK, Scope("p", "u2", "a1", "s2"), tags=("y", "z", "x")),
    NewMemory("coffee four", Kind.FACT, Scope("q", "u1", "a1", "s1"), tags=("x",)),
    NewMemory("coffee five", Kind.FACT, Scope("p")),
)


FILTERS: tuple[tuple[Filter, set[str]], ...] = (
    (within(project="p"), {"one", "two", "three", "five"}),
    (within(project="q"), {"four"}),
    (within(project="p", user_id="u1"), {"one", "two"}),
    (within(project="p", agent_id="a1"), {"one", "three"}),
    (within(project="p", session_id="s1"), {"one", "two"}),
    (within(project="p", user_id="u1", agent_id="a1", session_id="s1"), {"one"}),
    (within(project="p", user_id="u2", session_id="s1"), set()),
    (Filter(Scope("p"), kinds=(Kind.FACT,)), {"one", "five"}),
    (Filter(Scope("p"), kinds=(Kind.TASK, Kind.PREFERENCE)), {"two", "three"}),
    (Filter(Scope("p"), tags=("x",)), {"one", "two", "three"}),
    (Filter(Scope("p"), tags=("x", "y")), {"two", "three"}),
    (Filter(Scope("p"), tags=("z", "y", "x")), {"three"}),
    (Filter(Scope("p"), tags=("x", "w")), set()),
    (within(project="nobody"), set()),
    (within(project="p", session_id="never"), set()),
    (within(project="p", user_id="nobody"), set()),
)


async def test_every_filter_must_hold(athena: Athena) -> None:
    await athena.memory.remember(SCOPED, wait_s=WAIT_S)
    for where, expected in FILTERS:
        assert {text.split()[1] for text in await recalled(athena, "coffee", where)} == expected, where


async def test_the_parts_of_the_explanation_sum_to_the_score(athena: Athena) -> None:
    turns = ["Anna: do you like green tea?", "Bob: no, coffee", "Anna: which music do you play?", "Bob: the xylophone"]
    await told(athena, *turns, scope=Scope(session_id="s"), kind=Kind.EVENT, occurred_at=day(2024))
    await told(athena, "Bob likes the garden", importance=0.9)
    hits = (await athena.memory.recall("what does Bob play?", Filter())).hits
    assert len(hits) == 5
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for hit in hits:
        parts = dict(hit.explanation)
        raw = {name: parts.pop(name) for name in ("cosine", "bm25")}
        assert sum(parts.values()) == pytest.approx(hit.score, abs=0.0006)
        assert raw["cosine"] <= 1.001
    assert any(hit.explanation["speaker"] > 0 for hit in hits)


async def test_an_answer_is_found_through_the_turn_before_it(athena: Athena) -> None:
    for n in range(15):
        talk = (f"Bob: how is project {n}?", f"Anna: the deadline is day {n}")
        await told(athena, *talk, scope=Scope(session_id=f"s{n}"), kind=Kind.EVENT)
    await told(athena, "Bob: where is the xylophone?", scope=Scope(session_id="attic"), kind=Kind.EVENT)
    await told(athena, "Anna: up there, behind the books", scope=Scope(session_id="attic"), kind=Kind.EVENT)
    hits = (await athena.memory.recall("xylophone", Filter(), limit=2)).hits
    assert {hit.memory.content for hit in hits} == {"Bob: where is the xylophone?", "Anna: up there, behind the books"}
    assert all(hit.explanation["bm25"] > 0 for hit in hits)


async def test_a_neighbour_outside_of_the_filter_stays_outside(athena: Athena) -> None:
    await told(athena, "the xylophone", scope=Scope(user_id="me", session_id="s"))
    await told(athena, "behind the books", scope=Scope(user_id="you", session_id="s"))
    assert await recalled(athena, "xylophone", within(user_id="me")) == ["the xylophone"]


async def test_who_is_named_in_the_question_speaks_first(athena: Athena) -> None:
    turns = [f"{name}: the best was the red train" for name in ("Bob", "Ada", "Eve")]
    await told(athena, *turns, kind=Kind.EVENT)
    hits = (await athena.memory.recall("what did Ada like best?", Filter())).hits
    assert [hit.explanation["speaker"] for hit in hits] == [0.5, 0, 0]
    assert hits[0].memory.content == "Ada: the best was the red train"


async def test_importance_breaks_a_tie(athena: Athena) -> None:
    for user, importance in (("a", 0.2), ("b", 0.9), ("c", 0.5)):
        await told(athena, "the train is late", scope=Scope(user_id=user), importance=importance)
    hits = (await athena.memory.recall("train", Filter())).hits
    assert [hit.memory.scope.user_id for hit in hits] == ["b", "c", "a"]


async def test_what_happened_lately_breaks_a_tie(athena: Athena) -> None:
    for n, year in enumerate((2025, 2026, 2024)):
        await told(athena, "ok", kind=Kind.EVENT, occurred_at=day(year), metadata={"n": n})
    hits = (await athena.memory.recall("ok", Filter(as_of=day(2026, 2)))).hits
    assert [hit.memory.occurred_at for hit in hits] == [day(2026), day(2025), day(2024)]


async def test_what_waits_for_its_vector_is_found_by_word_and_counted(
    dsn: str, own_server: LlamaServer, test_home: Path
) -> None:
    own_server.start()
    async with built(settings_for(dsn, own_server.url, test_home)) as athena:
        await told(athena, "the red car")
        own_server.stop()
        await told(athena, "the red train", "the red house", wait_s=0, scope=Scope(user_id="u"))
        await told(athena, "the red book", wait_s=0, scope=Scope("other"))
        answer = await athena.memory.recall("red", Filter())
        assert (len(answer.hits), answer.pending) == (3, 2)
        assert {hit.memory.content: hit.memory.embedding for hit in answer.hits}["the red train"] == "pending"
        assert (await athena.memory.recall("red", within(user_id="u"))).pending == 2
        assert (await athena.memory.recall("red", within(user_id="v"))).pending == 0
        assert (await athena.memory.recall("red", within(project="other"))).pending == 1
        own_server.start()
        await until(lambda: _nothing_pending(athena))


async def _nothing_pending(athena: Athena) -> bool:
    return (await athena.memory.recall("red", Filter())).pending == 0


async def test_before_any_embedding_server_was_seen_everything_is_pending(
    dsn: str, own_server: LlamaServer, test_home: Path
) -> None:
    async with built(settings_for(dsn, own_server.url, test_home), ready=False) as athena:
        await told(athena, "the red train", "the red car", wait_s=0)
        answer = await athena.memory.recall("red", Filter())
        assert (len(answer.hits), answer.pending, answer.degraded) == (2, 2, ("embedding",))
        assert (await athena.backlog()).pending == 2
        own_server.start()
        await until(lambda: _nothing_pending(athena))
        assert {h.memory.embedding for h in (await athena.memory.recall("red", Filter())).hits} == {"ready"}


async def test_the_index_finds_what_the_exact_search_finds(athena: Athena) -> None:
    size = 300
    texts = [" ".join(WORDS[n * step % len(WORDS)] for step in (1, 7, 31, 53)) + f" number {n}" for n in range(size)]
    await told(athena, *texts, kind=Kind.EVENT)
    for query in ("coffee music", "garden meeting deadline", "what did they write", "number 17"):
        exact, by_index = await _asked(athena, query, size), await _asked(athena, query, size - 1)
        assert exact[0]["is_exact"]
        assert not by_index[0]["is_exact"]
        # Only what says how it was found, and the age in seconds, may differ.
        assert [(r["uid"], round(r["score"], 4)) for r in by_index] == [(r["uid"], round(r["score"], 4)) for r in exact]


async def _asked(athena: Athena, query: str, exact_limit: int) -> list[Any]:
    generation = (await athena.generations.active()).serving
    assert generation is not None
    vector = await query_vector(generation, athena.generations.embedder(generation), query)
    sql = with_generation(statements("recall")["recall"], generation.id, generation.dim)
    async with athena.database.acquire() as connection:
        scope = await scope_parameters(connection, Filter(), Names())
        assert scope is not None
        rows: list[Any] = await connection.fetch(sql, *scope, query, vector, 10, exact_limit)
    return rows


async def test_the_limit_is_kept_and_the_best_come_first(athena: Athena) -> None:
    await told(athena, *(f"the cat is in house {n}" for n in range(30)))
    everything = await recalled(athena, "cat house 7", limit=100)
    assert len(everything) == len(set(everything)) == 30
    assert everything[0] == "the cat is in house 7"
    assert await recalled(athena, "cat house 7", limit=1) == everything[:1]
    assert await recalled(athena, "cat house 7", limit=7) == everything[:7]


QUESTIONS = (
    "the of and is it",
    "?!… --- ,;.",
    " \t\n ",
    "🙂🙃🫠",
    "猫はどこにいますか",
    "أين القطة الحمراء؟",
    "' OR 1=1; DROP TABLE memory; --",
    ":* & | ! <-> ( ) \\ %s {generation} $1",
    "a" * 8000,
    "which red train was it " * 350,
    "\u202e\u0301\ufeff\uffff",
)


async def test_any_question_has_an_answer(athena: Athena) -> None:
    await told(athena, "the red train", "猫はここにいます", "القطة في البيت")
    for question in QUESTIONS:
        answer = await athena.memory.recall(question, Filter())
        # Every memory has a vector, so each is near to anything, if not very near.
        assert (len(answer.hits), answer.degraded) == (3, ()), ascii(question[:40])


async def test_other_scripts_are_found_by_their_words(athena: Athena) -> None:
    await told(athena, "القطة في البيت", "кошка спит дома", "η γάτα κοιμάται", *(f"train {n}" for n in range(10)))
    assert (await recalled(athena, "кошка"))[0] == "кошка спит дома"
    assert (await recalled(athena, "القطة"))[0] == "القطة في البيت"
    assert (await recalled(athena, "γάτα"))[0] == "η γάτα κοιμάται"


async def test_a_long_text_of_many_chunks_crowds_nothing_out(athena: Athena) -> None:
    long = " ".join(f"the red car number {n} was parked in the street" for n in range(3500))
    await told(athena, long, *(f"a red car of kind {n}" for n in range(5)))
    assert await value(athena, "SELECT count(*) FROM embedding") > 65
    found = (await athena.memory.recall("red car", Filter(), limit=10)).hits
    assert len(found) == 6
