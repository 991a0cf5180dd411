"""The one composition root: builds everything once; API, CLI, worker and tests call it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from athena import bridges, http
from athena.config import Settings, load
from athena.consolidation.service import Consolidation
from athena.core.llm_client import LocalLLMClient
from athena.core.types import ServerHealth
from athena.gateway.egress import Egress, Policy
from athena.gateway.flow.parts import Parts
from athena.gateway.models.live import Live
from athena.gateway.models.offered import Offered
from athena.gateway.models.registry import Registry
from athena.gateway.route.router import Router
from athena.gateway.service import Gateway
from athena.gateway.sessions import writing
from athena.gateway.sessions.agents import Agents
from athena.gateway.sessions.sessions import Sessions
from athena.gateway.sessions.signatures import Signatures
from athena.http.local_hosts import LocalHosts
from athena.jobs import queue
from athena.memory import health
from athena.memory.embedding import EmbeddingWorker
from athena.memory.generations import Generations
from athena.memory.health import Backlog, PartHealth
from athena.memory.notes import Notes
from athena.memory.ports import Describe, Traits
from athena.memory.service import MemoryService
from athena.rewrite.conversation import Rewriter
from athena.rewrite.ledger import Ledger
from athena.rewrite.shorten import Shortener
from athena.runtime import catalogue, postgres
from athena.store.keys import Keys
from athena.store.local_only import LocalOnlyMode
from athena.store.pool import Database
from athena.store.preferences import Preferences
from athena.usage.service import Usage

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
    preferences: Preferences
    sessions: Sessions
    agents: Agents
    router: Router
    usage: Usage
    local_only: LocalOnlyMode
    gateway: Gateway
    consolidation: Consolidation

    async def health(self) -> dict[str, PartHealth]:
        """Each part's state, asked now and all at the same time."""
        store, embedding, servers = await asyncio.gather(
            health.postgres(self.database), health.embedding(self.generations), self.client.health()
        )
        if store.state == "down":
            # Without the store nothing is known of the generation: what the server itself says stands.
            embedding = _part(servers["embedding"])
        others = {name: _part(servers[name]) for name in ("reasoning", "compressor")}
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
    local_only, hosts = LocalOnlyMode(database, settings), LocalHosts.of(settings)
    ledger = Ledger(database)
    memory = MemoryService(database, generations, queue.wake, embedding.wake, ledger)
    gate = _Gateway(settings, database, local_only, clients(None), memory, ledger)
    athena = Athena(
        settings=settings,
        database=database,
        client=clients(None),
        generations=generations,
        memory=memory,
        keys=Keys(database),
        ledger=ledger,
        preferences=gate.parts.preferences,
        sessions=gate.parts.sessions,
        agents=gate.parts.agents,
        router=gate.parts.router,
        usage=gate.usage,
        local_only=local_only,
        gateway=Gateway(gate.parts),
        consolidation=_consolidation(settings, bridges.Bank(database, memory.writer), clients(None)),
    )
    running = (memory.run(), *gate.running(), *(_background(athena, gate, embedding) if worker else ()))
    with http.gate.obeying(local_only, hosts):
        tasks = [asyncio.create_task(coroutine) for coroutine in running]
        try:
            yield athena
        finally:
            await _end(tasks)
            await athena.consolidation.aclose()
            await gate.aclose()
            await memory.aclose()
            await clients.aclose()
            await database.close()


def _consolidation(settings: Settings, bank: bridges.Bank, client: LocalLLMClient) -> Consolidation:
    chosen = settings.consolidation
    return Consolidation(bank, client, asking_s=60.0 * chosen.askingMinutes if chosen.model else 0.0)


