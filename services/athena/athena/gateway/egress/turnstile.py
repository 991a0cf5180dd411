"""So many requests a minute, so many at once, and a queue with an end."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from athena.gateway.egress.policy import Limit


class Bucket:
    """Tokens that come back at a steady rate, up to `burst`. Begins full."""

    def __init__(self, per_minute: float, burst: int, now: float) -> None:
        self._rate = per_minute / 60
        self._burst = float(burst)
        self._tokens = float(burst)
        self._at = now

    def wait_s(self, now: float, ahead: int = 0) -> float:
        """Until there is a token for whoever comes after `ahead` others; 0: there is one."""
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = max(self._at, now)
        missing = 1 + ahead - self._tokens
        # A hair less than a token is rounding, and would be waited for in steps of nothing.
        return missing / self._rate if missing > 1e-9 else 0.0

    def take(self, now: float) -> None:
        self.wait_s(now)
        self._tokens -= 1


class Turnstile:
    """What stands before a provider of one's own. First come, first served."""

    def __init__(self, limit: Limit, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._places = asyncio.Semaphore(limit.at_once)
        self._bucket = None if limit.per_minute is None else Bucket(limit.per_minute, limit.burst, clock())
        self._next = asyncio.Lock()
        self._waiting = 0

    @property
    def spills(self) -> bool:
        return self._limit.when_full == "spill"

    def busy(self) -> bool:
        """Whoever came now would have to wait."""
        return self._waiting > 0 or self._places.locked() or self._token_in() > 0

    def retry_after_s(self) -> float:
        """A whole number of seconds, at least 1, after which it is worth coming back."""
        return float(max(1, math.ceil(self._token_in(ahead=self._waiting))))

    async def enter(self, wait_s: float) -> bool:
        """Wait for a place and a token, for `wait_s` at most; False: there was none, or the queue is full.
        Who got in must `leave`."""
        if self.busy() and self._waiting >= self._limit.queue:
            return False
        self._waiting += 1
        try:
            async with asyncio.timeout(wait_s):
                await self._places.acquire()
                try:
                    await self._token()
                except BaseException:
                    self._places.release()
                    raise
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
        return True

    def leave(self) -> None:
        self._places.release()

    async def _token(self) -> None:
        if self._bucket is None:
            return
        # One waits at a time, so that nobody takes the token that another one waited for.
        async with self._next:
            wait_s = self._bucket.wait_s(self._clock())
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            self._bucket.take(self._clock())

    def _token_in(self, ahead: int = 0) -> float:
        return 0.0 if self._bucket is None else self._bucket.wait_s(self._clock(), ahead)
