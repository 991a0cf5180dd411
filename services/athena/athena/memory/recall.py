"""Reading by meaning, by word and by time: the query's vector, then one statement.

The ranking itself is SQL (`store/queries/recall.sql`), explained in `recall.md` beside this
file. With the embedding server away the same statement runs without the vector, and the
answer says so.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import structlog
from pgvector import HalfVector

from athena.errors import AthenaError, StoreUnavailable
from athena.memory.embedding import query_vector
from athena.memory.generations import Generations
from athena.memory.names import Names
from athena.memory.rows import memory_of, scope_parameters
from athena.memory.types import Filter, Generation, Hit, Known, Recall
from athena.memory.use import Uses
from athena.store.pool import Database
from athena.store.sql import statements, with_generation

if TYPE_CHECKING:
    from collections.abc import Mapping

_SQL = statements("recall")
# The largest scope that is searched row by row: faster than the index up to here, and exact.
EXACT_LIMIT = 20_000
# A person waits for a recall: rather answer by words alone than later than this.
_EMBED_TIMEOUT_S = 3.0
# After a failure the embedding server isn't asked again for this long, so that an outage
# costs the first recall its time-out and not each.
_COOL_DOWN_S = 1.0

log = structlog.get_logger(__name__)


class Reader:
    """Recalls. Safe to use from many tasks."""

    def __init__(
        self, database: Database, generations: Generations, names: Names | None = None, uses: Uses | None = None
    ) -> None:
        self._database = database
        self._names = names or Names()
        self._generations = generations
        self._uses = uses or Uses(database)
        self._away_until = 0.0

    async def recall(self, query: str, where: Filter, *, limit: int = 10, counted: bool = True) -> Recall:
        """The `limit` best hits, best first. `counted`: somebody reads them."""
        started = time.perf_counter()
        generation = (await self._generations.active()).serving
        vector, reasons = await self._vector(generation, query)
        embedded = time.perf_counter()
        async with self._database.acquire() as connection:
            scope = await scope_parameters(connection, where, self._names)
            rows: list[Any] = []
            if scope is not None:
                # Before the first embedding server was seen there is no generation, and no vector either.
                literals = (generation.id, generation.dim) if generation else (0, 1)
                sql = with_generation(_SQL["recall"], *literals)
                rows = await connection.fetch(sql, *scope, query, vector, limit, EXACT_LIMIT)
        searched = time.perf_counter()
        timings = {
            "embedding_ms": round((embedded - started) * 1e3, 2),
            "search_ms": round((searched - embedded) * 1e3, 2),
        }
        hits = tuple(_hit(row) for row in rows if row["uid"] is not None and not row["is_concluded"])
        known = tuple(Known(memory_of(row), tuple(map(str, row["because"]))) for row in rows if row["is_concluded"])
        if counted:
            self._uses.count([*(hit.memory for hit in hits), *(each.memory for each in known)])
        return Recall(hits, tuple(reasons), rows[0]["pending"] if rows else 0, timings, known)

    async def _vector(self, generation: Generation | None, query: str) -> tuple[HalfVector | None, list[str]]:
        if generation is None or time.monotonic() < self._away_until:
            return None, ["embedding"]
        try:
            async with asyncio.timeout(_EMBED_TIMEOUT_S):
                return HalfVector(await query_vector(generation, self._generations.embedder(generation), query)), []
        except StoreUnavailable:
            raise
        except (AthenaError, TimeoutError) as exc:
            self._away_until = time.monotonic() + _COOL_DOWN_S
            log.warning("recall without embedding", error=str(exc) or type(exc).__name__)
            return None, ["embedding"]


def _hit(row: Mapping[str, Any]) -> Hit:
    parts = {
        "lexical": row["lexical"],
        "dense": row["dense"],
        "speaker": row["speaker"],
        "length": row["length"],
        "importance": row["importance_part"],
        "recency": row["recency"],
        "session": row["session_part"],
    }
    explanation = {name: round(value, 4) for name, value in parts.items()}
    explanation |= {"cosine": round(row["cosine"], 4), "bm25": round(row["bm25"], 4)}
    return Hit(memory_of(row), round(row["score"], 4), explanation)
