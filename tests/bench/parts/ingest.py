"""How fast texts go in: against what the embedding server alone can do, and against mem0."""

from __future__ import annotations

from statistics import median
from typing import Any

from athena.core.llm_client import LocalLLMClient
from tests.bench.bars import Figure
from tests.bench.options import Options
from tests.bench.timing import Stopwatch, paired
from tests.bench.world.api import Api
from tests.bench.world.ground import Ground
from tests.bench.world.mem0_peer import Mem0
from tests.bench.world.texts import spoken

PART = "ingest"
_TURNS_PER_SESSION = 25


async def against_the_floor(ground: Ground, options: Options) -> list[Figure]:
    """The same texts by batch through the API, and to the embedding server alone with the client that Athena uses."""
    ours, alone = [], []
    async with (
        ground.api("ingest", ground.minilm) as api,
        LocalLLMClient(embedding_url=ground.minilm, reasoning_url=ground.minilm) as client,
    ):
        await client.embed_many(spoken(32, seed=999))
        await _batch(api, "warm", spoken(32, seed=998))
        for repeat in range(options.repeats):
            texts = spoken(options.floor_texts, seed=repeat)
            # Each goes first in every other pair: what the machine does meanwhile evens out.
            for turn in (0, 1):
                if (repeat + turn) % 2:
                    ours.append(len(texts) / await _batch(api, f"floor-{repeat}", texts))
                else:
                    watch = Stopwatch()
                    await client.embed_many(texts)
                    alone.append(len(texts) / watch.seconds)
    return [
        Figure(
            PART,
            "batch, share of the embedding server alone",
            paired(ours, alone),
            "×",
            bar=0.85,
            ours=_rate(ours),
            theirs=f"server alone {_rate(alone)}",
        )
    ]


async def against_mem0(api: Api, peer: Mem0, options: Options, stored: list[str], delay: int) -> list[Figure]:
    """Both over the stub embedder. What mem0 was given is added to `stored`; Athena has it in the project `peer`."""
    batch, single, adds = [], [], []
    for repeat in range(options.repeats):
        seed = 100 * (1 + repeat) + delay
        texts = spoken(options.peer_adds, seed)
        adds.append(len(texts) / await peer.add("peer", texts))
        single.append(len(texts) / await _one_by_one(api, "peer", texts))
        many = spoken(options.batch_texts, seed + 50_000)
        batch.append(len(many) / await _batch(api, f"batch-{seed}", many))
        stored += texts
    theirs, bars = f"mem0 {_rate(adds)}", (10.0, 3.0) if delay else (None, None)
    what = f"against mem0's adds, stub of {delay} ms"
    return [
        Figure(PART, f"batch, {what}", paired(batch, adds), "×", bars[0], ours=_rate(batch), theirs=theirs),
        Figure(PART, f"one by one, {what}", paired(single, adds), "×", bars[1], ours=_rate(single), theirs=theirs),
    ]


def memory(text: str, project: str, index: int) -> dict[str, Any]:
    session = f"s{index // _TURNS_PER_SESSION}"
    return {"content": text, "memory_type": "event", "project": project, "session_id": session}


async def _batch(api: Api, project: str, texts: list[str]) -> float:
    """Seconds until all of them have their vectors."""
    watch = Stopwatch()
    for start in range(0, len(texts), 1000):
        await api.batch([memory(text, project, start + i) for i, text in enumerate(texts[start : start + 1000])])
    await api.embedded(project)
    return watch.seconds


async def _one_by_one(api: Api, project: str, texts: list[str]) -> float:
    """Seconds, again to the last vector: mem0's adds embed before they return."""
    watch = Stopwatch()
    for index, text in enumerate(texts):
        await api.tool("remember", **memory(text, project, index))
    await api.embedded(project)
    return watch.seconds


def _rate(values: list[float]) -> str:
    return f"{median(values):.0f} texts/s"
