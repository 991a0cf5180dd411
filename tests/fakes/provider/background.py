"""An event loop in a thread: for fakes that outlive a test's own loop, and for clients that block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

Result = TypeVar("Result")


class Background:
    """Runs until its block ends. What is called from other threads goes through `run` or `call`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fakes", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, Result], timeout_s: float = 30) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=timeout_s)

    def call(self, work: Callable[[], Result]) -> Result:
        async def step() -> Result:
            return work()

        return self.run(step())
