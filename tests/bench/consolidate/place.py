"""Athena over a new database, embedding with MiniLM, with no reasoning server: the fast system alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from athena import bootstrap, config
from athena.bootstrap import Athena
from athena.memory.types import Kind, NewMemory, Receipt, Scope
from tests.bench.histories.history import Event
from tests.bench.world.ground import Ground, free_port

_BATCH = 500
_PATIENCE_S = 900


@asynccontextmanager
async def athena(ground: Ground, name: str, embeddings_url: str, *, worker: bool = True) -> AsyncIterator[Athena]:
    settings = config.load(
        {
            "ATHENA_HOME": str(ground.home),
            "ATHENA_DATABASE_URL": await ground.database(name),
            "LLAMACPP_EMBEDDINGS_URL": embeddings_url,
            "LLAMACPP_REASONING_URL": f"http://127.0.0.1:{free_port()}",
        }
    )
    async with bootstrap.build(settings, worker=worker) as built:
        await built.generations.ensure_serving()
        yield built


async def remember(built: Athena, project: str, events: Sequence[Event]) -> list[Receipt]:
    """A receipt for each event; all of them have their vectors."""
    receipts: list[Receipt] = []
    for start in range(0, len(events), _BATCH):
        receipts += await built.memory.remember([_memory(project, e) for e in events[start : start + _BATCH]])
    await embedded(built)
    return receipts


async def embedded(built: Athena) -> None:
    """Returns once nothing is owed a vector. Raises `TimeoutError`."""
    async with asyncio.timeout(_PATIENCE_S):
        while (await built.backlog()).pending:
            await asyncio.sleep(0.2)


def _memory(project: str, event: Event) -> NewMemory:
    scope = Scope(project, user_id=event.user_id, session_id=event.session_id)
    return NewMemory(event.content, Kind(event.kind), scope, occurred_at=event.occurred_at)
