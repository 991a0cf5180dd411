"""Long work in a thread, so that the event loop goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# Characters: some 50 ms.
_LONG = 40_000


async def aside(text: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """`function(*args, **kwargs)`, here or in a thread, by the length of the text that it works on."""
    if len(text) > _LONG:
        return await asyncio.to_thread(function, *args, **kwargs)
    return function(*args, **kwargs)
