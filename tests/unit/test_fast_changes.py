"""Which statements contradict an earlier one, which only look like it, and what was said twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from athena.consolidation.fast import analyse
from athena.consolidation.fast.statements import read
from athena.consolidation.fast.values import claim
from tests.unit.test_fast_analyse import _MONDAY, NOISE, Told, events


def found(*said: str, kind: str = "fact", vectors: bool = True) -> set[tuple[str, str]]:
    """(old, new) of the changes among statements of one thing, a week apart, with noise around them."""
    told: list[Told] = [(text, kind, _MONDAY + timedelta(days=7 * n, hours=9), 0) for n, text in enumerate(said)]
    told += [(text, "event", _MONDAY + timedelta(days=3 * n, hours=12), 0) for n, text in enumerate(NOISE)]
    history = events(told, {text: "thing" for text in said} if vectors else None)
    return {(history.texts[one.old], history.texts[one.new]) for one in analyse(history).changes}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("The staging port of billing-api is 8080", "The staging port of billing-api is 9090"),
        ("My favourite drink is green tea", "My favourite drink is black coffee now"),
        ("I live in Berlin", "I moved from Berlin to Lisbon"),
        ("I work at Halden Optics", "I no longer work at Halden Optics"),
        ("We use Jenkins for continuous integration", "We use Buildkite instead of Jenkins for continuous integration"),
        ("The daily stand-up is at 9:30", "The daily stand-up was moved from 9:30 to 10:15"),
        ("Marco is the owner of pricing-core", "Sunita is now the owner of pricing-core"),
        ("User asked to use tabs for indenting code", "User corrected me: four spaces, not tabs, for indenting code"),
        ("User mentioned that the local model is Llama 8B", "The local model is Mistral 7B now, Llama 8B is outdated"),
        ("Reminder to self: charts means gnuplot", "User told me to stop using gnuplot for charts"),
    ],
)
def test_another_value_of_one_thing_is_a_change(old: str, new: str) -> None:
    assert found(old, new) == {(old, new)}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("The staging port of billing-api is 8080", "The staging port of billing-api is set to 8080"),
        ("The port of billing-api is 8080", "The port of media-proxy is 9090"),
        ("My favourite drink is green tea", "Just today I had black coffee as a drink, because tea was sold out"),
        ("I prefer green tea as a drink", "Clara prefers black coffee as a drink"),
        ("I live in Berlin", "Years ago, as a student, I lived in Lisbon"),
        ("User prefers tabs for indenting code", "Rule from the user: indenting code with tabs"),
        ("User prefers tabs for indenting code", "Clara's repository uses four spaces for indenting code"),
        ("My desk is in the annexe", "The annexe is where my desk is"),
        ("The port of billing-api on staging is 8080", "The version of billing-api on staging is 2.4.1"),
    ],
)
def test_what_only_looks_like_another_value_is_none(old: str, new: str) -> None:
    assert found(old, new) == set()


TALK = (
    "what a day, I need a nap!",
    "no idea where you all are, is it raining?",
    "did you see my scarf, anyone?",
    "my neighbour is singing again, we heard it all night",
    "hi all, I missed the bus",
)


def in_talk(*said: str) -> set[tuple[str, str]]:
    """(old, new) of the changes in what Anna says, a week apart, each line an event with small talk around it."""
    lines = [f"Anna: {TALK[n % len(TALK)]} {text}. how about you?" for n, text in enumerate(said)]
    told: list[Told] = [(text, "event", _MONDAY + timedelta(days=7 * n, hours=9), 0) for n, text in enumerate(lines)]
    told += [(f"Anna: {text}", "event", _MONDAY + timedelta(days=n, hours=12), 0) for n, text in enumerate(TALK)]
    told += [(f"Ben: {text}", "event", _MONDAY + timedelta(days=n, hours=13), 0) for n, text in enumerate(TALK)]
    history = events(told, dict.fromkeys(lines, "thing"))
    return {
        (said[lines.index(history.texts[c.old])], said[lines.index(history.texts[c.new])])
        for c in analyse(history).changes
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("for picnics it has to be lemonade for me", "I prefer ginger beer for picnics these days"),
        ("I use Signal for texting", "for texting I've switched to Telegram"),
    ],
)
def test_what_is_said_in_talk_changes_too(old: str, new: str) -> None:
    assert in_talk(old, new) == {(old, new)}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("for picnics it has to be lemonade for me", "give me lemonade for picnics and I'm happy"),
        ("for picnics it has to be lemonade for me", "everyone at work wants ginger beer for picnics"),
        ("I love hiking", "I love painting"),
        ("for picnics it has to be lemonade for me", "I prefer novels for holidays these days"),
    ],
)
def test_most_of_talk_changes_nothing(old: str, new: str) -> None:
    assert in_talk(old, new) == set()


def test_each_change_leads_from_the_last_of_the_old_to_the_first_of_the_new() -> None:
    said = [
        "My bank is Tidewater",
        "My bank is still Tidewater",
        "My bank is Northgate",
        "My bank is Northgate, as said",
    ]
    assert found(*said) == {(said[1], said[2])}


def test_there_and_back_are_two_changes() -> None:
    said = ["My bank is Tidewater", "My bank is Northgate now", "My bank is Tidewater again"]
    assert found(*said) == {(said[0], said[1]), (said[1], said[2])}


def test_words_alone_show_a_change() -> None:
    said = ["The staging port of billing-api is 8080", "The staging port of billing-api is 9090"]
    assert found(*said, vectors=False) == {tuple(said)}


@pytest.mark.parametrize(
    ("text", "value", "about"),
    [
        ("For the record, my bank is Tidewater Bank.", "tidewat", None),
        ("By the way, I prefer oat milk in my coffee", "oat", "coffe"),
        ("Changed the timeout of fraud-guard to 30 seconds", "30", "fraud-guard"),
        ("Ironworks: that's the gym I'm a member of", "ironwork", "gym"),
    ],
)
def test_a_statement_has_a_value_and_something_it_is_of(text: str, value: str, about: str | None) -> None:
    got = claim(text, read(text).old)
    assert value in got.value
    assert about is None or about in got.about


def test_facts_in_the_same_words_are_twins_and_other_values_are_not() -> None:
    said = ["The wifi is called lanternfish", "the wifi is called  Lanternfish", "The wifi is called pigeonhole"]
    told: list[Told] = [(text, "fact", _MONDAY + timedelta(days=n), 0) for n, text in enumerate(said)]
    [twin] = analyse(events(told, dict.fromkeys(said, "wifi"))).twins
    assert (twin.original, twin.index) == (0, 1)


def test_a_moment_told_twice_is_a_twin_a_routine_is_not() -> None:
    text = "watered the tomato plants in the greenhouse"
    daily: list[Told] = [(text, "event", _MONDAY + timedelta(days=n, hours=8), 0) for n in range(6)]
    again: Told = (text, "event", _MONDAY + timedelta(days=5, hours=8, minutes=20), 0)
    assert [(twin.original, twin.index) for twin in analyse(events([*daily, again])).twins] in ([(5, 6)], [])
    assert analyse(events(daily)).twins == ()
