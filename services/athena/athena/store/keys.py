"""API keys: shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from athena.errors import Conflict
from athena.store.pool import Database
from athena.store.sql import statements

_SQL = statements("keys")
PREFIX = "ath_"


@dataclass(frozen=True, slots=True)
class KeyInfo:
    name: str
    created_at: datetime
    last_used_at: datetime | None


class Keys:
    """The keys that Athena itself gives out."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, name: str) -> str:
        """The key, readable only now. Raises `Conflict` if the name is taken."""
        key = PREFIX + secrets.token_urlsafe(32)
        async with self._database.acquire() as connection:
            if await connection.fetchval(_SQL["create"], name, _hash(key)) is None:
                raise Conflict(f"there is a key named {name!r} already", hint=f"athena keys revoke {name}")
        return key

    async def verify(self, key: str) -> str | None:
        """The key's name, or None if it isn't one of ours."""
        if not key.startswith(PREFIX):
            return None
        async with self._database.acquire() as connection:
            name: str | None = await connection.fetchval(_SQL["verify"], _hash(key))
            return name

    async def list(self) -> list[KeyInfo]:
        async with self._database.acquire() as connection:
            return [KeyInfo(**dict(row)) for row in await connection.fetch(_SQL["list"])]

    async def revoke(self, name: str) -> bool:
        async with self._database.acquire() as connection:
            return await connection.fetchval(_SQL["revoke"], name) is not None

    async def any(self) -> bool:
        async with self._database.acquire() as connection:
            return bool(await connection.fetchval(_SQL["any"]))


def _hash(key: str) -> bytes:
    # 256 random bits need no salt and no slow hash: there is nothing to guess.
    return hashlib.sha256(key.encode()).digest()
