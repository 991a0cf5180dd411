"""Matters that have one value at a time, and how their values are told, repeated and replaced."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from tests.bench.histories.plot import MIN_SUPPORT, Draft, Plot
from tests.bench.histories.tell import Cycle, Teller

Voice = Callable[[str, datetime], str]

# How often each value of a matter is told, in turn. Three tellings of one value are left out on purpose: whether that
# is a pattern already is a matter of taste. A fact told twice and more is what the patterns are.
_FEW = ((1, 1), (1, 1), (2, 1), (1, 2), (2, 2), (1, 1, 1))
_MANY = (("many", 1), ("many", 2), ("many", "many"), (1, "many"), ("many", 1, 1), ("many", "many", 1))


@dataclass(frozen=True, slots=True)
class Matter:
    """`says` frames hold {v}; `turns`, which name the change, {new} and may name {old}; `drops` only deny {old};
    `decoys`, which contradict nothing and repeat nothing, may hold {v} and {other}."""

    name: str
    kind: str
    values: tuple[str, ...]
    says: tuple[str, ...]
    turns: tuple[str, ...]
    drops: tuple[str, ...] = ()
    decoys: tuple[str, ...] = ()
    slots: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Told:
    """A matter as it was told: its values in turn, and when each was said."""

    matter: Matter
    values: tuple[str, ...]
    phases: list[list[Draft]]


def phases(rng: random.Random, *, often: bool, room: int) -> tuple[int, ...]:
    """How often each value in turn is told; `often`: at least one often enough to be a pattern."""
    if not often:
        return rng.choice(_FEW)
    most = max(MIN_SUPPORT + 1, min(18, room))
    return tuple(rng.randint(MIN_SUPPORT, most) if part == "many" else int(part) for part in rng.choice(_MANY))


def tell(
    plot: Plot, teller: Teller, matter: Matter, counts: Sequence[int], voice: Voice, user: str | None = None
) -> Told:
    """Plants a matter: its patterns and its contradictions."""
    rng = plot.rng
    counts = counts[: len(matter.values)]
    values = tuple(rng.sample(matter.values, len(counts)))
    frames = Cycle(rng, matter.says)
    kind = matter.kind if rng.random() < 0.6 else "event"
    told: list[list[Draft]] = []
    stated: list[list[Draft]] = []
    for phase, (value, (since, until)) in enumerate(zip(values, _windows(rng, len(counts)), strict=True)):
        drafts: list[Draft] = []
        for at in plot.span.ordered(rng, counts[phase], since, until):
            old = values[phase - 1] if phase and not drafts else None
            frame, denies = _turn(rng, matter, last=phase == len(counts) - 1) if old else (frames.next(), False)
            text = teller.fill(frame, **dict(matter.slots), v=value, new=value, old=old or "")
            said = plot.say(at, voice(text, at), kind if rng.random() < 0.9 else matter.kind, user)
            drafts.append(said)
            if denies:
                break  # what is denied has no value after it that could be repeated
        told.append(drafts)
        stated.append(drafts)
        if len(drafts) >= MIN_SUPPORT:
            plot.pattern(f"{matter.name}: {value}", drafts)
    for old_drafts, new_drafts in pairwise(stated):
        plot.change(old_drafts, new_drafts)
    return Told(matter, values, told)


def _turn(rng: random.Random, matter: Matter, *, last: bool) -> tuple[str, bool]:
    """The frame in which a new value appears first, and whether it only denies the old one."""
    draw = rng.random()
    if draw < 0.4:
        return rng.choice(matter.says), False  # silently another value
    if draw < 0.52 and last and matter.drops:
        return rng.choice(matter.drops), True
    return rng.choice(matter.turns), False


def _windows(rng: random.Random, count: int) -> list[tuple[float, float]]:
    """Shares of the span, one after the other, with air between them."""
    cuts = [0.0, *sorted(_spread(rng, count - 1)), 1.0]
    return [(since + 0.01, until - 0.01) for since, until in pairwise(cuts)]


def _spread(rng: random.Random, count: int) -> list[float]:
    return [(index + rng.uniform(0.7, 1.3)) / (count + 1) for index in range(count)]


def decoys(plot: Plot, teller: Teller, told: Told, count: int) -> list[str]:
    """Statements that look as if they repeated or contradicted the matter, and do neither. All of one value, so that
    they don't contradict each other."""
    spare = [value for value in told.matter.values if value not in told.values]
    fixed = {**dict(told.matter.slots), "v": told.values[0], "other": plot.rng.choice(spare or [told.values[0]])}
    frames = plot.rng.sample(told.matter.decoys, min(count, len(told.matter.decoys)))
    return [teller.fill(frame, **fixed) for frame in frames]
