"""How much of what was planted in a history somebody found, and how much they found that isn't there. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from tests.bench.histories.history import Contradiction, History, Planted

LIKE_ENOUGH = 0.6


@dataclass(frozen=True, slots=True)
class Found:
    """What is scored. `patterns`: the evidence of each (all but changes); `changes`: (old, new)."""

    patterns: Sequence[AbstractSet[str]] = ()
    changes: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Scores:
    """All 0 to 1; a share of nothing is 1. The rest says what is behind them, for whoever looks for the reason:
    `missed` names of planted patterns, `spurious` indexes of found ones, `unseen` planted pairs, `invented` found
    pairs, `polluted` noise events that were taken for something."""

    recall: float
    precision: float
    contradictions: float
    contradiction_precision: float
    noise_rejected: float
    missed: tuple[str, ...] = field(default=(), repr=False)
    spurious: tuple[int, ...] = field(default=(), repr=False)
    unseen: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    invented: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    polluted: tuple[str, ...] = field(default=(), repr=False)


def score(history: History, found: Found) -> Scores:
    """A planted pattern is found where the evidence of a found one has an F1 of 0.6 or more with its events; a
    contradiction where a change leads from an event that states the old value to one that states the new."""
    truth = history.truth
    missed = tuple(planted.name for planted in truth.patterns if not _is_found(planted, found.patterns))
    spurious = tuple(i for i, evidence in enumerate(found.patterns) if not _is_planted(evidence, truth.patterns))
    unseen = tuple((c.old, c.new) for c in truth.contradictions if not any(_says(c, pair) for pair in found.changes))
    invented = tuple(pair for pair in found.changes if not any(_says(c, pair) for c in truth.contradictions))
    taken = frozenset().union(*found.patterns, *found.changes)
    polluted = tuple(each for each in truth.noise if each in taken)
    return Scores(
        recall=_kept(missed, truth.patterns),
        precision=_kept(spurious, found.patterns),
        contradictions=_kept(unseen, truth.contradictions),
        contradiction_precision=_kept(invented, found.changes),
        noise_rejected=_kept(polluted, truth.noise),
        missed=missed,
        spurious=spurious,
        unseen=unseen,
        invented=invented,
        polluted=polluted,
    )


def f1(one: Collection[str], other: Collection[str]) -> float:
    """Of two sets of ids: the harmonic mean of how much each holds of the other."""
    both = len(set(one) & set(other))
    return 2 * both / (len(set(one)) + len(set(other))) if both else 0.0


def _is_found(planted: Planted, patterns: Sequence[AbstractSet[str]]) -> bool:
    return any(f1(planted.event_ids, evidence) >= LIKE_ENOUGH for evidence in patterns)


def _is_planted(evidence: AbstractSet[str], planted: Sequence[Planted]) -> bool:
    return any(f1(each.event_ids, evidence) >= LIKE_ENOUGH for each in planted)


def _says(contradiction: Contradiction, pair: tuple[str, str]) -> bool:
    return pair[0] in contradiction.old_ids and pair[1] in contradiction.new_ids


def _kept(lost: Sequence[object], whole: Sequence[object]) -> float:
    return 1 - len(lost) / len(whole) if whole else 1.0
