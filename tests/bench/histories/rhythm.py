"""When something happens that happens again and again: with jitter, gaps, and now and then no rhythm at all."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

_PERIODS = (1, 2, 7, 7, 7, 14, 30)  # days; weekly things are the most common
_LATEST = 23.7
_ZONES = (-8, -5, -3, 0, 1, 2, 5.5, 8, 10)


@dataclass(frozen=True, slots=True)
class Span:
    """The time a history covers, from the midnight it begins with, on one clock."""

    start: datetime
    days: int

    @classmethod
    def drawn(cls, rng: random.Random, days: tuple[int, int]) -> Span:
        zone = timezone(timedelta(hours=rng.choice(_ZONES)))
        return cls(datetime(2023, 1, 1, tzinfo=zone) + timedelta(days=rng.randrange(900)), rng.randint(*days))

    def moment(self, rng: random.Random, since: float = 0.0, until: float = 1.0) -> datetime:
        """A waking moment; `since` and `until` are shares of the span."""
        day = rng.uniform(since * self.days, until * self.days)
        hour = min(23.2, max(5.5, rng.gauss(14, 4.2)))
        return self._at(min(int(day), self.days - 1), hour, rng)

    def ordered(self, rng: random.Random, count: int, since: float, until: float) -> list[datetime]:
        return sorted(self.moment(rng, since, until) for _ in range(count))

    def occurrences(self, rng: random.Random, count: int, hour: float, *, irregular: bool) -> list[datetime]:
        """`count` times about that hour, oldest first."""
        periods = [period for period in _PERIODS if period * count * 1.35 <= self.days]
        if irregular or not periods:
            days = sorted(rng.sample(range(self.days), min(count, self.days)))
            days += [rng.choice(days) for _ in range(count - len(days))]
            return sorted(self._at(day, hour + rng.gauss(0, 1.6), rng) for day in days)
        return self._regular(rng, count, hour, rng.choice(periods))

    def _regular(self, rng: random.Random, count: int, hour: float, period: int) -> list[datetime]:
        """Some occurrences are missed, some come a day early or late; the hour is kept more or less."""
        slots = min(self.days // period, round(count * rng.uniform(1.05, 1.35)) + 1)
        first = rng.randint(0, self.days - (slots - 1) * period - 1)
        kept = sorted(rng.sample(range(slots), min(count, slots)))
        spread = rng.choice((0.15, 0.3, 0.7))
        found = []
        for slot in kept:
            late = rng.choice((-1, 1)) if period >= 7 and rng.random() < 0.12 else 0
            day = min(max(first + slot * period + late, 0), self.days - 1)
            found.append(self._at(day, hour + rng.gauss(0, spread), rng))
        return sorted(found)

    def _at(self, day: int, hour: float, rng: random.Random) -> datetime:
        hour = abs(hour) if hour < _LATEST else 2 * _LATEST - hour  # not over midnight: it stays the same day
        seconds = int(hour * 3600) + rng.randrange(300)
        return self.start + timedelta(days=day, seconds=seconds)


def near(rng: random.Random, anchors: Sequence[datetime], minutes: tuple[float, float]) -> datetime:
    """A moment beside one of `anchors`."""
    return rng.choice(anchors) + timedelta(seconds=round(rng.uniform(*minutes) * 60))


def part_of_day(at: datetime) -> str:
    if at.hour < 11:
        return "morning"
    if at.hour < 14:
        return "noon"
    return "afternoon" if at.hour < 18 else "evening"
