"""Writing: text, lexical index, outbox and wake-up in one transaction, committed before the answer.

Nothing here waits for a model. What is acknowledged is in PostgreSQL; its vectors follow
(`embedding.py`).
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import asyncpg

from athena.errors import Conflict, InvalidInput, NotFound
from athena.memory.echoes import Echoes, Look, look
from athena.memory.identity import fingerprint, new_uid, request_hash, speaker
from athena.memory.names import Names
from athena.memory.ports import Wake
from athena.memory.rows import uid_of
from athena.memory.types import Kind, NewMemory, Receipt, Scope
from athena.memory.use import Uses
from athena.store.pool import Database
from athena.store.sql import statements

if TYPE_CHECKING:
    from athena.store.pool import Connection

_SQL = statements("remember")
_MEMORY = statements("memory")
# Characters from which on texts are read beside the event loop.
_LONG = 50_000


@dataclass(frozen=True, slots=True)
class _Version:
    """Where a new memory stands in its line: the first of one, or the successor of another."""

    lineage: uuid.UUID | None = None
    supersedes: uuid.UUID | None = None


class Writer:
    """Remembers and supersedes.

    `wake` is called inside the transaction that gives the worker something to do, `notify` after it.
    """

    def __init__(
        self,
        database: Database,
        wake: Wake,
        notify: Callable[[], None],
        names: Names | None = None,
        uses: Uses | None = None,
    ) -> None:
        self._database = database
        self._names = names or Names()
        self._wake = wake
        self._notify = notify
        self._echoes = Echoes(uses or Uses(database), self._names)

    async def remember(
        self, memories: Sequence[NewMemory], *, idempotency_key: str | None = None, principal: str = ""
    ) -> list[Receipt]:
        """One receipt per memory, in order. A repeated `idempotency_key` gets the first answer again;
        with another request under the same key: `Conflict`. What was recalled and comes back is an echo, and not
        stored."""
        items = list(memories)
        if not items:
            return []
        is_long = sum(len(item.content) for item in items) > _LONG
        looks = await asyncio.to_thread(_looks, items) if is_long else _looks(items)
        receipts = await self._database.in_transaction(
            lambda connection: self._remember_once(connection, items, looks, idempotency_key, principal)
        )
        self._notify()
        return receipts

    async def supersede(self, id: str, new: NewMemory) -> Receipt:
        """Put `new` in the place of `id`, whose scope and kind it keeps; the old version stays in the history."""
        uid = uid_of(id)
        receipt = await self._database.in_transaction(lambda connection: self._supersede_once(connection, uid, new))
        self._notify()
        return receipt

    async def put_in(self, connection: Connection, new: NewMemory) -> uuid.UUID | None:
        """Store one in the transaction of `connection`; None where it is remembered already."""
        uid = new_uid()
        (row,) = await self._insert(connection, [new], [fingerprint(new)], [uid], _Version())
        if not row["created"]:
            return None
        await self._wake(connection)
        return uid

    async def supersede_in(self, connection: Connection, uid: uuid.UUID, new: NewMemory) -> uuid.UUID:
        """`supersede` in the transaction of `connection`."""
        return uuid.UUID((await self._supersede_once(connection, uid, new)).id)

    async def _supersede_once(self, connection: Connection, uid: uuid.UUID, new: NewMemory) -> Receipt:
        old = await connection.fetchrow(_MEMORY["lock_version"], uid)
        if old is None:
            raise NotFound(f"there is no memory '{uid}'")
        if old["superseded_by"] is not None:
            raise Conflict(
                f"memory {uid} has been superseded already", hint=f"supersede {old['superseded_by']} instead"
            )
        new = replace(
            new,
            kind=Kind(old["kind"]),
            scope=Scope(old["project"], old["user_id"], old["agent_id"], old["session"]),
            expires_at=new.expires_at or old["expires_at"],
        )
        _check_expiry([new])
        mark = fingerprint(new)
        if mark == old["fingerprint"]:
            raise Conflict(f"memory {uid} says this already", hint="nothing was changed")
        successor = new_uid()
        began = new.valid_from or new.occurred_at or datetime.now(UTC)
        await connection.execute(_MEMORY["mark_superseded"], uid, successor, began)
        new = replace(new, valid_from=max(began, old["valid_from"]))
        rows = await self._insert(connection, [new], [mark], [successor], _Version(old["lineage"], uid))
        if not rows[0]["created"]:
            raise Conflict(f"memory {rows[0]['uid']} says this already", hint="forget one of the two")
        await self._wake(connection)
        return Receipt(str(successor), "created", "pending")

    async def _remember_once(
        self,
        connection: Connection,
        memories: list[NewMemory],
        looks: list[Look],
        key: str | None,
        principal: str,
    ) -> list[Receipt]:
        if key is not None:
            digest = request_hash(memories)
            if not await connection.fetchval(_SQL["claim_idempotency_key"], principal, key, digest):
                return await _first_answer(connection, principal, key, digest)
        _check_expiry(memories)
        echoes = await self._echoes.found(connection, looks)
        news = iter(await self._store(connection, [each.item for i, each in enumerate(looks) if i not in echoes]))
        receipts = [echoes[index] if index in echoes else next(news) for index in range(len(looks))]
        if key is not None:
            kept = [asdict(receipt) for receipt in receipts]
            await connection.execute(_SQL["keep_idempotent_answer"], principal, key, json.dumps(kept))
        return receipts

    async def _store(self, connection: Connection, memories: list[NewMemory]) -> list[Receipt]:
        if not memories:
            return []
        # Two equal memories in one statement would be refused: the second is a duplicate of the first.
        prints = [(memory.scope.project, fingerprint(memory)) for memory in memories]
        first: dict[tuple[str, bytes], int] = {}
        for index, mark in enumerate(prints):
            first.setdefault(mark, index)
        chosen = sorted(first.values())
        new, marks = [memories[i] for i in chosen], [prints[i][1] for i in chosen]
        rows = await self._insert(connection, new, marks, [new_uid() for _ in chosen], _Version())
        by_print = {prints[index]: row for index, row in zip(chosen, rows, strict=True)}
        receipts = []
        for index, mark in enumerate(prints):
            row = by_print[mark]
            created = row["created"] and first[mark] == index
            receipts.append(
                Receipt(str(row["uid"]), "created" if created else "duplicate", "ready" if row["ready"] else "pending")
            )
        if any(row["created"] for row in rows):
            await self._wake(connection)
        return receipts

    async def _insert(
        self,
        connection: Connection,
        memories: list[NewMemory],
        marks: list[bytes],
        uids: list[uuid.UUID],
        version: _Version,
    ) -> list[asyncpg.Record]:
        """The stored rows in the order of `memories`; `marks` are their fingerprints."""
        projects = await self._names.ensure_projects(connection, sorted({m.scope.project for m in memories}))
        sessions = await self._names.ensure_sessions(
            connection,
            sorted({(projects[m.scope.project], m.scope.session_id) for m in memories if m.scope.session_id}),
        )
        columns = _columns(memories, marks, uids, projects, sessions, version)
        try:
            rows = await connection.fetch(_SQL["remember"], *columns)
        except asyncpg.ForeignKeyViolationError:
            self._names.forget()
            raise
        found = {(row["project_id"], row["fingerprint"]): row for row in rows}
        return [found[projects[m.scope.project], mark] for m, mark in zip(memories, marks, strict=True)]


def _check_expiry(memories: Sequence[NewMemory]) -> None:
    now = datetime.now(UTC)
    if any(memory.expires_at is not None and memory.expires_at <= now for memory in memories):
        raise InvalidInput("expires_at is in the past", hint="give a time to come, or none: then it is kept")


async def _first_answer(connection: Connection, principal: str, key: str, digest: bytes) -> list[Receipt]:
    row = await connection.fetchrow(_SQL["idempotent_answer"], principal, key)
    if row is None or row["request_hash"] != digest:
        raise Conflict(
            "this Idempotency-Key was used for another request", hint="use a new key for each different request"
        )
    return [Receipt(**receipt) for receipt in json.loads(row["receipts"])]


def _looks(items: list[NewMemory]) -> list[Look]:
    return [look(item) for item in items]


def _columns(
    memories: list[NewMemory],
    marks: list[bytes],
    uids: list[uuid.UUID],
    projects: dict[str, int],
    sessions: dict[tuple[int, str], int],
    version: _Version,
) -> list[list[Any]]:
    """The parameters of the statement `remember`: one array per column."""
    rows = [
        (
            uid,
            projects[m.scope.project],
            sessions[projects[m.scope.project], m.scope.session_id] if m.scope.session_id else None,
            m.scope.user_id,
            m.scope.agent_id,
            m.kind.value,
            m.content,
            mark,
            m.occurred_at,
            m.valid_from,
            m.valid_until,
            m.importance,
            json.dumps(m.tags),
            json.dumps(m.metadata, allow_nan=False),
            m.source,
            version.lineage or uid,
            version.supersedes,
            speaker(m.content),
            m.expires_at,
        )
        for uid, m, mark in zip(uids, memories, marks, strict=True)
    ]
    return [list(column) for column in zip(*rows, strict=True)]
