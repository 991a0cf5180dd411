"""A model that fails again and again is left alone for a while, then tried by one request."""

from __future__ import annotations


class Breaker:
    """Closed, open, or half-open, of one model. Moments are seconds of whatever clock the caller has.

    A probe that hangs counts as gone after the longest cool-down: it must not keep the model away for as long as
    an answer may take.
    """

    __slots__ = ("_after", "_cool_s", "_failures", "_first_cool_s", "_longest_cool_s", "_probe_until", "_until")

    def __init__(self, after: int, cool_s: float, longest_cool_s: float) -> None:
        self._after = after
        self._first_cool_s = cool_s
        self._longest_cool_s = longest_cool_s
        self._failures = 0
        self._cool_s = cool_s
        self._until = 0.0
        self._probe_until = 0.0

    @property
    def open(self) -> bool:
        return self._failures >= self._after

    def closed_for(self, now: float) -> float | None:
        """Seconds until the model may be asked; None: now."""
        if not self.open:
            return None
        left = max(self._until, self._probe_until) - now
        return left if left > 0 else None

    def enter(self, now: float) -> bool:
        """A request goes in. True: it is the probe, and nobody else goes in until it has a result."""
        if not self.open:
            return False
        self._probe_until = now + self._longest_cool_s
        return True

    def good(self) -> None:
        self._failures = 0
        self._cool_s = self._first_cool_s
        self._until = self._probe_until = 0.0

    def bad(self, now: float, *, probe: bool) -> None:
        if not self.open:
            self._failures += 1
            if self.open:
                self._until = now + self._cool_s
        elif probe:
            # Only the probe's result is news: the others went in before it was known.
            self._cool_s = min(2 * self._cool_s, self._longest_cool_s)
            self._until, self._probe_until = now + self._cool_s, 0.0

    def leave(self) -> None:
        """The probe ended without a result, its client having left, say: the next request is the probe."""
        self._probe_until = 0.0
