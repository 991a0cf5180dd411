"""Values that live in PostgreSQL, remembered for a moment, so that not each request asks for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from athena.errors import StoreUnavailable

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

# A request rather goes by what was known than wait longer for what is new.
_PATIENCE_S = 1.0
# After a failure nobody asks again for this long: an outage costs one request its wait, and not each.
_COOL_DOWN_S = 1.0


@dataclass(frozen=True, slots=True)
class _Seen(Generic[Value]):
    value: Value
    at: float


class Fresh(Generic[Key, Value]):
    """`read` is asked when what is known is older than `for_s`, once for all who want the same at that moment."""

    def __init__(
        self,
        read: Callable[[Key], Awaitable[Value]],
        *,
        for_s: float,
        most: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._for_s = for_s
        self._most = most
        self._clock = clock
        self._seen: dict[Key, _Seen[Value]] = {}
        self._reading: dict[Key, asyncio.Task[None]] = {}
        self._away_until = float("-inf")

    async def get(self, key: Key) -> Value:
        """The value; while PostgreSQL is away, what was known last. Raises `StoreUnavailable` if that is nothing."""
        seen = self._seen.get(key)
        if seen is not None and self._clock() - seen.at < self._for_s:
            return seen.value
        if self._clock() >= self._away_until:
            await self._look(key)
            seen = self._seen.get(key)
        if seen is None:
            raise StoreUnavailable("PostgreSQL can't be reached", hint="athena status; athena up")
        return seen.value

    def known(self, key: Key) -> Value | None:
        """What was read last, however old."""
        seen = self._seen.get(key)
        return None if seen is None else seen.value

    def put(self, key: Key, value: Value) -> None:
        """As if it had just been read."""
        self._seen.pop(key, None)
        while len(self._seen) >= self._most:
            # The one that wasn't read or written for longest.
            self._seen.pop(next(iter(self._seen)))
        self._seen[key] = _Seen(value, self._clock())

    def amend(self, key: Key, value: Value) -> None:
        """Another value for what is known; when it is read again stays as it was."""
        seen = self._seen.get(key)
        if seen is not None:
            self._seen[key] = _Seen(value, seen.at)

    def outdate(self, key: Key) -> None:
        """Ask again next time."""
        seen = self._seen.get(key)
        if seen is not None:
            self._seen[key] = _Seen(seen.value, float("-inf"))

    async def _look(self, key: Key) -> None:
        task = self._reading.get(key)
        if task is None:
            task = self._reading[key] = asyncio.create_task(self._once(key, self._seen.get(key)))
            task.add_done_callback(lambda _: self._reading.pop(key, None))
        # Shielded: who leaves doesn't take away what the others wait for.
        await asyncio.shield(task)

    async def _once(self, key: Key, before: _Seen[Value] | None) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                value = await self._read(key)
            # What was put meanwhile is newer than what was read.
            if self._seen.get(key) is before:
                self.put(key, value)
        except (StoreUnavailable, TimeoutError):
            self._away_until = self._clock() + _COOL_DOWN_S
