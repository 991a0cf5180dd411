"""A fake as a process of its own, for benchmarks: prints its URL, serves until it is ended."""

from __future__ import annotations

import asyncio
import sys

from tests.fakes.provider.fake import FakeProvider


def serve(fake: FakeProvider) -> None:
    """The one argument, if any, is the port."""

    async def run() -> None:
        await fake.server.listen(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
        print("LISTENING", fake.url, flush=True)
        await asyncio.Event().wait()

    asyncio.run(run())
