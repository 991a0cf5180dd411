"""Medians and percentiles of what was timed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median


class Stopwatch:
    def __init__(self) -> None:
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._started

    @property
    def milliseconds(self) -> float:
        return 1e3 * self.seconds


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all values don't exceed (nearest rank)."""
    if not values:
        raise ValueError("a percentile of nothing")
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -int(-share * len(ordered) // 1) - 1))]


def p50_p95(values: Sequence[float]) -> str:
    return f"{percentile(values, 0.5):.1f} / {percentile(values, 0.95):.1f} ms"


def paired(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of interleaved pairs: what else the machine did in one moment hit both."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))
