"""Generated histories are what they say they are, and the scorer counts as it should."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest

from tests.bench.histories import GENERATORS
from tests.bench.histories.history import Contradiction, Event, History, Planted, Truth, joined
from tests.bench.histories.score import Found, f1, score

ROOT = Path(__file__).resolve().parents[2]
ALL = [(name, seed, size) for name in GENERATORS for seed, size in ((0, 200), (2, 700), (3, 2000))]


@cache
def made(name: str, seed: int, size: int) -> History:
    return GENERATORS[name](seed, size)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_seed_gives_the_same_history_every_time(name: str) -> None:
    assert GENERATORS[name](7, 200) == GENERATORS[name](7, 200)
    assert GENERATORS[name](7, 200).events != GENERATORS[name](8, 200).events


def test_a_seed_gives_the_same_history_in_another_process() -> None:
    """One whose sets and hashes of strings come in another order."""
    command = [sys.executable, "-m", "tests.bench.histories", "chat", "4", "200"]
    environment = {**os.environ, "PYTHONHASHSEED": "4242"}
    printed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert History.loads(printed) == made("chat", 4, 200)


@pytest.mark.parametrize(("name", "seed", "size"), ALL)
def test_the_truth_is_about_events_that_are_there(name: str, seed: int, size: int) -> None:
    history = made(name, seed, size)
    assert History.loads(history.dumps()) == history  # which checks every id
    assert len(history.events) == size
    assert [event.occurred_at for event in history.events] == sorted(event.occurred_at for event in history.events)


@pytest.mark.parametrize(("name", "seed", "size"), ALL)
def test_noise_is_what_nothing_is_planted_in(name: str, seed: int, size: int) -> None:
    truth = made(name, seed, size).truth
    patterns = [set(planted.event_ids) for planted in truth.patterns]
    sides = {each for change in truth.contradictions for each in (*change.old_ids, *change.new_ids)}
    assert set(truth.noise).isdisjoint(sides.union(*patterns))
    assert len(truth.noise) + len(sides.union(*patterns)) == size
    assert all(one.isdisjoint(other) for one, other in combinations(patterns, 2))


@pytest.mark.parametrize(("name", "seed", "size"), ALL)
def test_a_history_holds_enough_of_everything(name: str, seed: int, size: int) -> None:
    truth = made(name, seed, size).truth
    assert 8 <= len(truth.patterns) <= 40
    assert 5 <= len(truth.contradictions) <= 25
    assert 0.28 <= len(truth.noise) / size <= 0.56
    assert all(4 <= len(planted.event_ids) <= 40 for planted in truth.patterns)
    assert len({planted.name for planted in truth.patterns}) == len(truth.patterns)


@pytest.mark.parametrize(("name", "seed", "size"), ALL)
def test_the_old_value_is_stated_before_the_new_one(name: str, seed: int, size: int) -> None:
    history = made(name, seed, size)
    at = {event.id: event.occurred_at for event in history.events}
    for change in history.truth.contradictions:
        assert change.old == max(change.old_ids, key=at.__getitem__)
        assert change.new == min(change.new_ids, key=at.__getitem__)
        assert at[change.old] < at[change.new]


@pytest.mark.parametrize("name", GENERATORS)
def test_what_is_planted_is_told_in_many_wordings_and_noise_hardly_ever_twice(name: str) -> None:
    history = made(name, 2, 700)
    said = {event.id: event.content for event in history.events}
    for planted in history.truth.patterns:
        wordings = {said[each] for each in planted.event_ids}
        assert len(wordings) >= min(6, 0.6 * len(planted.event_ids))
    noise = [said[each] for each in history.truth.noise]
    assert len(set(noise)) > 0.97 * len(noise)


@pytest.mark.parametrize(("name", "seed", "size"), ALL)
def test_no_frame_is_left_unfilled(name: str, seed: int, size: int) -> None:
    for event in made(name, seed, size).events:
        assert event.content.strip() == event.content
        assert not set("{}[]|@") & set(event.content.replace("@" + _named(event.content), "")), event.content


def _named(text: str) -> str:
    return text.partition("@")[2].partition(" ")[0]


def test_a_size_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="size is"):
        GENERATORS["work"](1, 20)


def test_joined_histories_keep_apart_whose_they_are() -> None:
    parts = [made("personal", 0, 200), made("work", 1, 200)]
    whole = joined("two", 0, parts)
    assert History.loads(whole.dumps()) == whole
    assert len(whole.events) == 400
    assert len(whole.truth.patterns) == sum(len(part.truth.patterns) for part in parts)
    assert score(whole, perfect(whole)).recall == 1
    users = {event.id: event.user_id for event in whole.events}
    assert all(len({users[each] for each in planted.event_ids}) == 1 for planted in whole.truth.patterns)


# --- scoring ---------------------------------------------------------------------------------------------------------


def history() -> History:
    """a1–a5 and b1–b4 are patterns, c1 c2 → d1 d2 contradict each other, n1–n4 are noise."""
    ids = "a1 a2 a3 a4 a5 b1 b2 b3 b4 c1 c2 d1 d2 n1 n2 n3 n4".split()
    begin = datetime(2025, 3, 1, 8, tzinfo=UTC)
    return History(
        "hand-made",
        0,
        tuple(Event(id, f"content of {id}", "event", begin + timedelta(hours=hour)) for hour, id in enumerate(ids)),
        Truth(
            (Planted("a", ("a1", "a2", "a3", "a4", "a5")), Planted("b", ("b1", "b2", "b3", "b4"))),
            (Contradiction("c2", "d1", ("c1", "c2"), ("d1", "d2")),),
            ("n1", "n2", "n3", "n4"),
        ),
    )


def perfect(history: History) -> Found:
    return Found(
        [set(planted.event_ids) for planted in history.truth.patterns],
        [(change.old, change.new) for change in history.truth.contradictions],
    )


def figures(found: Found) -> tuple[float, ...]:
    got = score(history(), found)
    return got.recall, got.precision, got.contradictions, got.contradiction_precision, got.noise_rejected


def test_all_of_it_and_nothing_else_scores_one() -> None:
    assert figures(perfect(history())) == (1, 1, 1, 1, 1)


def test_nothing_found_is_precise_and_useless() -> None:
    assert figures(Found()) == (0, 1, 0, 1, 1)


def test_a_pattern_counts_from_an_f1_of_six_tenths() -> None:
    assert f1({"a1", "a2", "a3"}, {"a1", "a2", "a3", "n1", "n2", "n3", "n4"}) == pytest.approx(0.6)
    half = Found([{"b1", "b2", "b3", "n1", "n2", "n3"}])  # 2 * 3 / (4 + 6) = 0.6
    assert figures(half) == (0.5, 1, 0, 1, 0.25)
    less = Found([{"b1", "b2", "n1", "n2", "n3"}])  # 2 * 2 / (4 + 5)
    assert figures(less) == (0, 0, 0, 1, 0.25)


def test_two_patterns_in_one_count_as_what_they_resemble() -> None:
    got = score(history(), Found([{"a1", "a2", "a3", "a4", "a5", "b1", "b2", "b3", "b4"}]))
    assert (got.recall, got.precision, got.missed) == (1, 1, ())  # 10 / 14 and 8 / 13
    got = score(history(), Found([{"a1", "a2", "a3", "a4", "a5", "b1", "b2"}]))
    assert (got.recall, got.precision, got.missed) == (0.5, 1, ("b",))


def test_what_matches_nothing_lowers_precision() -> None:
    got = score(history(), Found([{"a1", "a2", "a3", "a4"}, {"c1", "c2", "d1", "d2"}, {"n1", "n2"}]))
    assert got.recall == 0.5
    assert got.precision == pytest.approx(1 / 3)
    assert got.spurious == (1, 2)
    assert got.noise_rejected == 0.5
    assert got.polluted == ("n1", "n2")


def test_a_pattern_found_twice_is_found_once() -> None:
    assert figures(Found([{"b1", "b2", "b3", "b4"}, {"b1", "b2", "b3"}]))[:2] == (0.5, 1)


@pytest.mark.parametrize("pair", [("c2", "d1"), ("c1", "d1"), ("c1", "d2")])
def test_any_statement_of_the_old_value_and_of_the_new_one_will_do(pair: tuple[str, str]) -> None:
    assert figures(Found(changes=[pair]))[2:] == (1, 1, 1)


@pytest.mark.parametrize("pair", [("d1", "c2"), ("c1", "c2"), ("a1", "d1")])
def test_the_wrong_way_round_or_of_something_else_is_no_change(pair: tuple[str, str]) -> None:
    got = score(history(), Found(changes=[pair]))
    assert (got.contradictions, got.contradiction_precision) == (0, 0)
    assert got.unseen == (("c2", "d1"),)
    assert got.invented == (pair,)


def test_a_change_made_of_noise_is_not_rejected_noise() -> None:
    got = score(history(), Found(changes=[("c2", "d1"), ("n1", "n4")]))
    assert (got.contradictions, got.contradiction_precision, got.noise_rejected) == (1, 0.5, 0.5)


def test_sides_that_are_left_out_are_just_the_pair() -> None:
    text = history().dumps().replace('"old_ids"', '"x"').replace('"new_ids"', '"y"')
    change = History.loads(text).truth.contradictions[0]
    assert (change.old_ids, change.new_ids) == (("c2",), ("d1",))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [('"n1",', '"n9",'), ("+00:00", ""), ('"kind": "event"', '"kind": "gossip"'), ('"name"', '"nom"')],
)
def test_a_broken_file_is_refused(right: str, wrong: str) -> None:
    text = history().dumps()
    at = text.rindex(right)
    with pytest.raises(ValueError):
        History.loads(text[:at] + wrong + text[at + len(right) :])
