"""Athena: memory and gateway for agents on a machine of your own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from athena.bootstrap import Connected

__version__ = "0.1.0"


async def connect(dsn: str | None = None) -> Connected:
    """The memory, for a script of one's own: `async with await athena.connect() as db: ...`

    `dsn`: a PostgreSQL address; None: the one that the settings name, or that of the embedded stack.
    Raises `StoreUnavailable`.
    """
    # Only who connects pays for the rest of the house.
    from athena import bootstrap

    return await bootstrap.connect(dsn)
