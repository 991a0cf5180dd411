"""The fast system of consolidation on small histories: what it finds, what it leaves, and its laws."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from athena.consolidation.fast import analyse, words
from athena.consolidation.fast.matter import matters
from athena.consolidation.fast.nuisance import learned
from athena.consolidation.fast.speakers import unlabelled
from athena.consolidation.types import Analysis, Events, PatternType

_MONDAY = datetime(2025, 3, 3, tzinfo=UTC)
_WIDTH = 48

Told = tuple[str, str, datetime, int]


def direction(name: str) -> np.ndarray:
    """A meaning: the same name, the same direction, in any process."""
    seed = int.from_bytes(name.encode()[:8].ljust(8, b"\0"), "little")
    vector = np.random.default_rng(seed).normal(size=_WIDTH)
    return vector / np.linalg.norm(vector)


def events(told: list[Told], meanings: dict[str, str] | None = None, shift: float = 0.0) -> Events:
    """`meanings`: text to the name of what it means; the others mean something of their own. `shift`: how much all
    vectors have in common."""
    told = sorted(told, key=lambda one: one[2])
    rows = []
    for number, (text, *_) in enumerate(told):
        name = (meanings or {}).get(text)
        own = direction(f"{number}{text}"[-8:])
        vector = direction(name) + 0.5 * own if name else own
        vector = vector / np.linalg.norm(vector) + shift * direction("common")
        rows.append(vector / np.linalg.norm(vector))
    return Events(
        ids=tuple(f"e{number}" for number in range(len(told))),
        texts=tuple(text for text, *_ in told),
        kinds=tuple(kind for _, kind, *_ in told),
        at=np.array([at.timestamp() for _, _, at, _ in told], np.float64),
        sessions=np.arange(len(told), dtype=np.int32) // 3,
        scopes=np.array([scope for *_, scope in told], np.int32),
        vectors=np.array(rows, np.float32) if meanings is not None else np.zeros((len(told), 0), np.float32),
    )


RUNS = ["went running by the river before work", "morning run by the river", "ran along the river at dawn"]
SWIMS = ["swam forty laps in the pool", "an evening of laps in the pool", "pool session, swam a mile"]
NOISE = [
    "bought a lamp for the hallway",
    "the neighbour's parrot escaped",
    "a letter from the tax office arrived",
    "saw an opera about a fisherman",
    "the dishwasher leaks again",
    "met an astronomer on the train",
    "found grandfather's old compass",
    "painted the garden fence green",
    "a film about marathon runners",
    "the bakery has a new owner",
]
MEANINGS = {text: "running" for text in RUNS} | {text: "swimming" for text in SWIMS}


def routine(texts: list[str], day: int, hour: int, weeks: int = 8, scope: int = 0) -> list[Told]:
    return [
        (texts[week % len(texts)], "event", _MONDAY + timedelta(days=day + 7 * week, hours=hour), scope)
        for week in range(weeks)
    ]


def noise(scope: int = 0) -> list[Told]:
    return [(text, "event", _MONDAY + timedelta(days=5 * n, hours=9 + n), scope) for n, text in enumerate(NOISE)]


def evidence(analysis: Analysis, history: Events, least: float = 0.5) -> set[frozenset[tuple[float, str]]]:
    return {
        frozenset((float(history.at[index]), history.texts[index]) for index in one.members)
        for one in analysis.candidates
        if one.uncertainty <= least
    }


def test_two_routines_come_apart_and_noise_stays_out() -> None:
    history = events([*routine(RUNS, 1, 7), *routine(SWIMS, 4, 19), *noise()], MEANINGS)
    found = [one for one in analyse(history).candidates if one.uncertainty <= 0.5]
    assert [{history.texts[index] for index in one.members} for one in found] == [set(RUNS), set(SWIMS)]
    runs, swims = found
    assert (runs.type, runs.statistics.rhythm) == (PatternType.ROUTINE, "on Tuesdays around 07:00")
    assert (swims.statistics.rhythm, swims.statistics.support, swims.statistics.per_week) == (
        "on Fridays around 19:00",
        8,
        pytest.approx(8 / 7, abs=0.01),
    )
    assert runs.statistics.regularity > 0.9


def test_the_statement_and_the_quotes_are_words_of_the_members() -> None:
    long = "Slept badly. " + RUNS[0] + ". The bus was late, " + "and late " * 40
    told = [*routine(RUNS, 1, 7), *noise(), (long, "event", _MONDAY + timedelta(days=57, hours=7), 0)]
    history = events(told, MEANINGS | {long: "running"})
    [found] = [one for one in analyse(history).candidates if one.uncertainty <= 0.5]
    assert found.statement in history.texts[found.exemplar]
    assert set(found.quotes) == set(found.members)
    assert all(quote and quote in history.texts[index] for index, quote in found.quotes.items())
    assert RUNS[0] in {found.quotes[index] for index in found.members if history.texts[index] == long}.pop()


def test_it_works_without_any_vector() -> None:
    history = events([*routine(["watered the tomato plants in the greenhouse"], 2, 18), *noise()])
    [found] = [one for one in analyse(history).candidates if one.uncertainty <= 0.5]
    assert len(found.members) == 8


def test_scopes_never_mix() -> None:
    told = [*routine(RUNS, 1, 7, weeks=6, scope=1), *routine(RUNS, 1, 7, weeks=6, scope=2), *noise(1), *noise(2)]
    found = analyse(events(told, MEANINGS)).candidates
    assert len([one for one in found if one.uncertainty <= 0.5]) == 2


def test_once_is_no_pattern_and_one_day_is_none() -> None:
    told = [(RUNS[0], "event", _MONDAY + timedelta(minutes=5 * n), 0) for n in range(9)]
    assert analyse(events([*told, *noise()], MEANINGS)).candidates == ()


def test_what_all_vectors_have_in_common_changes_nothing() -> None:
    """Models differ in how alike they take unrelated texts to be."""
    told = [*routine(RUNS, 1, 7), *routine(SWIMS, 4, 19), *noise()]
    near, far = events(told, MEANINGS), events(told, MEANINGS, shift=1.0)
    assert evidence(analyse(near), near) == evidence(analyse(far), far) != set()


def test_the_same_in_another_process() -> None:
    code = (
        "from tests.unit import test_fast_analyse as t\n"
        "h = t.events([*t.routine(t.RUNS, 1, 7), *t.routine(t.SWIMS, 4, 19), *t.noise()], t.MEANINGS)\n"
        "print(repr(t.analyse(h)))"
    )
    said = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env).stdout
        for env in ({"PYTHONHASHSEED": "1", "PATH": ""}, {"PYTHONHASHSEED": "2", "PATH": ""})
    }
    assert len(said) == 1
    assert "Tuesdays" in said.pop()


_CLAIMS = ("My port is 8080", "My port is 9090 now", "I no longer eat meat")
_FOUR = ("event", "fact", "event", "preference")
_TEXTS = st.one_of(
    st.sampled_from([*RUNS, *SWIMS, *NOISE, *_CLAIMS, "", "🎉🎉"]),
    st.text(max_size=60),
)
_TOLD = st.lists(
    st.tuples(
        _TEXTS,
        st.sampled_from(["event", "fact", "preference", "task", "procedure"]),
        st.integers(0, 400).map(lambda hours: _MONDAY + timedelta(hours=5 * hours)),
        st.integers(0, 1),
    ),
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(_TOLD, st.booleans())
def test_whatever_is_told_the_answer_is_sound(told: list[Told], vectors: bool) -> None:
    history = events(told, MEANINGS if vectors else None)
    found = analyse(history)
    assert found == analyse(history)
    seen: set[int] = set()
    for one in found.candidates:
        members = list(one.members)
        assert members == sorted(set(members))
        assert len({int(history.scopes[index]) for index in members}) == 1
        assert seen.isdisjoint(members)
        seen |= set(members)
        assert one.exemplar in members
        assert 0 <= one.uncertainty <= 1
        assert one.statistics.support == len(members) >= 3
        assert one.statistics.days >= 2
        assert all(quote in history.texts[index] for index, quote in one.quotes.items())
    for change in found.changes:
        assert history.at[change.old] <= history.at[change.new]
        assert change.old < change.new
        assert history.scopes[change.old] == history.scopes[change.new]
    for twin in found.twins:
        assert twin.original < twin.index
        assert history.scopes[twin.original] == history.scopes[twin.index]


@settings(max_examples=15, deadline=None)
@given(st.permutations(NOISE), st.integers(1, 9))
def test_noise_far_away_changes_no_pattern(order: list[str], count: int) -> None:
    planted = [*routine(RUNS, 1, 7), *routine(SWIMS, 4, 19), *noise()]
    more = [
        (f"{text} number {n}", "event", _MONDAY + timedelta(days=90 + 3 * n), 0) for n, text in enumerate(order[:count])
    ]
    before, after = events(planted, MEANINGS), events([*planted, *more], MEANINGS)
    assert evidence(analyse(before), before) == evidence(analyse(after), after)


@pytest.mark.parametrize("text", ["x" * 100_000, "a. " * 30_000, "我每天早上跑步。", "\u0000\ud7ff", "?:!"])
def test_any_text_is_read(text: str) -> None:
    told = [
        (text, kind, _MONDAY + timedelta(days=n), 0) for n, kind in enumerate(["event", "fact", "event", "preference"])
    ]
    assert analyse(events([*told, *noise()], {})) is not None


TALK = ["finally a quiet minute", "hi all", "the bus is packed again", "no sleep, that heron outside", "lol ok"]


def told_by(name: str, texts: list[str], day: int, hour: int) -> list[Told]:
    """Lines of a conversation: now and then something else is said before what matters."""
    return [
        (f"{name}: {TALK[n % len(TALK)] + '. ' if n % 2 else ''}{text}", kind, at, scope)
        for n, (text, kind, at, scope) in enumerate(routine(texts, day, hour, weeks=10))
    ]


def talk() -> tuple[list[Told], dict[str, str]]:
    anna, ben = told_by("Anna", ["I " + RUNS[0], "a " + RUNS[1]], 1, 7), told_by("Ben", ["I " + RUNS[0]], 3, 7)
    more = [
        (f"{name}: {text}, you see?", kind, at, scope) for name in ("Anna", "Ben") for text, kind, at, scope in noise()
    ]
    return [*anna, *ben, *more], {text: "running" for text, *_ in [*anna, *ben]}


def test_a_label_before_each_line_is_who_speaks() -> None:
    told, meanings = talk()
    history = events(told, meanings)
    found = [one for one in analyse(history).candidates if one.uncertainty <= 0.5]
    names = [{history.texts[index].partition(":")[0] for index in one.members} for one in found]
    assert sorted(map(sorted, names)) == [["Anna"], ["Ben"]]
    assert [len(one.members) for one in found] == [10, 10]
    assert all(quote in history.texts[index] for one in found for index, quote in one.quotes.items())


def test_a_heading_is_nobody() -> None:
    told = [("Deploy log: " + text, kind, at, scope) for text, kind, at, scope in [*routine(RUNS, 1, 7), *noise()]]
    history = events(told, {text: "running" for text, *_ in told[:8]})
    assert unlabelled(history) is history


def test_what_a_speaker_always_has_goes_from_the_vectors() -> None:
    told, meanings = talk()
    history = events(told, meanings)
    shifted = history.vectors + [direction(text.partition(":")[0]) for text in history.texts]
    shifted = (shifted / np.linalg.norm(shifted, axis=1, keepdims=True)).astype(np.float32)
    plain = unlabelled(replace(history, vectors=shifted))
    assert np.allclose(np.linalg.norm(plain.vectors, axis=1), 1.0, atol=1e-5)
    ours = np.array([text.startswith("Anna") for text in history.texts])

    def pull(vectors: np.ndarray) -> float:
        return float(np.linalg.norm(vectors[ours].mean(axis=0) - vectors[~ours].mean(axis=0)))

    assert 3 * pull(plain.vectors) < pull(shifted)


def test_the_sentence_that_others_say_too_is_what_matters() -> None:
    texts = ["My port is 9090", "Hi all. My port is 9090", "The heron woke me. The port is 9090 for me. See you"]
    history = events([(text, "fact", _MONDAY + timedelta(days=n), 0) for n, text in enumerate(texts)])
    found = matters(history, words.read(history.texts), [[np.arange(3)]])
    assert found == (texts[0], texts[0], "The port is 9090 for me. See you")
    assert matters(history, words.read(history.texts), []) == history.texts


def test_words_of_no_meaning_pull_less() -> None:
    """Two meanings; half of the lines of both sigh."""
    told = [
        (("sigh, " if n % 2 else "") + ("river " if n % 4 < 2 else "oven ") + f"thing{n}", "event", _MONDAY, 0)
        for n in range(400)
    ]
    history = events(told, {})
    own = np.array([direction("river" if "river" in text else "oven") for text in history.texts])
    sigh = np.array([[float("sigh" in text)] for text in history.texts])
    pulled = own + 0.8 * sigh * direction("sigh")
    vectors = (pulled / np.linalg.norm(pulled, axis=1, keepdims=True)).astype(np.float32)
    read = words.read(history.texts)
    likeness = np.array([0.0 if term.startswith("sigh") else 0.9 for term in read.vocabulary])
    cleared = learned(read, likeness, vectors).without(vectors, 0, len(vectors))
    assert (cleared * own).sum(axis=1).mean() > (vectors * own).sum(axis=1).mean() + 0.05
    assert np.array_equal(learned(read, likeness + 1, vectors).without(vectors, 0, len(vectors)), vectors)
