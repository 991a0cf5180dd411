"""The one composition root: builds everything once; API, CLI, worker and tests call it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from athena.config import Settings
from athena.core.llm_client import LocalLLMClient
from athena.jobs import queue
from athena.memory import health
from athena.memory.embedding import EmbeddingWorker
from athena.memory.generations import Generations
from athena.memory.health import Backlog, PartHealth
from athena.memory.ports import Describe, Traits
from athena.memory.service import MemoryService
from athena.rewrite.ledger import Ledger
from athena.runtime import catalogue, postgres
from athena.store.keys import Keys
from athena.store.pool import Database

_RETRY_FOR_S = 0.3


@dataclass(frozen=True, slots=True)
class Athena:
    """Everything that a surface may need, built."""

    settings: Settings
    database: Database
    client: LocalLLMClient
    generations: Generations
    memory: MemoryService
    keys: Keys
    ledger: Ledger

    async def health(self) -> dict[str, PartHealth]:
        """Each part's state, asked now and all at the same time."""
        store, embedding, servers = await asyncio.gather(
            health.postgres(self.database), health.embedding(self.generations), self.client.health()
        )
        if store.state == "down":
            # Without the store nothing is known of the generation: what the server itself says stands.
            embedding = _part(servers["embedding"].state, servers["embedding"].detail)
        others = {name: _part(servers[name].state, servers[name].detail) for name in ("reasoning", "compressor")}
        return {"postgres": store, "embedding": embedding, **others}

    async def backlog(self) -> Backlog:
        return await health.backlog(self.database)


@asynccontextmanager
async def build(settings: Settings, *, worker: bool = True) -> AsyncIterator[Athena]:
    """Athena, ready to be used, and closed at the end.

    Nothing has to be up: each part is reached when it is needed and reached again when it
    comes back. `worker`: embed what is owed in this process, too.
    """
    dsn = settings.database_url.get_secret_value() if settings.database_url else postgres.dsn(settings)
    database = Database(dsn, prepare=queue.install)
    clients = _Clients(settings)
    generations = Generations(database, clients, _describer(), queue.wake, dim=settings.embedding_dim)
    embedding = EmbeddingWorker(database, generations)
    athena = Athena(
        settings=settings,
        database=database,
        client=clients(None),
        generations=generations,
        memory=MemoryService(database, generations, queue.wake, embedding.wake),
        keys=Keys(database),
        ledger=Ledger(database),
    )
    tasks = [asyncio.create_task(coroutine) for coroutine in (_background(athena, embedding) if worker else ())]
    try:
        yield athena
    finally:
        await _end(tasks)
        await clients.aclose()
        await database.close()


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancelled until they are gone: a library in between may lose a cancellation."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=1)


class _Clients:
    """One client per embedding server: the configured one, and those that other generations name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._by_url: dict[str, LocalLLMClient] = {}

    def __call__(self, url: str | None) -> LocalLLMClient:
        address = url or self._settings.embeddings_url
        if address not in self._by_url:
            self._by_url[address] = LocalLLMClient(
                embedding_url=address,
                reasoning_url=self._settings.reasoning_url,
                compressor_url=self._settings.compressor_url,
                # The worker has a back-off of its own, and a recall would rather do without.
                retry_for_s=_RETRY_FOR_S,
            )
        return self._by_url[address]

    async def aclose(self) -> None:
        for client in self._by_url.values():
            await client.aclose()


def _background(athena: Athena, embedding: EmbeddingWorker) -> tuple[Coroutine[Any, Any, None], ...]:
    """What runs beside the requests: the embedding worker, and the queue that wakes it."""

    async def sweep() -> None:
        await athena.generations.owe_missing()
        await queue.refresh_sizes(athena.database)
        await athena.generations.ensure_indexes()
        embedding.wake()

    waiting = queue.Queue(athena.database, on_wake=embedding.wake, sweep=sweep, tidy=athena.ledger.expire)
    return embedding.run(), waiting.run()


def _describer() -> Describe:
    known = catalogue.load()

    def describe(model: str) -> Traits:
        """The manifest's traits of what a server calls `model`: its alias, or the path of its file."""
        name = model.replace("\\", "/").rsplit("/", 1)[-1]
        found = known.get(name)
        if found is None:
            return Traits(name.removesuffix(".gguf"))
        return Traits(found.name, found.prefix_document, found.prefix_query, found.matryoshka, found.context)

    return describe


def _part(state: str, detail: str | None) -> PartHealth:
    if state == "up":
        return PartHealth("up")
    return PartHealth("degraded" if state == "loading" else "down", detail, "athena status")