class Connected(bridges.Bank):
    """The memory without a server: what a script of one's own works with. `memory` has its verbs. Close it, or use
    it as an asynchronous context manager."""

    def __init__(self, database: Database, clients: _Clients) -> None:
        generations = Generations(database, clients, _describer(), queue.wake)
        self.memory = MemoryService(database, generations, queue.wake, sent=Ledger(database))
        self._clients = clients
        super().__init__(database, self.memory.writer)

    async def aclose(self) -> None:
        await self.memory.aclose()
        await self._clients.aclose()
        await self.database.close()

    async def __aenter__(self) -> Connected:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


async def connect(dsn: str | None = None) -> Connected:
    """The memory in the database at `dsn`; None: the one that the settings name, or the embedded one.

    Its schema is brought up to date. Raises `StoreUnavailable`.
    """
    settings = load()
    configured = settings.database_url.get_secret_value() if settings.database_url else postgres.dsn(settings)
    connected = Connected(Database(dsn or configured, prepare=queue.install), _Clients(settings))
    try:
        await connected.database.ensure_ready()
    except BaseException:
        await connected.aclose()
        raise
    return connected


class _Gateway:
    """The gateway's parts, and what runs beside its requests."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        local_only: LocalOnlyMode,
        client: LocalLLMClient,
        memory: MemoryService,
        ledger: Ledger,
    ) -> None:
        self.usage = Usage(database, settings.spool_dir)
        self.capturing = bridges.Capturing(memory.remember)
        self.local_only = local_only
        self.channel = http.channel()
        egress = Egress(self.channel, bridges.policy(settings))
        registry = Registry(settings)
        router = Router(
            registry,
            settings.home,
            local_only=lambda: local_only.closed() is not None,
            available=egress.available,
        )
        self.parts = Parts(
            router=router,
            live=Live(settings, registry.see),
            offered=Offered(),
            egress=egress,
            counting=Egress(self.channel, Policy(tries=1, whole_s=10.0)),
            sessions=Sessions(database, router.check),
            signatures=Signatures(database),
            preferences=Preferences(database),
            agents=Agents(settings.home / "agents"),
            rewrite=bridges.Rewriting(
                Rewriter(ledger),
                Shortener(client.compress),
                Notes(memory.glance, memory.told),
                Notes(memory.glance),
            ),
            capture=self.capturing,
            record=self.usage.record,
            judge=self.usage.verdict,
            local_only=local_only,
            embeddings_url=settings.embeddings_url,
        )

    def running(self) -> tuple[Coroutine[Any, Any, None], ...]:
        parts = self.parts
        return (
            self.local_only.run(),
            self.usage.run(),
            parts.live.run(),
            self.capturing.run(),
            writing.run(parts.sessions.write, parts.signatures.write),
        )

    async def tidy(self) -> None:
        await self.parts.sessions.expire()
        await self.parts.signatures.expire()

    async def aclose(self) -> None:
        await self.usage.aclose()
        await self.parts.live.aclose()
        await self.parts.offered.close()
        await self.channel.aclose()


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


def _background(athena: Athena, gate: _Gateway, embedding: EmbeddingWorker) -> tuple[Coroutine[Any, Any, None], ...]:
    """What runs beside the requests: the embedding worker, and the queue that wakes it."""

    async def sweep() -> None:
        await athena.generations.owe_missing()
        await queue.refresh_sizes(athena.database)
        await athena.generations.ensure_indexes()
        embedding.wake()

    async def tidy() -> None:
        await athena.memory.tidy()
        await athena.ledger.expire()
        await gate.tidy()

    waiting = queue.Queue(
        athena.database,
        on_wake=embedding.wake,
        sweep=sweep,
        tidy=tidy,
        consolidate=athena.consolidation.start_nightly,
        consolidate_at=athena.settings.consolidation.cron,
    )
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


def _part(server: ServerHealth) -> PartHealth:
    if server.state == "up":
        about = {"engine": server.engine} if server.engine else {}
        return PartHealth("up", version=server.version, model=server.model, about=about)
    return PartHealth("degraded" if server.state == "loading" else "down", server.detail, "athena status")
