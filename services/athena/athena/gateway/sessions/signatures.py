"""What a provider signed and a client's wire can't carry, kept until the client comes back with the tool call.

Thinking blocks (Anthropic) and thought signatures (Google) must go back as they came, with the call
they led to; a client of the other wire has no place for them. They are found by the call's id, and only
ever given back to the provider that made them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from athena.errors import StoreUnavailable
from athena.gateway.types import Json
from athena.store.pool import Database
from athena.store.sql import statements

_SQL = statements("signatures")
_MOST_CHARACTERS = 32 * 1024 * 1024
_MOST_CALLS = 50_000

Key = tuple[str, str, str]


class Signatures:
    """What was kept is found again at once, in other processes too, after a restart too."""

    def __init__(self, database: Database, *, most_characters: int = _MOST_CHARACTERS) -> None:
        self._database = database
        self._most_characters = most_characters
        # Encoded, so that what is given away can't change what is kept. None: looked for, and not there.
        self._known: dict[Key, str | None] = {}
        self._characters = 0
        self._unwritten: dict[Key, str] = {}

    async def keep(self, principal: str, provider: str, found: Mapping[str, Json]) -> None:
        """Committed when this returns; while PostgreSQL is away, known to this process and written by `write`."""
        for call, content in found.items():
            key, text = (principal, provider, call), json.dumps(content, separators=(",", ":"))
            self._remember(key, text)
            if _storable(call) and len(self._unwritten) < _MOST_CALLS:
                self._unwritten[key] = text
        try:
            await self.write()
        except StoreUnavailable:
            return

    async def find(self, principal: str, provider: str, calls: Iterable[str]) -> dict[str, Json]:
        """By id, those that there are. Raises `StoreUnavailable` if PostgreSQL has to be asked and is away:
        without what it signed, the provider refuses the conversation."""
        keys = {call: (principal, provider, call) for call in calls}
        # Taken before anything is awaited: what is known may be forgotten meanwhile, for room.
        found = {call: self._unwritten.get(key) or self._known.get(key) for call, key in keys.items()}
        missing = [call for call, key in keys.items() if not found[call] and key not in self._known and _storable(call)]
        if missing:
            async with self._database.acquire() as connection:
                rows = await connection.fetch(_SQL["find"], principal, provider, missing)
            found |= {row["tool_call"]: row["content"] for row in rows}
            for call in missing:
                # An id reaches a client only after its signature was kept: what isn't there never will be.
                self._remember(keys[call], found[call])
        return {call: json.loads(text) for call, text in found.items() if text is not None}

    async def write(self) -> None:
        """What couldn't be written when it was kept. Raises `StoreUnavailable`; then it still has to be."""
        if not self._unwritten:
            return
        rows = dict(self._unwritten)
        columns = [list(column) for column in zip(*((*key, text) for key, text in rows.items()), strict=True)]
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["keep"], *columns)
        for key, text in rows.items():
            if self._unwritten.get(key) == text:
                del self._unwritten[key]

    async def expire(self) -> None:
        """Drop what is half a year old, and write what is owed."""
        await self.write()
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["expire"])

    def _remember(self, key: Key, text: str | None) -> None:
        self._characters += len(text or "") - len(self._known.pop(key, None) or "")
        self._known[key] = text
        while self._characters > self._most_characters or len(self._known) > _MOST_CALLS:
            oldest = next(iter(self._known))
            self._characters -= len(self._known.pop(oldest) or "")


def _storable(call: str) -> bool:
    try:
        call.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in call
