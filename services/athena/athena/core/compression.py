"""Compression with the models of this machine: the embedding server ranks, the compressor service squeezes."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from athena.core.types import EmbeddingBatch

Embed = Callable[[list[str]], Awaitable[EmbeddingBatch]]

# Small enough that a batch ends soon after the time is over, large enough to keep the server's slots busy.
_BATCH = 16
# The first one is answered whatever it takes, or all is lost: the sentences whose place is least clear come first.
_FIRST = 6


class EmbeddingRanker:
    """Cosines of sentences with a query, for as many of them as `budget_ms` allows; the first ones first.

    `prefix_query`, `prefix_document`: what the embedding model wants in front of each.
    """

    def __init__(self, embed: Embed, *, budget_ms: float, prefix_query: str = "", prefix_document: str = "") -> None:
        self._embed = embed
        self._ends_at = time.perf_counter() + budget_ms / 1e3
        self._prefix_query = prefix_query
        self._prefix_document = prefix_document

    async def score(self, query: str, sentences: Sequence[str], /) -> Sequence[float]:
        """Raises what the embedding server raises."""
        wanted = [self._prefix_document + sentence for sentence in sentences]
        first = await self._embed([self._prefix_query + query, *wanted[:_FIRST]])
        direction = np.asarray(first.embeddings[0])
        scores = [float(direction @ np.asarray(vector)) for vector in first.embeddings[1:]]
        # A batch is begun only if there is time for one like the last.
        took = first.latency_ms / 1e3
        while len(scores) < len(wanted) and time.perf_counter() + took < self._ends_at:
            batch = await self._embed(wanted[len(scores) : len(scores) + _BATCH])
            scores += [float(direction @ np.asarray(vector)) for vector in batch.embeddings]
            took = batch.latency_ms / 1e3
        return scores
