"""The channel runs on two event loops: the one that serves, and the one where there is no uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

Loop = Callable[[], asyncio.AbstractEventLoop]


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Loop]:
    loops: dict[str, Loop] = {"asyncio": asyncio.new_event_loop}
    if item.path.name in ("test_channel.py", "test_cut.py"):
        import uvloop

        loops["uvloop"] = uvloop.new_event_loop
    return loops
