"""The worker that pays what the outbox owes: claims texts, has them embedded, stores the vectors.

It never gives up and never makes anything up. A server that is away costs a text no
attempt; a text that the server refuses is tried again ever more rarely and named in
`/health`; a text that is too long for the model is cut into chunks that fit.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import structlog
from pgvector import HalfVector

from athena.errors import AthenaError, DimensionMismatch, InputTooLong, ModelServerUnavailable, StoreUnavailable
from athena.memory.chunking import chunks
from athena.memory.generations import Generations
from athena.memory.ports import Embedder
from athena.memory.types import Generation
from athena.store.pool import Database
from athena.store.sql import statements

if TYPE_CHECKING:
    from collections.abc import Sequence

_SQL = statements("embedding")
_BATCH = 64
# While one loop claims and stores, the other keeps the model busy.
_LOOPS = 2
_REQUEST = 8
_ANALYZE_AFTER = 1_000
_GATHER_S = 0.01
_LEASE = timedelta(seconds=30)
# A wake-up may be lost with the connection that listens for it; this bounds the wait then.
_POLL_S = 2.0
_BACKOFF_S = (0.5, 5.0)
# One text that fails is tried again after 2^n seconds, at most this.
_LONGEST_DELAY_S = 3600
# How often the server is asked again which model it serves.
_RECHECK_S = 30.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Owed:
    memory_id: int
    attempts: int
    content: str


class EmbeddingWorker:
    """One per process; several processes share the work (`SKIP LOCKED`)."""

    def __init__(self, database: Database, generations: Generations) -> None:
        self._database = database
        self._generations = generations
        self._awake = asyncio.Event()
        self._checked: dict[int, float] = {}
        self._unanalyzed = 0
        # Claimed before PostgreSQL went away, to be given back when it returns.
        self._held: list[tuple[Generation, list[_Owed]]] = []

    def wake(self) -> None:
        """There may be work: look now."""
        self._awake.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_LOOPS):
                group.create_task(self._loop())

    async def _loop(self) -> None:
        delay = _BACKOFF_S[0]
        while True:
            self._awake.clear()
            try:
                busy = await self.work()
            except (AthenaError, OSError) as exc:
                level = log.debug if isinstance(exc, StoreUnavailable | ModelServerUnavailable) else log.warning
                level("embedding waits", error=str(exc), retry_in_s=round(delay, 1))
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
                delay = min(delay * 2, _BACKOFF_S[1])
                continue
            except Exception:
                # A defect here must not end the worker: what is owed would be owed for ever.
                log.exception("embedding failed unexpectedly")
                await asyncio.sleep(_BACKOFF_S[1])
                continue
            delay = _BACKOFF_S[0]
            if not busy:
                await self._rest()

    async def work(self) -> bool:
        """One batch for each active generation; True if there was any."""
        await self._ensure_any()
        await self._give_back_held()
        busy = False
        failed: AthenaError | None = None
        for generation in await self._generations.active():
            try:
                worked = await self._batch(generation)
            except AthenaError as exc:
                # The server of the one must not hold up the other.
                failed = exc
                continue
            # A batch that isn't full was the last one for now.
            if generation.state == "building" and worked < _BATCH and await self._generations.cut_over_if_complete():
                log.info("embedding generation serves", generation=generation.id, model=generation.model)
                busy = True
            busy = busy or worked > 0
        if failed is not None and not busy:
            raise failed
        if not busy and self._unanalyzed >= _ANALYZE_AFTER:
            await self._analyze()
        return busy

    async def _analyze(self) -> None:
        """After a bulk load: autovacuum would come some time later, and plans are bad until then."""
        self._unanalyzed = 0
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["analyze"])

    async def _ensure_any(self) -> None:
        """The first server makes the first generation; while another is being built, its server is enough."""
        try:
            await self._generations.ensure_serving()
        except ModelServerUnavailable:
            if (await self._generations.active()).building is None:
                raise

    async def _give_back_held(self) -> None:
        while self._held:
            held = self._held.pop()
            try:
                await self._release(*held)
            except StoreUnavailable:
                self._held.append(held)
                raise

    async def _rest(self) -> None:
        try:
            # Not `wait_for`: before Python 3.12 it loses a cancellation that comes together with the event.
            async with asyncio.timeout(_POLL_S):
                await self._awake.wait()
        except TimeoutError:
            return
        # Writes come in flocks: one batch for them all costs less than a batch for each.
        await asyncio.sleep(_GATHER_S)

    async def _batch(self, generation: Generation) -> int:
        """How many texts there were."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_SQL["claim"], generation.id, _BATCH, _LEASE)
        owed = [_Owed(row["memory_id"], row["attempts"], row["content"]) for row in rows]
        if not owed:
            return 0
        embedder = self._generations.embedder(generation)
        try:
            await self._ensure_same_model(generation)
            await self._embed(generation, embedder, owed)
        except StoreUnavailable:
            self._held.append((generation, owed))
            raise
        except (ModelServerUnavailable, DimensionMismatch, asyncio.CancelledError):
            self._checked.pop(generation.id, None)
            with contextlib.suppress(StoreUnavailable):
                # If it can't be given back now, the lease ends by itself.
                await self._release(generation, owed)
            raise
        self._unanalyzed += len(owed)
        return len(owed)

    async def _ensure_same_model(self, generation: Generation) -> None:
        if time.monotonic() - self._checked.get(generation.id, -_RECHECK_S) >= _RECHECK_S:
            await self._generations.check(generation)
            self._checked[generation.id] = time.monotonic()

    async def _embed(self, generation: Generation, embedder: Embedder, owed: Sequence[_Owed]) -> None:
        """All at once; if the server refuses that, each by itself, so that one bad text harms no other."""
        try:
            pieces = [(item.memory_id, piece) for item in owed for piece in await _pieces(generation, embedder, item)]
            await self._store(generation, embedder, pieces)
            return
        except (ModelServerUnavailable, DimensionMismatch, StoreUnavailable):
            raise
        except AthenaError as exc:
            if len(owed) == 1:
                await self._put_off(generation, owed[0], exc)
                return
        for item in owed:
            await self._embed(generation, embedder, [item])

    async def _store(self, generation: Generation, embedder: Embedder, pieces: list[tuple[int, str]]) -> None:
        texts = [generation.prefix_document + piece for _, piece in pieces]
        started = time.perf_counter()
        # A request at a time: the other loop has one under way, too, and a recall's query waits for no more than these.
        vectors = []
        for start in range(0, len(texts), _REQUEST):
            batch = await embedder.embed_many(texts[start : start + _REQUEST])
            vectors += [shortened(vector, generation.dim) for vector in batch.embeddings]
        embedded = time.perf_counter()
        numbers: dict[int, int] = {}
        chunk_numbers = []
        for memory_id, _ in pieces:
            chunk_numbers.append(numbers.get(memory_id, 0))
            numbers[memory_id] = chunk_numbers[-1] + 1
        columns = [id for id, _ in pieces], chunk_numbers, [HalfVector(v) for v in vectors]
        await self._database.in_transaction(
            lambda connection: connection.execute(_SQL["store"], generation.id, *columns)
        )
        log.debug(
            "embedding stored",
            texts=len(texts),
            embedding_ms=round((embedded - started) * 1e3, 1),
            latency_ms=round((time.perf_counter() - started) * 1e3, 1),
        )

    async def _put_off(self, generation: Generation, item: _Owed, exc: AthenaError) -> None:
        delay = timedelta(seconds=min(2.0 ** (item.attempts + 1), _LONGEST_DELAY_S))
        log.warning("embedding of one memory failed", error=exc.message, attempts=item.attempts + 1)
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["put_off"], generation.id, [item.memory_id], delay, exc.message[:500])

    async def _release(self, generation: Generation, owed: Sequence[_Owed]) -> None:
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["release"], generation.id, [item.memory_id for item in owed])


