"""Where one room's need meets another's offer: small adapters, known to the composition root alone."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog

from athena.config import Settings
from athena.consolidation.ports import NewPattern
from athena.errors import AthenaError, Conflict, StoreUnavailable
from athena.gateway.egress import Limit, Policy
from athena.gateway.ports import Conversation, Turn
from athena.gateway.said import said
from athena.memory import capture
from athena.memory.remember import Writer
from athena.memory.types import Kind, NewMemory, Scope
from athena.rewrite.conversation import Rewriter, Rewritten
from athena.rewrite.join import Joiner
from athena.rewrite.ledger import Owner
from athena.rewrite.person import answered, turn_key
from athena.rewrite.ports import Recall, Shorten
from athena.store.pool import Database

if TYPE_CHECKING:
    import uuid

    from athena.store.pool import Connection

# As many as its server has slots: the prompt cache of one is worth more than two half-warm ones.
REASONING_SLOTS: Final = 1
# Of a client that has no project, the ledger is kept under a name that no project can have.
NO_PROJECT: Final = ""
_MOST_WAITING: Final = 1_000
_AGAIN_S: Final = 2.0

log = structlog.get_logger(__name__)


def policy(settings: Settings) -> Policy:
    """The egress' numbers, with the local model's rate limit as configured."""
    limit = settings.llama.rateLimit
    local = Limit(
        per_minute=limit.requestsPerMinute if limit.enabled else None,
        burst=limit.burstSize,
        at_once=REASONING_SLOTS,
        queue=limit.queueSize,
        when_full=limit.whenFull,
    )
    return Policy(limits={"local": local})


class Bank:
    """Consolidation's `Bank`: its patterns as memories."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self.database = database
        self._writer = writer

    async def put(self, connection: Connection, new: NewPattern) -> uuid.UUID | None:
        try:
            async with connection.transaction():
                uid = await self._writer.put_in(connection, _memory(new, since=new.first))
                if uid is None:
                    # Said again by nobody: what is remembered must not be touched.
                    raise _Known
                return uid
        except _Known:
            return None

    async def refine(self, connection: Connection, uid: uuid.UUID, new: NewPattern) -> uuid.UUID | None:
        try:
            async with connection.transaction():
                # The words of before were right until what made these better ones.
                return await self._writer.supersede_in(connection, uid, _memory(new, since=new.last))
        except Conflict:
            return None


class _Known(Exception):
    pass


def _memory(new: NewPattern, *, since: datetime) -> NewMemory:
    return NewMemory(
        content=new.content,
        kind=Kind.FACT if new.is_fact else Kind.PATTERN,
        scope=Scope(new.project, new.user_id, new.agent_id),
        occurred_at=new.last,
        valid_from=since,
        importance=new.importance,
        metadata=dict(new.metadata),
        source="consolidation",
    )


class Rewriting:
    """The gateway's `Rewrite`: its conversations through the ledger, the shortener and the memory."""

    def __init__(self, rewriter: Rewriter, shorten: Shorten, recall: Recall, glance: Recall) -> None:
        """`glance` recalls for a preview: nobody is told."""
        self._rewriter = rewriter
        self._shorten = shorten
        self._recall = recall
        self._glance = glance

    async def __call__(self, asked: Conversation, preview: bool) -> Rewritten:
        owner = Owner(asked.principal, asked.project or NO_PROJECT)
        shorten = self._shorten if asked.compress else None
        join = None
        if asked.memory and asked.project is not None:
            recall = self._glance if preview else self._recall
            join = Joiner(recall, project=asked.project, session=asked.session, budget_tokens=asked.memory_tokens)
        way = self._rewriter.preview if preview else self._rewriter.rewrite
        return await way(owner, asked.messages, shorten, join, asked.request_class)


class Capturing:
    """The gateway's `Capture`: turns wait here and are remembered beside the requests, one after the other. Only what
    is to be remembered waits, not the conversation around it."""

    def __init__(self, remember: capture.Remember) -> None:
        self._capture = capture.Capture(remember)
        self._waiting: deque[capture.Turn] = deque()
        self._came = asyncio.Event()

    def __call__(self, turn: Turn) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            log.warning("a turn isn't captured: too many wait already", waiting=_MOST_WAITING)
            return
        try:
            taken = _taken(turn)
        except Exception:
            log.exception("a turn isn't captured")
            return
        if taken is not None:
            self._waiting.append(taken)
            self._came.set()

    async def run(self) -> None:
        """Until cancelled. While PostgreSQL is away turns wait, as many as there is room for."""
        while True:
            await self._came.wait()
            self._came.clear()
            while self._waiting:
                try:
                    await self._capture(self._waiting[0])
                except StoreUnavailable:
                    await asyncio.sleep(_AGAIN_S)
                    continue
                except AthenaError as exc:
                    log.warning("a turn isn't captured", reason=exc.message)
                except Exception:
                    log.exception("a turn isn't captured")
                self._waiting.popleft()


def _taken(turn: Turn) -> capture.Turn | None:
    """What is remembered of it; None where nobody spoke, or the answer wasn't the last word."""
    asked = turn.conversation
    person = answered(asked.messages) if asked.request_class == "main" else None
    answer = said(turn.wire, turn.content, streamed=turn.streamed)
    if person is None or not answer.final or asked.project is None:
        return None
    return capture.Turn(
        project=asked.project,
        principal=asked.principal,
        session=asked.session,
        agent=turn.agent,
        key=turn_key(asked.messages, person),
        said=person.text,
        answer=answer.text,
        model=turn.model,
        at=datetime.now(UTC),
    )
