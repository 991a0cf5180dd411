"""The order in which every style plants a history: matters that change, matters that last, routines, then noise."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.bench.histories.matters import Matter, Told, Voice, decoys, phases, tell
from tests.bench.histories.plot import MIN_SUPPORT, Plot
from tests.bench.histories.rhythm import near
from tests.bench.histories.tell import Cycle, Teller, Topic

# A one-off with fewer slots than this would say the same thing again when it comes again.
_SLOTS = 2


@dataclass(frozen=True, slots=True)
class Habit:
    """How a topic is told throughout one history. `same`: the words that don't change in it."""

    topic: Topic
    content: Callable[[datetime], str]
    same: Mapping[str, str]
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Style:
    """What a style of language brings. `routine` begins the telling of a topic (what stays the same throughout is
    drawn there); `voice` and `aside` say a matter's or a one-off's words in the style; `once` are the one-offs."""

    topics: tuple[Topic, ...]
    matters: tuple[Matter, ...]
    once: tuple[str, ...]
    routine: Callable[[Topic], Habit]
    voice: Voice
    aside: Voice
    hard: float = 0.35
    anchored: float = 0.4
    beside: tuple[float, float] = (-80, 80)


def run(plot: Plot, teller: Teller, style: Style) -> None:
    """Plants everything of one person's or team's history, and fills it up with noise."""
    told = plant_matters(plot, teller, style.matters, style.voice)
    habits = plant_routines(plot, style)
    fill(plot, teller, style, habits, told)


def plant_matters(plot: Plot, teller: Teller, matters: Sequence[Matter], voice: Voice) -> list[Told]:
    """Changes first, a third of them of values that are repeated often; then some that are repeated and stay."""
    rng, told = plot.rng, list[Told]()
    for matter in rng.sample(matters, len(matters)):
        changed, repeated = len(plot.changes), len(plot.planted)
        if changed >= plot.shape.changes and repeated >= plot.shape.patterns // 3:
            break
        told.append(tell(plot, teller, matter, _counts(rng, plot, changed, repeated), voice))
    return told


def _counts(rng: random.Random, plot: Plot, changed: int, repeated: int) -> tuple[int, ...]:
    room = (plot.shape.planted - len(plot.drafts)) // max(4, plot.shape.patterns - repeated)
    if changed >= plot.shape.changes:
        return (rng.randint(MIN_SUPPORT, max(MIN_SUPPORT, min(18, room))),)
    return phases(rng, often=repeated < plot.shape.patterns // 3 and rng.random() < 0.4, room=room)


def plant_routines(plot: Plot, style: Style) -> list[Habit]:
    rng, habits = plot.rng, list[Habit]()
    count = min(len(style.topics), max(2, plot.shape.patterns - len(plot.planted)))
    chosen = rng.sample(style.topics, count)
    for topic, support in zip(chosen, plot.supports(count), strict=True):
        habit = style.routine(topic)
        hour = topic.hour + rng.uniform(-1, 1)
        times = plot.span.occurrences(rng, support, hour, irregular=rng.random() < 0.3)
        plot.pattern(topic.name, [plot.say(at, habit.content(at), user=habit.user) for at in times])
        habits.append(habit)
    return habits


def fill(plot: Plot, teller: Teller, style: Style, habits: Sequence[Habit], told: Sequence[Told]) -> None:
    """Noise: one-offs of all kinds; some of it has words, people and hours in common with what is planted."""
    rng = plot.rng
    anchors = [draft.at for draft in plot.drafts]
    hard = [teller.fill(line, **habit.same) for habit in habits for line in habit.topic["near"]]
    hard += [text for each in told for text in decoys(plot, teller, each, 2)]
    rng.shuffle(hard)
    once = _one_offs(rng, style.once)
    for _ in range(plot.missing):
        at = near(rng, anchors, style.beside) if rng.random() < style.anchored else plot.span.moment(rng)
        text = hard.pop() if hard and rng.random() < style.hard else teller.fill(next(once))
        plot.say(at, style.aside(text, at))


def _one_offs(rng: random.Random, frames: Sequence[str]) -> Iterator[str]:
    """Each once; those that come again, in a long history, are the ones whose slots make something else of them."""
    yield from rng.sample(frames, len(frames))
    yield from Cycle(rng, [frame for frame in frames if frame.count("{") >= _SLOTS])