async def _pieces(generation: Generation, embedder: Embedder, item: _Owed) -> list[str]:
    """The content in pieces that fit the model's context together with the prefix."""
    limit = generation.context_tokens
    text = item.content
    # No tokenizer makes more tokens than bytes, special tokens apart: most texts need not be counted.
    if len((generation.prefix_document + text).encode()) <= limit - 8:
        return [text]
    tokens = await embedder.count_tokens(generation.prefix_document + text)
    if tokens <= limit:
        return [text]
    # A tenth to spare: tokens are not spread evenly over a text.
    size = max(16, int(len(text) * (limit - 16) * 0.9 / tokens))
    return [fit for piece in chunks(text, size) for fit in await _fitting(generation, embedder, piece)]


async def _fitting(generation: Generation, embedder: Embedder, piece: str) -> list[str]:
    if len(piece) <= 16 or await embedder.count_tokens(generation.prefix_document + piece) <= generation.context_tokens:
        return [piece]
    halves = chunks(piece, (len(piece) + 1) // 2)
    return [fit for half in halves for fit in await _fitting(generation, embedder, half)]


def shortened(vector: Sequence[float], dim: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The first `dim` components, at unit length. Raises `DimensionMismatch` if there are fewer."""
    if len(vector) < dim:
        raise DimensionMismatch(f"the embedding server returned {len(vector)} dimensions, expected {dim}")
    array = np.asarray(vector[:dim], dtype=np.float32)
    norm = float(np.linalg.norm(array))
    if not np.isfinite(norm) or norm == 0.0:
        raise DimensionMismatch("the embedding server returned a vector of zero or infinite length")
    return array / norm


async def query_vector(
    generation: Generation, embedder: Embedder, query: str
) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The query as the generation's model sees it. One that is longer than the context is the mean of its pieces."""
    text = generation.prefix_query + query
    try:
        batch = await embedder.embed_many([text])
    except InputTooLong:
        tokens = await embedder.count_tokens(text)
        size = max(16, int(len(query) * (generation.context_tokens - 16) * 0.8 / tokens))
        batch = await embedder.embed_many([generation.prefix_query + piece for piece in chunks(query, size)])
    mean = np.mean([shortened(vector, generation.dim) for vector in batch.embeddings], axis=0)
    return shortened(mean.tolist(), generation.dim)
