"""What bodies may hold, and the one line that says what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from athena.api.schemas.forget import ForgetQuery
from athena.api.schemas.listing import ListQuery
from athena.api.schemas.memories import Listing, RecallQuery, Remember, RememberBatch
from athena.memory.types import Filter, Kind, NewMemory, Scope


def remember(**fields: Any) -> NewMemory:
    return Remember.model_validate({"content": "x", **fields}).value()


def refused(field: str, **fields: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Remember.model_validate({"content": "x", **fields})
    error = caught.value.errors()[0]
    assert error["loc"][:1] == ((field,) if field else ())
    return str(error["msg"])


def test_the_least_that_can_be_remembered() -> None:
    assert Remember.model_validate({"content": "x"}).value() == NewMemory("x")


def test_everything_arrives_where_it_belongs() -> None:
    value = remember(
        memory_type="event",
        project="p",
        user_id="u",
        agent_id="a",
        session_id="s",
        occurred_at="2026-11-20T09:30:00+01:00",
        valid_from="2026-01-01",
        valid_until=None,
        importance=1,
        tags=["a", "b"],
        metadata={"k": [1, None]},
        source="mail",
    )
    assert value == NewMemory(
        content="x",
        kind=Kind.EVENT,
        scope=Scope("p", "u", "a", "s"),
        occurred_at=datetime(2026, 11, 20, 8, 30, tzinfo=UTC),
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
        importance=1.0,
        tags=("a", "b"),
        metadata={"k": [1, None]},
        source="mail",
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("content", ""),
        ("content", "a\x00b"),
        ("content", "x" * 1_000_001),
        ("content", "\ud800"),
        ("content", 7),
        ("memory_type", "opinion"),
        ("project", ""),
        ("project", None),
        ("project", "p" * 257),
        ("user_id", "\x00"),
        ("importance", 1.01),
        ("importance", float("nan")),
        ("importance", True),
        ("importance", "0.5"),
        ("tags", ["t"] * 65),
        ("tags", ["t" * 129]),
        ("tags", "t"),
        ("metadata", []),
        ("metadata", {"k": "a\x00"}),
        ("metadata", {"\x00": 1}),
        ("metadata", {"k": "\udc00"}),
        ("metadata", {"\udc00": 1}),
        ("metadata", {"k": float("inf")}),
        ("metadata", {"k": "x" * 65_536}),
        ("occurred_at", "yesterday"),
        ("occurred_at", "2026-02-30"),
        ("occurred_at", 1_700_000_000),
        ("occurred_at", "0001-01-01T00:00:00+14:00"),
        ("occurred_at", "9999-12-31T23:59:59-01:00"),
        ("colour", "red"),
    ],
)
def test_what_is_refused_names_its_field(field: str, value: Any) -> None:
    refused(field, **{field: value})


def test_deep_metadata_is_refused_before_it_can_exhaust_the_stack() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"k": deep}
    assert "nested" in refused("metadata", metadata=deep)


def test_an_interval_that_ends_before_it_begins_is_refused() -> None:
    assert "valid_until" in refused("", valid_from="2026-02-01", valid_until="2026-01-01")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T09:30", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("2026-11-20 09:30:05z", datetime(2026, 11, 20, 9, 30, 5, tzinfo=UTC)),
        ("2026-11-20T09:30:05.123456789-02:00", datetime(2026, 11, 20, 11, 30, 5, 123456, tzinfo=UTC)),
        ("2026-11-20T09:30:05.5+0530", datetime(2026, 11, 20, 4, 0, 5, 500000, tzinfo=UTC)),
    ],
)
def test_times_are_understood_and_brought_to_utc(text: str, moment: datetime) -> None:
    assert remember(occurred_at=text).occurred_at == moment


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=st.just(UTC)),
    st.integers(-840, 840),
)
def test_any_moment_survives_being_written_down_anywhere(moment: datetime, minutes: int) -> None:
    from datetime import timezone

    there = moment.astimezone(timezone(timedelta(minutes=minutes)))
    assert remember(occurred_at=there.isoformat()).occurred_at == moment


@given(st.text(max_size=300))
def test_no_text_makes_validation_fail_other_than_by_refusal(text: str) -> None:
    try:
        value = remember(content=text, project=text, tags=[text], metadata={text: text}, occurred_at=text)
    except ValidationError:
        return
    assert value.content == text


def test_a_filter_takes_one_kind_or_several() -> None:
    one = RecallQuery.model_validate({"query": "q", "memory_type": "fact"}).filter()
    several = Listing.model_validate({"memory_type": ["fact", "event", "fact"]}).filter()
    assert one == Filter(kinds=(Kind.FACT,))
    assert several.kinds == (Kind.FACT, Kind.EVENT)


def test_integers_are_json_integers() -> None:
    assert RecallQuery.model_validate({"query": "q", "limit": 3.0}).limit == 3
    for wrong in ("3", True, 3.5, 0, 101, 10**30):
        with pytest.raises(ValidationError):
            RecallQuery.model_validate({"query": "q", "limit": wrong})


def test_a_query_string_asks_like_a_body() -> None:
    asked = ListQuery.model_validate(
        {"tag": ["a"], "memory_type": ["event"], "since": "2026-01-01", "limit": "7", "include_superseded": "true"}
    )
    assert asked.listing() == Listing.model_validate(
        {"tags": ["a"], "memory_type": ["event"], "since": "2026-01-01", "limit": 7, "include_superseded": True}
    )


def test_batches_have_a_size() -> None:
    for size in (0, 1001):
        with pytest.raises(ValidationError):
            RememberBatch.model_validate({"memories": [{"content": "x"}] * size})


ID = "0192f0c1-2345-7abc-8def-0123456789ab"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": None},
        {"dry_run": False},
        {"limit": 3},
        {"id": ID, "ids": [ID]},
        {"id": ID, "query": "x"},
        {"ids": []},
        {"id": "1"},
        {"id": ID, "dry_run": True},
    ],
)
def test_forgetting_must_be_told_what(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ForgetQuery.model_validate(body)


def test_forgetting_by_id_or_by_description() -> None:
    assert ForgetQuery.model_validate({"id": ID}).chosen() == [ID]
    assert ForgetQuery.model_validate({"ids": [ID], "project": "p"}).chosen() == [ID]
    described = ForgetQuery.model_validate({"project": "p", "tags": ["t"]})
    assert described.chosen() == []
    assert described.dry_run is None
