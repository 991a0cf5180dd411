"""What is known of sessions: read at most every few seconds, written beside the requests.

A pin is committed when it is answered. The figures of a request may be a second late, and those
of the last second are lost when the process is killed: the ledger of use has them, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from athena.errors import Conflict, NotFound, StoreUnavailable
from athena.gateway.sessions.types import Owed, Passed, Session
from athena.gateway.types import Tokens
from athena.store.fresh import Fresh
from athena.store.pool import Database
from athena.store.sql import statements

if TYPE_CHECKING:
    import asyncpg

_SQL = statements("sessions")
# A pin that was set in another process is felt here after this long.
_FRESH_S = 3.0
# While PostgreSQL is away, figures of so many sessions are held.
_MOST_OWED = 20_000

Key = tuple[str, str]


class Sessions:
    """`check` raises `InvalidInput` for what can't be pinned: no such model."""

    def __init__(self, database: Database, check: Callable[[str], object] = lambda model: None) -> None:
        self._database = database
        self._check = check
        self._fresh: Fresh[Key, Session] = Fresh(self._read, for_s=_FRESH_S)
        self._owed: dict[Key, Owed] = {}
        # On its way into the database, and not in what is known of it yet.
        self._leaving: dict[Key, Owed] = {}
        self._writing = asyncio.Lock()

    async def get(self, principal: str, id: str) -> Session:
        """What is known; a session that nobody has heard of is an empty one. Never raises for PostgreSQL."""
        try:
            session = await self._fresh.get((principal, id))
        except StoreUnavailable:
            session = Session(principal, id)
        return self._with_owed(session)

    def outdate(self, principal: str, id: str) -> None:
        """Ask PostgreSQL the next time: another replica may know better."""
        self._fresh.outdate((principal, id))

    def note(self, principal: str, id: str, passed: Passed) -> None:
        """A request of this session was answered. Costs no query; written within a second."""
        key, now = (principal, id), Owed.of(passed)
        before = self._owed.get(key)
        if before is None and len(self._owed) >= _MOST_OWED:
            return
        self._owed[key] = before.then(now) if before else now

    async def pin(self, principal: str, id: str, model: str | None) -> Session:
        """Committed when this returns; None takes the pin away. Raises `InvalidInput`, `StoreUnavailable`."""
        if model is not None:
            self._check(model)
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(_SQL["pin"], principal, id, model)
        session = _session(row)
        self._fresh.put((principal, id), session)
        return self._with_owed(session)

    async def list(self, principal: str | None, limit: int) -> list[Session]:
        """The newest first; everybody's for None."""
        await self.write()
        async with self._database.acquire() as connection:
            return [_session(row) for row in await connection.fetch(_SQL["list"], principal, limit)]

    async def find(self, principal: str | None, id: str | None) -> Session:
        """The session of this id (None: the one used last), whoever's it is for a principal of None.
        Raises `NotFound`, and `Conflict` when several have one of this id."""
        if id is None:
            found = await self.list(principal, 1)
        else:
            await self.write()
            async with self._database.acquire() as connection:
                found = [_session(row) for row in await connection.fetch(_SQL["named"], id)]
            found = [each for each in found if principal is None or each.principal == principal]
        if not found:
            raise NotFound(
                f"there is no session {id!r}" if id else "there is no session yet", hint="athena sessions list"
            )
        if len(found) > 1:
            whose = ", ".join(repr(each.principal) for each in found)
            raise Conflict(f"several keys have a session {id!r}: {whose}", hint="say whose: --of KEY")
        return found[0]

    async def write(self) -> None:
        """What is owed, in one statement. Raises `StoreUnavailable`; then it is still owed."""
        async with self._writing:
            self._leaving, self._owed = self._owed, {}
            if not self._leaving:
                return
            try:
                async with self._database.acquire() as connection:
                    await connection.execute(_SQL["note"], *_columns(self._leaving))
            except BaseException:
                for key, before in self._leaving.items():
                    later = self._owed.get(key)
                    self._owed[key] = before.then(later) if later else before
                raise
            else:
                for key, done in self._leaving.items():
                    known = self._fresh.known(key)
                    if known is not None:
                        # Not as if it had been read: a pin that another replica has set would never be felt.
                        self._fresh.amend(key, done.onto(known))
            finally:
                self._leaving = {}

    async def expire(self) -> None:
        """Forget what nobody has used for half a year."""
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["expire"])

    async def _read(self, key: Key) -> Session:
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(_SQL["read"], *key)
        return Session(*key) if row is None else _session(row)

    def _with_owed(self, session: Session) -> Session:
        key = (session.principal, session.id)
        for owed in (self._leaving.get(key), self._owed.get(key)):
            session = session if owed is None else owed.onto(session)
        return session


def _session(row: asyncpg.Record) -> Session:
    return Session(
        principal=row["principal"],
        id=row["id"],
        project=row["project"],
        agent=row["agent"],
        pinned=row["pinned"],
        last_model=row["last_model"],
        last_reasons=tuple(row["last_reasons"]),
        cached_tokens=row["cached_tokens"],
        requests=row["requests"],
        tokens=Tokens(row["tokens_input"], row["tokens_cached"], row["tokens_written"], row["tokens_output"]),
        started_at=row["started_at"],
        last_used_at=row["last_used_at"],
    )


def _columns(owed: Mapping[Key, Owed]) -> list[list[Any]]:
    """The parameters of the statement `note`: one array per column."""
    rows = [
        (
            *key,
            each.newest.project,
            each.newest.agent,
            each.newest.model,
            "\n".join(each.newest.reasons),
            each.cached_tokens,
            each.requests,
            each.tokens.input,
            each.tokens.cached,
            each.tokens.written,
            each.tokens.output,
            each.started_at,
            each.last_used_at,
        )
        for key, each in owed.items()
    ]
    return [list(column) for column in zip(*rows, strict=True)]
