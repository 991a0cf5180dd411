"""One job at a time, the others in a bounded queue: a second one would only slow the first."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from compressor.engine import Job, Kept, Stop, left
from compressor.errors import Busy, DeadlineExceeded
from compressor.pool import Loaded

_T = TypeVar("_T")


class Queue:
    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.waiting = 0
        self._turn = asyncio.Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="engine")
        self._expected_s = 0.0
        self._running: Stop | None = None

    async def run(self, one: Loaded, job: Job, stop: Stop) -> list[Kept]:
        """Raises `Busy`, `DeadlineExceeded`, and what the engine raises. Cancelled, it first ends the engine's work."""
        if self._turn.locked() and self.waiting >= self.limit:
            raise Busy("the queue is full", retry_after=max(1, math.ceil(self._expected_s)))
        one.check_in_time(job, self._expected_s, stop)
        expected = one.seconds(job.characters)
        self._expected_s += expected
        self.waiting += 1
        timer = self._watch(stop)
        waited = False
        try:
            async with asyncio.timeout(stop.left_s), self._turn:
                self.waiting -= 1
                waited = True
                return await self._work(lambda: _timed(one, job, stop), stop)
        except TimeoutError as exc:
            raise DeadlineExceeded("the deadline passed") from exc
        finally:
            self.waiting -= not waited
            self._expected_s = max(0.0, self._expected_s - expected)
            if timer:
                timer.cancel()

    async def load(self, load: Callable[[], _T]) -> _T:
        """In the thread that the engines are used from."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, load)

    def close(self) -> None:
        """What runs is ended, what waits is given up."""
        if self._running:
            self._running.now(left())
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def _work(self, work: Callable[[], list[Kept]], stop: Stop) -> list[Kept]:
        self._running = stop
        running = asyncio.get_running_loop().run_in_executor(self._worker, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            stop.now(left())
            await asyncio.wait([running])
            running.exception()
            raise
        finally:
            self._running = None

    @staticmethod
    def _watch(stop: Stop) -> asyncio.TimerHandle | None:
        if stop.left_s is None:
            return None
        late = DeadlineExceeded("the deadline passed before the text was compressed")
        return asyncio.get_running_loop().call_later(max(0.0, stop.left_s), stop.now, late)


def _timed(one: Loaded, job: Job, stop: Stop) -> list[Kept]:
    started = time.monotonic()
    stop.check()
    engine = one.engine
    kept = [
        replace(of_one, tokens_before=engine.count(segment.text), tokens_after=engine.count(of_one.text))
        for segment, of_one in zip(job.segments, engine.compress(job, stop), strict=True)
    ]
    one.ran(job.characters, time.monotonic() - started)
    return kept
