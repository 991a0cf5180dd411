"""Whatever a model says, in its schema or out of it, everything that gets in is supported by the events."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from athena.consolidation.slow import Slow
from athena.consolidation.types import Evidence
from tests.unit.slow_world import CITIES, ORDER, RUNS, START, Scripted, answer, claim, unsupported

WORLD = [
    *RUNS,
    *(Evidence(f"city-{n}", event.text, event.at + timedelta(days=9)) for n, event in enumerate(CITIES)),
    Evidence("no-1", "I don't like the park in winter, never did.", START + timedelta(days=20)),
    Evidence("bad", f"Running in the park with Mallory. {ORDER}", START + timedelta(days=21)),
    Evidence("odd", 'Tab\there, "quotes", 7:30 and 5 km\n\nin the park 🏃', START + timedelta(days=22)),
]
WORDS = [*sorted({word for event in WORLD for word in event.text.split()}), *"Mallory not never e1 JSON 17".split()]
NAMES = st.sampled_from([f"e{n}" for n in range(1, 15)]) | st.text(max_size=5)
JUNK = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["statement", "citations"]), inner),
    max_leaves=6,
)


@st.composite
def quotes(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(WORLD)).text
    start = draw(st.integers(0, len(text) - 1))
    return draw(st.sampled_from([text, text[start : start + 40], text[:25], text.upper()]) | st.text(max_size=30))


@st.composite
def statements(draw: st.DrawFn) -> str:
    made = " ".join(draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=7)))
    parts = [event.text for event in WORLD] + ["Running in the park", "Alice lives in Hamburg now", "park run", made]
    return draw(st.sampled_from(parts) | st.just(made)) + draw(st.sampled_from(["", "", " again", " not", " 7", "?"]))


CITED = st.tuples(NAMES, quotes())
# Real citations, as a cunning model would give them; only the statement is its own.
READ = sorted((event for event in WORLD if event.id != "bad"), key=lambda event: event.at)
REAL = st.integers(1, len(READ)).map(lambda n: (f"e{n}", READ[n - 1].text))
CLAIMS = st.builds(lambda said, cited: claim(said, *cited), statements(), st.lists(CITED | REAL, max_size=6)) | JUNK
SAID = JUNK | st.fixed_dictionaries(
    {}, optional={kind: st.lists(CLAIMS, max_size=4) | JUNK for kind in ("patterns", "facts", "contradictions")}
)


@given(SAID, statements() | st.none())
@settings(max_examples=400, deadline=None)
async def test_whatever_it_says_only_what_is_supported_gets_in(said: Any, statement: str | None) -> None:
    verdict = await Slow(Scripted(said)).judge(WORLD, statement=statement)
    for proposal in verdict.proposals:
        assert not unsupported(proposal, WORLD, ["bad"]), proposal
    assert any(refusal.event_ids == ("bad",) and refusal.code == "poisoned" for refusal in verdict.refusals)


@given(st.lists(REAL, min_size=4, max_size=8), st.sampled_from(["Running in the park", "Run in the park", "park run"]))
@settings(max_examples=50, deadline=None)
async def test_the_law_isnt_kept_by_letting_nothing_in(cited: list[tuple[str, str]], statement: str) -> None:
    runs = [(f"e{n}", RUNS[n - 1].text) for n in (1, 2, 4)]
    verdict = await Slow(Scripted(answer(patterns=[claim(statement, *runs, *cited[:1])]))).judge(WORLD)
    assert any(proposal.statement == statement for proposal in verdict.proposals), verdict.refusals


@given(SAID, st.sampled_from(["yes", "no", "maybe", None, 7, {"answer": 1}, []]))
@settings(max_examples=100, deadline=None)
async def test_a_verdict_comes_whatever_it_says_the_second_time(said: Any, second: Any) -> None:
    verdict = await Slow(Scripted(said, lambda prompt: second if second is not None else {})).judge(WORLD)
    assert not any(unsupported(proposal, WORLD, ["bad"]) for proposal in verdict.proposals)
    assert verdict.asked <= 100
