"""The SQL part of a recall in large projects: how long it takes, and how much of exact search it finds."""

from __future__ import annotations

import sys
from statistics import mean
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from athena import bootstrap, config
from athena.bootstrap import Athena
from athena.memory import recall
from tests.bench.bars import Figure
from tests.bench.options import Options
from tests.bench.parts.scale_data import SLICES, Project, Slice, load
from tests.bench.timing import Stopwatch, percentile
from tests.bench.world.ground import Ground
from tests.bench.world.texts import rare, wordless
from tests.bench.world.vectors import vector

PART = "scale"
RECALL_BAR = 0.98
_LARGE_BAR_MS, _SMALL_BAR_MS = 100.0, 30.0
_WARM_UP = 5
_EVERY_CANDIDATE = 1000
_NO_LIMIT = 2**31 - 2


async def measure(ground: Ground, options: Options) -> list[Figure]:
    place = {"ATHENA_HOME": str(ground.home), "ATHENA_DATABASE_URL": await ground.database("scale")}
    settings = config.load({**place, "LLAMACPP_EMBEDDINGS_URL": ground.stub})
    async with bootstrap.build(settings, worker=False) as athena:
        watch = Stopwatch()
        large, small = await load(athena, {"large": options.rows, "small": options.rows // 10})
        print(f"  {large.size + small.size} rows in {watch.seconds:.0f} s", file=sys.stderr, flush=True)
        figures = []
        for project, bar in ((small, _SMALL_BAR_MS), (large, _LARGE_BAR_MS)):
            figures.append(await _latency(athena, project, options, bar))
            figures.append(await _dense(athena, project, options))
            figures.append(await _overlap(athena, project, options))
    return figures


async def _latency(athena: Athena, project: Project, options: Options, bar: float) -> Figure:
    """Judged by the slowest filter."""
    by_filter: dict[str, list[float]] = {}
    for part in SLICES:
        queries = rare(_WARM_UP + options.scale_queries, seed=500, words=6)
        found = [await athena.memory.recall(query, part.where(project), limit=10) for query in queries]
        by_filter[part.name] = [each.timings_ms["search_ms"] for each in found[_WARM_UP:]]
    p95s = {name: percentile(values, 0.95) for name, values in by_filter.items()}
    shown = "; ".join(f"{name} {percentile(by_filter[name], 0.5):.0f}/{p95:.0f}" for name, p95 in p95s.items())
    name = f"search p95, project of {project.size}, slowest filter"
    return Figure(PART, name, max(p95s.values()), "ms", bar, "at most", ours=f"p50/p95: {shown}")


async def _dense(athena: Athena, project: Project, options: Options) -> Figure:
    """The vectors' leg alone: queries without a word to search by, every candidate, against all vectors in turn."""
    row_of = {text: row for row, text in enumerate(project.texts)}
    shares = {}
    for part in SLICES:
        allowed = np.flatnonzero(part.mask(project))
        shares[part.name] = mean(
            [await _found(athena, project, part, allowed, row_of, q) for q in wordless(options.scale_queries, seed=501)]
        )
    return _worst(f"dense recall@10, project of {project.size}", shares)


async def _found(
    athena: Athena, project: Project, part: Slice, allowed: NDArray[np.int64], row_of: dict[str, int], query: str
) -> float:
    """The share of the ten truly nearest that are among the ten nearest candidates."""
    closeness = project.vectors @ vector(query)
    nearest = set(allowed[np.argsort(-closeness[allowed])[:10]].tolist())
    recalled = await athena.memory.recall(query, part.where(project), limit=_EVERY_CANDIDATE)
    rows = np.array([row_of[hit.memory.content] for hit in recalled.hits])
    best = rows[np.argsort(-closeness[rows])[:10]] if len(rows) else rows
    return len(nearest & set(best.tolist())) / len(nearest)


async def _overlap(athena: Athena, project: Project, options: Options) -> Figure:
    """The answer as users get it, against the same statement told to search every scope exactly."""
    shares = {}
    for part in SLICES:
        shared = []
        for query in rare(options.scale_queries // 2, seed=502, words=6):
            usual = await athena.memory.recall(query, part.where(project), limit=10)
            with mock.patch.object(recall, "EXACT_LIMIT", _NO_LIMIT):
                exact = await athena.memory.recall(query, part.where(project), limit=10)
            wanted = {hit.memory.id for hit in exact.hits}
            shared.append(len(wanted & {hit.memory.id for hit in usual.hits}) / len(wanted))
        shares[part.name] = mean(shared)
    return _worst(f"recall@10 of exact search, project of {project.size}", shares)


def _worst(name: str, shares: dict[str, float]) -> Figure:
    """Judged by the worst filter."""
    shown = "; ".join(f"{part} {share:.3f}" for part, share in shares.items())
    return Figure(PART, name, min(shares.values()), "", RECALL_BAR, ours=shown)
