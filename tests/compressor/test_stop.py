"""Work ends when nobody waits for it any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from conftest import World

from compressor.engine import Job, Segment, Stop, left
from compressor.errors import Cancelled, DeadlineExceeded
from compressor.runner import Row


def test_a_running_computation_is_ended(world: World) -> None:
    """In the middle of one call into ONNX Runtime, not only between two."""
    rows = [Row(list(range(5, 505)))] * 120
    whole = min(seconds(lambda: world.runner.logits(rows, Stop())) for _ in range(2))
    stop = Stop()
    threading.Timer(0.1 * whole, stop.now, (left(),)).start()

    def cut_short() -> None:
        with pytest.raises(Cancelled):
            world.runner.logits(rows, stop)

    assert seconds(cut_short) < 0.8 * whole


def seconds(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def test_the_first_reason_counts() -> None:
    stop = Stop()
    stop.now(DeadlineExceeded("late"))
    stop.now(left())
    with pytest.raises(DeadlineExceeded):
        stop.check()


@pytest.mark.parametrize("name", ["fast", "strict", "reference"])
def test_engines_see_a_deadline_that_has_passed(world: World, name: str) -> None:
    with pytest.raises(DeadlineExceeded):
        getattr(world, name).compress(Job((Segment("a few words to compress"),), ratio=0.5), Stop(0.0))
