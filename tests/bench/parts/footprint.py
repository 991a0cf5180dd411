"""How much memory the API process holds after many requests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import psutil

from tests.bench.bars import Figure
from tests.bench.options import Options
from tests.bench.parts.ingest import memory
from tests.bench.timing import Stopwatch
from tests.bench.world.api import Api
from tests.bench.world.ground import Ground
from tests.bench.world.texts import questions, spoken

PART = "footprint"
BAR_MB = 200.0
_AT_ONCE = 8
_MB = 1e6


async def measure(ground: Ground, options: Options) -> list[Figure]:
    """As many remembers as recalls, eight at a time."""
    async with ground.api("footprint", ground.stub) as api:
        process = psutil.Process(api.pid)
        before = process.memory_info().rss / _MB
        watch = Stopwatch()
        half = options.requests // 2
        work = enumerate(zip(spoken(half, seed=400), questions(half, seed=401), strict=True))
        async with asyncio.TaskGroup() as clients:
            for _ in range(_AT_ONCE):
                clients.create_task(_client(api, work))
        seconds = watch.seconds
        await api.embedded("footprint")
        after = process.memory_info().rss / _MB
    name = f"RSS of the API after {2 * half} requests"
    rate = f"{2 * half / seconds:.0f} requests/s, {_AT_ONCE} at a time"
    return [Figure(PART, name, after, "MB", BAR_MB, "at most", ours=f"{before:.0f} MB at start; {rate}")]


async def _client(api: Api, work: Iterator[tuple[int, tuple[str, str]]]) -> None:
    for index, (text, question) in work:
        await api.tool("remember", **memory(text, PART, index))
        await api.tool("recall", query=question, limit=10, project=PART)
