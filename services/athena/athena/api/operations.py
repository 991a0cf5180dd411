"""What both surfaces, the tools and the REST routes, do with the memory: one function per verb."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from athena.api.deps import WAIT_S, Call
from athena.api.schemas.answers import (
    Evidence,
    ForgottenView,
    History,
    MemoryPage,
    MemoryView,
    Recalled,
    Stored,
    UnusedPage,
)
from athena.api.schemas.forget import ForgetQuery
from athena.api.schemas.listing import UnusedQuery
from athena.api.schemas.memories import Fact, Listing, RecallQuery, Remember
from athena.errors import NotFound
from athena.rewrite.ledger import Owner


async def remember(
    call: Call, bodies: Sequence[Remember], *, key: str | None = None, wait: bool = False
) -> list[Stored]:
    receipts = await call.athena.memory.remember(
        [body.value() for body in bodies],
        idempotency_key=key,
        principal=call.principal,
        wait_s=WAIT_S if wait else 0.0,
    )
    call.metrics.operation("remember", len(receipts))
    return [Stored.of(receipt) for receipt in receipts]


async def recall(call: Call, asked: RecallQuery) -> Recalled:
    found = await call.athena.memory.recall(asked.query, asked.filter(), limit=asked.limit)
    call.metrics.operation("recall")
    for name, spent in found.timings_ms.items():
        call.spent(name.removesuffix("_ms"), spent)
    return Recalled.of(found)


async def get(call: Call, memory_id: UUID) -> MemoryView:
    return MemoryView.of(await call.athena.memory.get(str(memory_id)))


async def listing(call: Call, asked: Listing) -> MemoryPage:
    page = await call.athena.memory.list(
        asked.filter(), limit=asked.limit, cursor=asked.cursor, include_superseded=asked.include_superseded
    )
    return MemoryPage.of(page)


async def supersede(call: Call, memory_id: UUID, body: Fact) -> Stored:
    receipt = await call.athena.memory.supersede(str(memory_id), body.memory())
    call.metrics.operation("supersede")
    return Stored.of(receipt)


async def restore(call: Call, memory_id: UUID) -> MemoryView:
    memory = await call.athena.memory.restore(str(memory_id))
    call.metrics.operation("restore")
    return MemoryView.of(memory)


async def evidence(call: Call, memory_id: UUID) -> Evidence:
    return Evidence.of(await call.athena.memory.evidence(str(memory_id)))


async def unused(call: Call, asked: UnusedQuery) -> UnusedPage:
    page = await call.athena.memory.unused(
        asked.project, older_than_days=asked.older_than_days, limit=asked.limit, cursor=asked.cursor
    )
    return UnusedPage.of(page)


async def history(call: Call, memory_id: UUID) -> History:
    return History.of(await call.athena.memory.history(str(memory_id)))


async def forget(call: Call, asked: ForgetQuery) -> ForgottenView:
    memory = call.athena.memory
    conversations = 0
    if ids := asked.chosen():
        named = asked.project if "project" in asked.model_fields_set else None
        forgotten = await memory.forget(ids, project=named, ledger=asked.ledger)
        if forgotten.count == 0:
            raise NotFound("there is no such memory" if len(ids) == 1 else "there is none of these memories")
    else:
        forgotten = await memory.forget_where(
            asked.filter(),
            query=asked.query,
            limit=asked.limit,
            dry_run=asked.dry_run is not False,
            ledger=asked.ledger,
        )
        owner = Owner(call.principal, asked.project)
        only_counted = forgotten.dry_run or not asked.purge_conversations
        conversations = (await call.athena.ledger.purge(owner, dry_run=only_counted)).conversations
    if not forgotten.dry_run:
        call.metrics.operation("forget", forgotten.count)
    return ForgottenView.of(forgotten, conversations)
