"""When something happens: days of the week, hours, months, and how well the gaps keep to it. All in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

DAY = 86_400.0
_WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_CHANCE = 0.02
_PARTS = ((5, "early in the morning"), (8, "in the morning"), (12, "in the afternoon"), (17, "in the evening"))


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`words` such as "on Tuesdays around 07:00", None without one; `regularity` 0..1."""

    words: str | None
    regularity: float


def rhythm(at: NDArray[np.float64]) -> Rhythm:
    """Of occurrences at these times (seconds since the epoch, ascending)."""
    days = np.unique((at // DAY).astype(np.int64))
    if len(days) < 3:
        return Rhythm(None, 0.0)
    gaps = np.diff(days).astype(np.float64)
    found = _daily(days, gaps) or _weekly(days, gaps) or _monthly(days, gaps) or _every_few_days(gaps)
    hour = _hour(at)
    if found is None:
        spread = float(gaps.std() / gaps.mean())
        return Rhythm(None, max(0.0, 0.5 - 0.5 * spread))
    words, regularity = found
    return Rhythm(f"{words} {hour}" if hour else words, round(float(regularity), 3))


def _daily(days: NDArray[np.int64], gaps: NDArray[np.float64]) -> tuple[str, float] | None:
    covered = len(days) / float(days[-1] - days[0] + 1)
    if len(days) >= 5 and covered >= 0.75:
        return "every day", covered
    weekdays = np.bincount((days + 3) % 7, minlength=7)
    if len(days) >= 8 and weekdays[5:].sum() == 0 and np.mean(gaps <= 3) >= 0.8 and covered >= 0.45:
        return "on weekdays", min(1.0, covered * 7 / 5)
    return None


def _weekly(days: NDArray[np.int64], gaps: NDArray[np.float64]) -> tuple[str, float] | None:
    counts = np.bincount((days + 3) % 7, minlength=7)
    order = np.argsort(-counts, kind="stable")
    for size in (1, 2, 3):
        inside = int(counts[order[:size]].sum())
        share = inside / len(days)
        if share < 0.75 or counts[order[size - 1]] < 2 or _luck(inside, len(days), size) > _CHANCE:
            continue
        names = [_WEEKDAYS[day] for day in sorted(order[:size])]
        steps = gaps if size > 1 else np.minimum(gaps % 7, 7 - gaps % 7)
        kept = float(np.mean(gaps <= 7)) if size > 1 else float(np.mean(steps <= 1))
        listed = ", ".join(names[:-1]) + " and " + names[-1] if size > 1 else names[0]
        return f"on {listed}", share * (0.5 + 0.5 * kept)
    weekend = int(counts[5:].sum())
    if weekend / len(days) >= 0.8 and _luck(weekend, len(days), 2) <= _CHANCE:
        return "on weekends", weekend / len(days)
    return None


def _luck(inside: int, total: int, size: int) -> float:
    """How likely it is that some `size` days of the week hold so many by chance."""
    p = size / 7
    tail = (
        sum(comb(total, i) * p**i * (1 - p) ** (total - i) for i in range(inside, total + 1)) if total <= 400 else 0.0
    )
    return min(1.0, comb(7, size) * tail)


def _monthly(days: NDArray[np.int64], gaps: NDArray[np.float64]) -> tuple[str, float] | None:
    months = np.rint(gaps / 30.44)
    if len(days) < 3 or months.min() < 1:
        return None
    fit = float(np.mean(np.abs(gaps - months * 30.44) <= 3.5))
    if fit < 0.75:
        return None
    of_month = [int(str(day.astype("datetime64[D]"))[8:]) for day in days.astype("datetime64[D]")]
    middle = int(np.median(of_month))
    return f"every month around the {_ordinal(middle)}", fit


def _ordinal(day: int) -> str:
    if 11 <= day <= 13:
        return f"{day}th"
    return f"{day}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th') }"


def _every_few_days(gaps: NDArray[np.float64]) -> tuple[str, float] | None:
    middle = float(np.median(gaps))
    if len(gaps) < 4 or middle < 2:
        return None
    fit = float(np.mean(np.abs(gaps - middle) <= max(0.5, 0.15 * middle)))
    if fit < 0.75:
        return None
    return f"every {round(middle)} days", fit


def _hour(at: NDArray[np.float64]) -> str | None:
    hours = (at % DAY) / 3600.0
    turn = np.exp(2j * np.pi * hours / 24).mean()
    middle = float(np.angle(turn) / (2 * np.pi) * 24) % 24
    if abs(turn) >= 0.93:
        half = round(middle * 2) % 48
        return f"around {half // 2:02d}:{half % 2 * 30:02d}"
    if abs(turn) >= 0.75:
        return next((name for start, name in reversed(_PARTS) if start <= middle < 22), "at night")
    return None
