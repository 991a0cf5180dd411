"""Whether something comes back at its time, or just again and again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median

from athena.consolidation.types import PatternType

_FEWEST_DAYS = 4
_STEADY = 0.25


def pattern_type(times: Sequence[datetime]) -> PatternType:
    """A routine if the days between occurrences differ from the usual gap by a quarter of it, or less, more often than
    not; a theme otherwise."""
    days = sorted({time.astimezone(UTC).date().toordinal() for time in times})
    gaps = [after - before for before, after in pairwise(days)]
    if len(days) < _FEWEST_DAYS:
        return PatternType.THEME
    usual = median(gaps)
    steady = median(abs(gap - usual) for gap in gaps) <= _STEADY * usual
    return PatternType.ROUTINE if steady else PatternType.THEME
