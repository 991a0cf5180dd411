"""Laws of identity: ids sort by time, equal memories are equal in whatever they are written."""

from __future__ import annotations

import time
import unicodedata
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.memory.identity import fingerprint, new_uid, request_hash, speaker
from athena.memory.types import Kind, NewMemory, Scope

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
_NAMES = st.one_of(st.none(), st.sampled_from(["a", "b", "null", ""]))
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_SCOPES = st.builds(Scope, st.sampled_from(["p", "q"]), _NAMES, _NAMES, _NAMES)
_MEMORIES = st.builds(
    NewMemory,
    _TEXTS,
    st.sampled_from(Kind),
    _SCOPES,
    occurred_at=st.one_of(st.none(), st.datetimes(timezones=st.just(UTC))),
    metadata=st.dictionaries(st.text("ab", max_size=2), st.integers(0, 2), max_size=2),
)


def test_ids_sort_by_the_time_they_were_made() -> None:
    ids = []
    for _ in range(20):
        ids.append(new_uid())
        time.sleep(0.002)
    assert ids == sorted(ids)
    assert [str(id) for id in ids] == sorted(str(id) for id in ids)


def test_an_id_is_a_version_7_uuid_of_now() -> None:
    before = time.time_ns() // 1_000_000
    id = new_uid()
    assert (id.version, id.variant) == (7, uuid.RFC_4122)
    assert before <= id.int >> 80 <= time.time_ns() // 1_000_000


def test_ids_of_one_millisecond_differ() -> None:
    assert len({new_uid() for _ in range(20_000)}) == 20_000


@given(_MEMORIES)
def test_spelling_and_white_space_around_it_do_not_make_another_memory(memory: NewMemory) -> None:
    for form in ("NFC", "NFD"):
        written = replace(memory, content=f"\n {unicodedata.normalize(form, memory.content)}\t ")
        assert fingerprint(written) == fingerprint(memory)


@given(_MEMORIES, _MEMORIES)
def test_a_fingerprint_says_exactly_what_makes_a_memory_the_same(one: NewMemory, other: NewMemory) -> None:
    def identity(memory: NewMemory) -> tuple[object, ...]:
        about = (memory.scope.user_id, memory.scope.agent_id, memory.scope.session_id)
        event = (memory.occurred_at, memory.metadata) if memory.kind is Kind.EVENT else ()
        return memory.kind, about, unicodedata.normalize("NFC", memory.content).strip(), event

    assert (fingerprint(one) == fingerprint(other)) == (identity(one) == identity(other))


@given(_MEMORIES)
def test_the_same_moment_in_another_time_zone_is_the_same_event(memory: NewMemory) -> None:
    memory = replace(memory, kind=Kind.EVENT, occurred_at=NOON)
    elsewhere = replace(memory, occurred_at=NOON.astimezone(timezone(timedelta(hours=5, minutes=30))))
    assert fingerprint(elsewhere) == fingerprint(memory)
    assert request_hash([elsewhere]) == request_hash([memory])


@pytest.mark.parametrize(
    "change",
    [
        {"content": "else"},
        {"scope": Scope("elsewhere")},
        {"importance": 0.6},
        {"tags": ("b", "a")},
        {"metadata": {"n": 2}},
        {"source": "other"},
        {"occurred_at": NOON},
        {"valid_from": NOON},
        {"valid_until": NOON},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_request_that_differs_in_anything_is_another_request(change: dict[str, object]) -> None:
    memory = NewMemory("text", tags=("a", "b"), metadata={"n": 1}, source="me")
    assert request_hash([memory]) == request_hash([replace(memory, metadata={"n": 1})])
    assert request_hash([replace(memory, **change)]) != request_hash([memory])  # type: ignore[arg-type]


def test_the_order_of_a_request_counts() -> None:
    one, two = NewMemory("one"), NewMemory("two")
    assert request_hash([one, two]) != request_hash([two, one])
    assert request_hash([one, one]) != request_hash([one])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Ada: hello", "Ada"),
        ("Ada Lovelace: hello", "Ada Lovelace"),
        ("Jean-Luc O'Neill: hello", "Jean-Luc O'Neill"),
        ("Zoë: hi", "Zoë"),
        ("小明: 你好", "小明"),
        ("Ada:hello", None),
        ("12:30 is the time: be there", None),
        ("what I want to say: nothing", None),
        ("hello", None),
        (": hello", None),
        ("https://example.org: a page", None),
        ("first line\nAda: hello", None),
        ("", None),
    ],
)
def test_a_speaker_is_the_label_that_a_turn_begins_with(content: str, expected: str | None) -> None:
    assert speaker(content) == expected
