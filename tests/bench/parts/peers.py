"""What needs mem0 and the stub embedder: one pair of servers for ingest and recall."""

from __future__ import annotations

from tests.bench.bars import Figure
from tests.bench.options import Options
from tests.bench.parts import ingest, search
from tests.bench.world.ground import Ground
from tests.bench.world.mem0_peer import mem0


async def measure(ground: Ground, options: Options) -> list[Figure]:
    stored: list[str] = []
    figures: list[Figure] = []
    async with ground.api("stub", ground.stub) as api, mem0(ground, "mem0_stub", ground.stub) as peer:
        await search.fill(api, peer, options, stored)
        for delay in (0, options.delay_ms):
            await ground.delay(delay)
            figures += await ingest.against_mem0(api, peer, options, stored, delay)
            figures.append(await search.with_stub(api, peer, options, stored, delay))
    await ground.delay(0)
    return [*figures, await search.with_minilm(ground, options)]
