"""`athena migrate`: bring the database to this version's schema, once, before anyone serves from it."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import typer

from athena import bootstrap, config
from athena.config import Settings
from athena.errors import StoreUnavailable

app = typer.Typer()

_POLL_S = 0.5


@app.command()
def migrate(
    wait_s: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for PostgreSQL.")] = 60.0,
) -> None:
    """Bring the database's schema up to date; exit code 0 when it is. Athena does so itself when it starts."""
    asyncio.run(_migrate(config.load(), wait_s))
    typer.echo("the schema is up to date")


async def _migrate(settings: Settings, wait_s: float) -> None:
    """Raises `StoreUnavailable` if PostgreSQL stays away, `Conflict` if a newer Athena has been there."""
    ends = time.monotonic() + wait_s
    async with bootstrap.build(settings, worker=False) as athena:
        while True:
            try:
                await athena.database.ensure_ready()
                return
            except StoreUnavailable:
                if time.monotonic() > ends:
                    raise
            await asyncio.sleep(_POLL_S)
