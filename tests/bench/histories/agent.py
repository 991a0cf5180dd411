"""An agent's notes on its own work: outcomes of tools, habits and corrections of its user."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.bench.histories.course import Habit, Style, run
from tests.bench.histories.history import History
from tests.bench.histories.matters import Matter
from tests.bench.histories.plot import Plot
from tests.bench.histories.tell import Cycle, Teller, Topic, lines
from tests.bench.histories.words.agent_matters import (
    FINDING_DECOYS,
    FINDING_SAYS,
    FINDING_TURNS,
    FINDINGS,
    WISH_DECOYS,
    WISH_DROPS,
    WISH_SAYS,
    WISH_TURNS,
    WISHES,
)
from tests.bench.histories.words.agent_routines import ROUTINES
from tests.bench.histories.words.common import WORDS
from tests.bench.histories.words.errands import ERRAND_WORDS, ERRANDS
from tests.bench.histories.words.life import LIFE

_FRAMES = lines("""
{line}.
{line}.
{line}.
{line}; {tail}.
{line} ({tail}).
{line}. Outcome: {tail}.
[Observation|Note|Result]: {line}, {tail}.
{line}. {also}.
Task done: {line}.
{line}. {tail}, {n} tool calls. {also}.
""")
_ALSO = lines("""
Context window at {nn} percent
User then asked about {subject}
Meanwhile a download for {person} finished
Next task: {path}
Took {n} tool calls
User was in a hurry, train to {city}
No confirmation needed
Switched to a question about {food} afterwards
Token use was low
User mentioned {person}
Session continued with {symbol}
{person} joined the session briefly
Waited for the {object} delivery with the user
Logged under number {nn}
""")


def make(seed: int, size: int) -> History:
    plot = Plot.begun("agent", seed, size)
    words = {**WORDS, **ERRAND_WORDS, "also": _ALSO, "somebody": WORDS["person"]}
    teller = Teller(plot.rng, words)
    matters = tuple([_wish(topic) for topic in WISHES] + [_finding(topic) for topic in FINDINGS])
    voice = _voice(plot, teller)
    once = (*ERRANDS, *(f'[User said|User told me|User wrote]: "I {line}"' for line in LIFE))
    run(plot, teller, Style(ROUTINES, matters, once, lambda topic: _habit(plot, teller, topic), voice, voice))
    plot.sessions(timedelta(minutes=50), "run")
    return plot.history("agent", seed)


def _wish(topic: Topic) -> Matter:
    def about(frames: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(frame.replace("{for}", f"[{'|'.join(topic['for'])}]") for frame in frames)

    kind = "procedure" if topic.name in {"package-manager", "test-runner", "formatter", "http"} else "preference"
    return Matter(
        topic.name, kind, topic["values"], about(WISH_SAYS), about(WISH_TURNS), about(WISH_DROPS), about(WISH_DECOYS)
    )


def _finding(topic: Topic) -> Matter:
    def about(frames: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(frame.replace("{np}", f"[{'|'.join(topic['np'])}]") for frame in frames)

    return Matter(
        topic.name,
        "fact",
        topic["values"],
        about(topic["own"] * 2 + FINDING_SAYS),
        about(FINDING_TURNS),
        decoys=about(FINDING_DECOYS),
    )


def _habit(plot: Plot, teller: Teller, topic: Topic) -> Habit:
    same = {"spot": teller.word("city")}
    frames, told, tails = (Cycle(plot.rng, each) for each in (_FRAMES, topic["line"], topic["tail"]))

    def content(_: datetime) -> str:
        frame = frames.next().replace("{line}", told.next()).replace("{tail}", tails.next())
        return teller.sentence(frame, **same)

    return Habit(topic, content, same)


def _voice(plot: Plot, teller: Teller) -> Callable[[str, datetime], str]:
    def noted(core: str, _: datetime) -> str:
        return teller.sentence(core + (". {also}." if plot.rng.random() < 0.25 else "."))

    return noted
