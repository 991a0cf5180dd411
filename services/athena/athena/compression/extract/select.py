"""Which units fit the budget: the best first, with their headings, gaps paid for."""

from __future__ import annotations

from collections.abc import Sequence

from athena.compression.extract.units import Unit


def select(units: Sequence[Unit], scores: Sequence[float], budget: int, gap: int, forced: frozenset[int]) -> set[int]:
    """Indexes to keep. `gap`: tokens of the mark where something was left out; `forced` stay whatever it costs."""
    kept: set[int] = set()
    used = gap
    for index in sorted(forced):
        used += _cost(units, kept, index, gap)
        _keep(units, kept, index)
    order = sorted(range(len(units)), key=lambda index: (-scores[index], index))
    for index in order:
        if index in kept:
            continue
        cost = _cost(units, kept, index, gap)
        if used + cost <= budget:
            used += cost
            _keep(units, kept, index)
    _close_small_gaps(units, kept, gap)
    return kept


def _keep(units: Sequence[Unit], kept: set[int], index: int) -> None:
    kept.add(index)
    if units[index].head >= 0:
        kept.add(units[index].head)


def _cost(units: Sequence[Unit], kept: set[int], index: int, gap: int) -> int:
    """Its tokens, its heading's if that isn't kept yet, and how many more gaps there are."""
    unit = units[index]
    cost = unit.tokens + gap * (1 - (index - 1 in kept) - (index + 1 in kept))
    if unit.head >= 0 and unit.head not in kept:
        cost += units[unit.head].tokens + (gap if unit.head != index - 1 else 0) - gap * (unit.head - 1 in kept)
    return cost


def _close_small_gaps(units: Sequence[Unit], kept: set[int], gap: int) -> None:
    """A mark that is as long as what it stands for saves nothing."""
    for index in range(len(units)):
        if index not in kept and index - 1 in kept and index + 1 in kept and units[index].tokens <= gap:
            kept.add(index)
