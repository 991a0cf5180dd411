"""How long a recall takes, against mem0's search on the same data."""

from __future__ import annotations

from tests.bench.bars import Figure
from tests.bench.options import Options
from tests.bench.parts.ingest import memory
from tests.bench.timing import Stopwatch, p50_p95, percentile
from tests.bench.world.api import Api
from tests.bench.world.ground import Ground
from tests.bench.world.mem0_peer import Mem0, mem0
from tests.bench.world.texts import questions, spoken

PART = "recall"
BAR = 0.25


async def fill(api: Api, peer: Mem0, options: Options, stored: list[str]) -> None:
    """The same memories in both, before anything is timed."""
    texts = spoken(options.peer_rows, seed=300)
    await _fill(api, peer, texts)
    stored += texts


async def with_stub(api: Api, peer: Mem0, options: Options, stored: list[str], delay: int) -> Figure:
    name = f"p95 against mem0, stub of {delay} ms, {len(stored)} memories"
    asked = questions(options.queries, seed=301 + delay)
    return await _compare(api, peer, asked, name, None if delay else BAR)


async def with_minilm(ground: Ground, options: Options) -> Figure:
    async with ground.api("minilm", ground.minilm) as api, mem0(ground, "mem0_minilm", ground.minilm) as peer:
        await _fill(api, peer, spoken(options.minilm_rows, seed=302))
        name = f"p95 against mem0, MiniLM, {options.minilm_rows} memories"
        return await _compare(api, peer, questions(options.minilm_queries, seed=303), name, None)


async def _fill(api: Api, peer: Mem0, texts: list[str]) -> None:
    await peer.add("peer", texts)
    for start in range(0, len(texts), 1000):
        await api.batch([memory(text, "peer", start + i) for i, text in enumerate(texts[start : start + 1000])])
    await api.embedded("peer")


async def _compare(api: Api, peer: Mem0, asked: list[str], name: str, bar: float | None) -> Figure:
    """Query by query in turn; Athena's time is the client's, with HTTP and JSON in it."""
    ours, theirs = [], []
    for index, query in enumerate(asked):
        theirs_ms = (await peer.search("peer", query)).ms
        watch = Stopwatch()
        found = await api.tool("recall", query=query, limit=10, project="peer")
        ours_ms = watch.milliseconds
        if len(found["memories"]) != 10:
            raise RuntimeError(f"10 memories were asked for, {len(found['memories'])} came")
        if index >= len(asked) // 20:  # the first ones open connections and fill caches
            ours.append(ours_ms)
            theirs.append(theirs_ms)
    ratio = percentile(ours, 0.95) / percentile(theirs, 0.95)
    return Figure(PART, name, ratio, "×", bar, "at most", ours=p50_p95(ours), theirs=f"mem0 {p50_p95(theirs)}")
