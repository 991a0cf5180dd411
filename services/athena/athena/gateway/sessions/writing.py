"""What is written down beside the requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from athena.errors import StoreUnavailable

_EVERY_S = 1.0

log = structlog.get_logger(__name__)


async def run(*writers: Callable[[], Awaitable[None]]) -> None:
    """Each of `writers` every second until cancelled, and once more then."""
    try:
        while True:
            await asyncio.sleep(_EVERY_S)
            await _once(writers)
    finally:
        await _once(writers)


async def _once(writers: tuple[Callable[[], Awaitable[None]], ...]) -> None:
    for write in writers:
        try:
            await write()
        except StoreUnavailable:
            # Still owed; whoever asks for something says that PostgreSQL is away.
            continue
        except Exception:
            log.exception("sessions aren't written down")
