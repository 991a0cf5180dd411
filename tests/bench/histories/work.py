"""The log of a team that builds and runs software: terse, third person or imperative."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tests.bench.histories.course import Habit, Style, run
from tests.bench.histories.history import History
from tests.bench.histories.matters import Matter
from tests.bench.histories.plot import Plot
from tests.bench.histories.tell import Cycle, Teller, Topic, lines
from tests.bench.histories.words.common import WORDS
from tests.bench.histories.words.life import LIFE
from tests.bench.histories.words.ops import OPS, OPS_WORDS
from tests.bench.histories.words.work_matters import (
    DECISION_DECOYS,
    DECISION_DROPS,
    DECISION_SAYS,
    DECISION_TURNS,
    DECISIONS,
    ENVIRONMENTS,
    SERVICES,
    SETTING_DECOYS,
    SETTING_SAYS,
    SETTING_TURNS,
    SETTINGS,
)
from tests.bench.histories.words.work_routines import ROUTINES

_FRAMES = lines("""
{line}
{line}
{line}
{line}, {tail}
{line}, {tail}
{line}; {tail}
{line} ({tail})
{line}. {tail}. {remark}
{line}. {remark}
""")
_REMARKS = lines("""
{person} informed
Details in the thread
Follow-up with {person} later
Weather in {city} delayed the courier
Kitchen is out of coffee
{person} was on the train and joined by phone
{feature} stays on hold
Ticket {nn}{nn}
Next: look at {module}
Thanks to {person}
Cake by {person} afterwards
{mentor} took notes
""")
_SETTINGS_TOLD = 16


def make(seed: int, size: int) -> History:
    plot = Plot.begun("work", seed, size)
    teller = Teller(plot.rng, {**WORDS, **OPS_WORDS, "remark": _REMARKS, "somebody": WORDS["person"]})
    habit = _habits(plot, teller)
    once = (*OPS, *(f"{{person}} {line}" for line in LIFE))
    style = Style(ROUTINES, _matters(plot), once, habit, _voice(plot, teller), _voice(plot, teller), anchored=0.25)
    run(plot, teller, style)
    return plot.history("work", seed)


def _matters(plot: Plot) -> tuple[Matter, ...]:
    """Settings of services drawn by lot: two may be about one service, or one setting of two services."""
    rng, seen, settings = plot.rng, set[str](), list[Matter]()
    while len(settings) < _SETTINGS_TOLD:
        topic, place = rng.choice(SETTINGS), rng.choice(ENVIRONMENTS)
        service, other = rng.sample(SERVICES, 2)
        names = {f"{topic.name} {service}", f"{topic.name} {other}"}
        if not names & seen:  # what is only a decoy here must not be a matter there
            seen |= names
            settings.append(_setting(topic, f"{topic.name} {service}", service, place, other))
    return tuple(settings + [_decision(topic) for topic in DECISIONS])


def _setting(topic: Topic, name: str, service: str, place: str, other: str) -> Matter:
    def about(frames: tuple[str, ...]) -> tuple[str, ...]:
        np = f"[{'|'.join(topic['np'])}]"
        named = (frame.replace("{np}", np).replace("{np2}", topic["np"][0].replace("{s}", other)) for frame in frames)
        return tuple(frame.replace("{s}", service).replace("{e}", place) for frame in named)

    return Matter(
        name,
        "fact",
        topic["values"],
        about(topic["own"] * 2 + SETTING_SAYS),
        about(SETTING_TURNS),
        decoys=about(SETTING_DECOYS),
    )


def _decision(topic: Topic) -> Matter:
    def about(frames: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(frame.replace("{for}", f"[{'|'.join(topic['for'])}]") for frame in frames)

    return Matter(
        topic.name,
        "preference",
        topic["values"],
        about(DECISION_SAYS),
        about(DECISION_TURNS),
        about(DECISION_DROPS),
        about(DECISION_DECOYS),
    )


def _habits(plot: Plot, teller: Teller) -> Callable[[Topic], Habit]:
    services = plot.rng.sample(SERVICES, 3)
    same = {
        "svc": services[0],
        "svc2": services[1],
        "svc3": services[2],
        "host2": teller.word("host"),
        "who": teller.word("person"),
        "place": teller.word("city"),
    }

    def habit(topic: Topic) -> Habit:
        frames, told, tails = (Cycle(plot.rng, each) for each in (_FRAMES, topic["line"], topic["tail"]))

        def content(_: datetime) -> str:
            frame = frames.next()
            frame = frame.replace("{line}", told.next())
            return teller.sentence(frame.replace("{tail}", tails.next()), **same)

        return Habit(topic, content, same)

    return habit


def _voice(plot: Plot, teller: Teller) -> Callable[[str, datetime], str]:
    """As it is; now and then with a remark that has nothing to do with it."""

    def said(core: str, _: datetime) -> str:
        draw = plot.rng.random()
        return teller.sentence(core + ". {remark}" if draw < 0.2 else core + "." if draw < 0.6 else core)

    return said
