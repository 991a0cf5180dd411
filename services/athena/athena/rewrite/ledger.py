"""The ledger: what was decided about each text when it was first sent.

A decision is one row, written once and committed before the request goes out; of two
requests that decide about the same text at once the first row wins and the other reads it.
Nothing that changes later (settings, a restart, another replica) changes what was decided.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from athena.compression import Elision
from athena.core.marked import escaped
from athena.errors import NotFound
from athena.rewrite.canonical import Unit
from athena.store.sql import statements

if TYPE_CHECKING:
    from athena.store.pool import Connection, Database

_SQL = statements("rewrite")
_NEEDLES_AT_ONCE = 100
# In characters: what stands nowhere by chance, how much of a long text is looked for, and which sentences of it.
_TELLING, _PART, _WHOLE = 12, 80, 40
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose conversation: a key's name (or the machine's owner, without one) in a project."""

    principal: str
    project: str


@dataclass(frozen=True, slots=True)
class Decision:
    """`replacement` None: left alone."""

    unit: Unit
    replacement: str | None
    elisions: tuple[Elision, ...] = ()


@dataclass(frozen=True, slots=True)
class Purged:
    """Conversations that lose (with `dry_run`: would lose) what was decided about them."""

    conversations: int
    decisions: int
    dry_run: bool


class Ledger:
    """Raises `StoreUnavailable` while PostgreSQL is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, owner: Owner, keys: Sequence[bytes]) -> dict[bytes, str | None]:
        """What was decided about these keys; a key that isn't in the answer is undecided."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_SQL["read"], owner.principal, owner.project, list(keys))
        return {row["key"]: row["replacement"] for row in rows}

    async def decide(self, owner: Owner, decisions: Sequence[Decision]) -> dict[bytes, str | None]:
        """Write these, unless somebody was faster; what holds now. Committed when this returns."""
        keys = [decision.unit.key for decision in decisions]
        columns = (
            keys,
            [decision.unit.root for decision in decisions],
            [decision.replacement for decision in decisions],
        )
        elisions = [elision for decision in decisions for elision in decision.elisions]

        async def once(connection: Connection) -> None:
            await connection.execute(_SQL["decide"], owner.principal, owner.project, *columns)
            await _keep(connection, owner, elisions)

        await self._database.in_transaction(once)
        # In a transaction of its own: a row that was committed while ours waited is seen only now.
        return await self.read(owner, keys)

    async def touch(self, owner: Owner, keys: Sequence[bytes]) -> None:
        """Remember that these were used; at most one write a day for each."""
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["touch"], owner.principal, owner.project, list(keys))

    async def keep_originals(self, owner: Owner, elisions: Sequence[Elision]) -> None:
        """Elisions of a text that belongs to no conversation."""
        async with self._database.acquire() as connection:
            await _keep(connection, owner, elisions)

    async def original(self, owner: Owner, id: str) -> str:
        """The text that an elision stands for. Raises `NotFound`, for another owner's too."""
        async with self._database.acquire() as connection:
            found: str | None = await connection.fetchval(_SQL["original"], owner.principal, owner.project, id)
        if found is None:
            raise NotFound(f"there is no elision {id!r}")
        return found

    async def purge(self, owner: Owner, *, dry_run: bool = True) -> Purged:
        """Forget all decisions and originals of `owner`. The conversations can go on, but what was sent of
        them changes: the provider's cache is lost, and thinking that is bound to it refused."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(_SQL["count"], owner.principal, owner.project)
            if not dry_run:
                await connection.execute(_SQL["purge"], owner.principal, owner.project)
                await connection.execute(_SQL["purge_originals"], owner.principal, owner.project)
        return Purged(row["conversations"], row["decisions"], dry_run)

    async def forget_texts(
        self, connection: Connection, project: str, texts: Sequence[str], *, dry_run: bool = False
    ) -> int:
        """Forget, in the transaction of `connection`, what anybody sent or set aside in `project` that holds any of
        `texts`, as it is, as a note, or cut short. How many decisions that are, or would be. Their conversations go on
        as after `purge`."""
        statement = _SQL["holding" if dry_run else "forget_holding"]
        needles = sorted({form for text in texts for form in _forms(text)})
        found: set[tuple[str, bytes]] = set()
        for start in range(0, len(needles), _NEEDLES_AT_ONCE):
            some = needles[start : start + _NEEDLES_AT_ONCE]
            found.update((row["principal"], row["key"]) for row in await connection.fetch(statement, project, some))
            if not dry_run:
                await connection.execute(_SQL["forget_originals_holding"], project, some)
        return len(found)

    async def expire(self) -> None:
        """Drop what hasn't been used for half a year."""
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["expire"])
            await connection.execute(_SQL["expire_originals"])


def _forms(text: str) -> set[str]:
    """Parts of a text that stand wherever it was sent: as it was, or in a note, indented and escaped. A short one might
    stand anywhere by chance: it is looked for as a note."""
    text = text.strip()
    if len(text) < _TELLING:
        return {f": {escaped(text)}\n"} if text else set()
    parts = {text[:_PART].strip(), text[-_PART:].strip()}
    if len(text) > _PART:
        # Of a shortened text, whole sentences are left.
        parts.update(each for each in _SENTENCE.split(text) if len(each) >= _WHOLE)
    return {form for part in parts for form in (part, escaped(part), escaped(part).replace("\n", "\n  "))}


async def _keep(connection: Connection, owner: Owner, elisions: Sequence[Elision]) -> None:
    if elisions:
        ids, texts = [elision.id for elision in elisions], [elision.text for elision in elisions]
        await connection.execute(_SQL["keep_originals"], owner.principal, owner.project, ids, texts)
