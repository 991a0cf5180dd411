"""The cost of a run at a hundredth, a tenth and all of the rows, and what a recall notices of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from statistics import median

import psutil

from athena.bootstrap import Athena
from athena.consolidation.runs import Run
from athena.memory.types import Filter, Scope
from tests.bench.bars import Figure
from tests.bench.consolidate import place, volume
from tests.bench.consolidate.options import Options
from tests.bench.timing import Stopwatch, p50_p95, percentile
from tests.bench.world.ground import Ground

PART = "scale"
_GROWTH, _MB, _SLOWER = 2.0, 500.0, 1.5
_LOOK_S = 0.05
_RECALLS = 60


async def measure(ground: Ground, options: Options) -> list[Figure]:
    async with place.athena(ground, "volume", ground.stub, worker=False) as athena:
        sizes = {"hundredth": options.rows // 100, "tenth": options.rows // 10, "all": options.rows}
        watch = Stopwatch()
        await volume.load(athena, sizes)
        print(f"  {sum(sizes.values())} rows in {watch.seconds:.0f} s", file=sys.stderr, flush=True)
        seconds, peaks, alone, beside = {}, {}, [], []
        for name in sizes:
            calm = await _recalls(athena, name, _RECALLS)
            run, peak, busy = await _watched(athena, name)
            seconds[name], peaks[name] = _seconds(run), peak
            print(f"  {name}: {sizes[name]} events, {run.counts}, {peak:.0f} MB", file=sys.stderr, flush=True)
            if name == "all":
                alone, beside = calm, busy
        again = _seconds(await athena.consolidation.run("all", wait_s=3600))
    per_event = {name: 1e3 * seconds[name] / sizes[name] for name in sizes}
    shown = "; ".join(f"{sizes[name]}: {ms:.2f} ms" for name, ms in per_event.items())
    growth = per_event["all"] / per_event["hundredth"]
    slower = median(beside) / median(alone)
    return [
        Figure(PART, "time per event, all against a hundredth", growth, "×", _GROWTH, "at most", ours=shown),
        Figure(PART, "memory of the analysis, all rows", peaks["all"], "MB", _MB, "at most"),
        Figure(PART, "a second run against the first", again / seconds["all"], "×"),
        Figure(
            *(PART, "recall while it runs, p50 against p50", slower, "×", _SLOWER, "at most"),
            ours=p50_p95(beside),
            theirs=f"alone {p50_p95(alone)}",
        ),
        Figure(PART, "recall while it runs, p95", percentile(beside, 0.95) / percentile(alone, 0.95), "×"),
    ]


async def _watched(athena: Athena, project: str) -> tuple[Run, float, list[float]]:
    """The run, the most memory that it took beside the process it was asked in, and recalls meanwhile."""
    task = asyncio.create_task(athena.consolidation.run(project, wait_s=3600))
    most, times = 0, []
    while not task.done():
        most = max([most, *_sizes()])
        times += await _recalls(athena, project, 1)
        await asyncio.wait([task], timeout=_LOOK_S)
    return task.result(), most / 2**20, times


def _sizes() -> Iterator[int]:
    for child in psutil.Process().children():
        try:
            if "consolidation" in " ".join(child.cmdline()):
                yield child.memory_info().rss
        except psutil.Error:
            continue


async def _recalls(athena: Athena, project: str, times: int) -> list[float]:
    found = []
    for number in range(times):
        watch = Stopwatch()
        await athena.memory.recall(f"who repaired the bicycle {number}", Filter(Scope(project)))
        found.append(watch.milliseconds)
    return found


def _seconds(run: Run) -> float:
    assert run.ended_at is not None, run
    return (run.ended_at - run.started_at).total_seconds()
