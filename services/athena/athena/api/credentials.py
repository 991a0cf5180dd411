"""Verified keys, remembered for a moment, so that not each request asks PostgreSQL."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import ClassVar

from athena.errors import StoreUnavailable

# A key that is revoked stops working after this long at the latest.
_REMEMBER_S = 10.0
_MOST = 1_024
# While PostgreSQL is away, a key that was known is taken for this much longer.
_GRACE_S = 30.0


class Credentials:
    """`principal` is the name of a key, or None. What is kept is a digest, never the key."""

    PREFIX: ClassVar[str] = "ath_"

    def __init__(
        self, verify: Callable[[str], Awaitable[str | None]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._verify = verify
        self._clock = clock
        self._known: dict[bytes, tuple[str, float]] = {}

    async def principal(self, key: str) -> str | None:
        """Raises `StoreUnavailable` when the key must be looked up and PostgreSQL is away."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(digest)
        if known is not None and self._clock() < known[1]:
            return known[0]
        try:
            name = await self._verify(key)
        except StoreUnavailable:
            # Whoever had a key a moment ago keeps it through a restart of PostgreSQL, and no longer: it may be revoked.
            if known is None or self._clock() > known[1] + _GRACE_S:
                raise
            return known[0]
        if name is None:
            self._known.pop(digest, None)
            return None
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[digest] = (name, self._clock() + _REMEMBER_S)
        return name
