"""What of a recall is worth telling a model that wasn't asked to remember."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from athena.memory.notes import Note, Notes
from athena.memory.types import Filter, Hit, Kind, Known, Memory, Recall, Scope

RECORDED = datetime(2026, 11, 20, 9, tzinfo=UTC)


def hit(content: str, score: float, *, bm25: float = 0.0, cosine: float = 0.0, **more: Any) -> Hit:
    memory = Memory(
        id="1",
        content=content,
        kind=Kind.FACT,
        scope=Scope("p", session_id=more.get("session")),
        occurred_at=more.get("occurred_at"),
        valid_from=RECORDED,
        valid_until=None,
        recorded_at=RECORDED,
        importance=0.5,
        tags=(),
        metadata={},
        source=None,
        supersedes=None,
        superseded_by=None,
        times_seen=1,
        embedding=more.get("embedding", "ready"),
    )
    return Hit(memory, score, {"bm25": bm25, "cosine": cosine})


async def notes(*hits: Hit, session: str | None = "s", degraded: tuple[str, ...] = ()) -> list[str]:
    async def recall(query: str, where: Filter, *, limit: int) -> Recall:
        assert (query, where, limit > 1) == ("q", Filter(Scope("p")), True)
        return Recall(hits, degraded, 0, {})

    return [note.content for note in await Notes(recall)("q", project="p", session=session)]


async def test_the_nearest_must_be_near() -> None:
    near = (hit("near", 2.0, cosine=0.4), hit("by words", 1.9, bm25=3.0, cosine=0.1), hit("also", 1.8, cosine=0.1))
    assert await notes(*near) == ["near", "by words", "also"]
    assert await notes(hit("a word by chance", 2.5, bm25=4.0, cosine=0.2), hit("b", 2.4, cosine=0.3)) == []
    assert await notes() == []


async def test_without_vectors_words_decide() -> None:
    hits = (hit("by words", 2.0, bm25=1.2), hit("just the best of the rest", 1.9))
    assert await notes(*hits, degraded=("embedding",)) == ["by words"]
    new = hit("just written", 2.0, bm25=1.2, embedding="pending")
    assert await notes(new, hit("old", 1.9, bm25=1.0, cosine=0.1)) == ["just written"]


async def test_what_is_far_behind_the_best_stays_out() -> None:
    found = await notes(hit("best", 3.0, cosine=0.6), hit("close", 2.2, cosine=0.5), hit("far", 1.9, cosine=0.5))
    assert found == ["best", "close"]


async def test_what_the_session_said_itself_stays_out() -> None:
    own, other = hit("own", 5.0, cosine=0.9, session="s"), hit("other", 2.5, cosine=0.5, session="t")
    assert await notes(own, other) == ["other"]
    assert await notes(own, other, session=None) == ["own"]


async def test_the_day_it_happened_or_was_recorded() -> None:
    async def recall(query: str, where: Filter, *, limit: int) -> Recall:
        happened = datetime(2024, 2, 3, 23, 59, tzinfo=UTC)
        return Recall((hit("a", 2.0, cosine=0.5, occurred_at=happened), hit("b", 2.0, cosine=0.5)), (), 0, {})

    assert await Notes(recall)("q", project="p", session=None) == [
        Note("a", date(2024, 2, 3)),
        Note("b", date(2026, 11, 20)),
    ]


async def test_what_was_concluded_from_several_notes_comes_first() -> None:
    def concluded(content: str, type: str, *because: str) -> Known:
        memory = replace(hit(content, 0).memory, kind=Kind.PATTERN, metadata={"pattern": {"type": type}})
        return Known(memory, because)

    one, other, far = (hit(name, score, cosine=0.6) for name, score in (("one", 3.0), ("other", 2.9), ("far", 1.0)))
    hits = tuple(replace(each, memory=replace(each.memory, id=each.memory.content)) for each in (one, other, far))
    known = (
        concluded("again and again", "routine", "one", "other"),
        concluded("of one note", "theme", "one"),
        concluded("since then otherwise", "change", "other"),
        concluded("of what wasn't told", "routine", "far", "one"),
    )

    async def recall(query: str, where: Filter, *, limit: int) -> Recall:
        return Recall(hits, (), 0, {}, known)

    told: list[list[str]] = []
    notes = Notes(recall, lambda memories: told.append([memory.content for memory in memories]))
    found = [note.content for note in await notes("q", project="p", session=None)]
    assert found == ["again and again", "since then otherwise", "one", "other"]
    # What came back from there is recognised, a pattern's words like any other's.
    assert told == [found]
