"""The worker ends when it is told to, at whatever moment that is."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from athena.memory.embedding import EmbeddingWorker


class Idle(EmbeddingWorker):
    """Nothing is ever owed."""

    async def work(self) -> bool:
        return False


async def test_a_wake_up_at_the_moment_of_the_end_is_no_reason_to_go_on() -> None:
    for _ in range(50):
        worker = Idle(cast(Any, None), cast(Any, None))
        running = asyncio.create_task(worker.run())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        worker.wake()
        running.cancel()
        async with asyncio.timeout(1):
            await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled()
