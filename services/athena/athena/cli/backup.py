"""`athena backup PATH` and `athena restore PATH`: everything that can't be downloaded again, in one file."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer

from athena import config
from athena.cli.connection import connect
from athena.config import Settings
from athena.errors import AthenaError
from athena.runtime import pg_place
from athena.runtime.containers import PROJECT
from athena.store import backup as store
from athena.store.backup import Manifest, Probe

app = typer.Typer()

Key = Annotated[str | None, typer.Option("--key", envvar="ATHENA_KEY", help="A key of Athena's.")]
Project = Annotated[str, typer.Option("--project", envvar="COMPOSE_PROJECT_NAME", help="The Compose project.")]
_LIMIT = 5
_BACK_S = 30.0
_POLL_S = 0.5


@app.command()
def backup(path: Path, key: Key = None, project: Project = PROJECT) -> None:
    """Write the memory, its history, keys and settings into one file, while everything goes on."""
    manifest = asyncio.run(_backup(config.load(), path.absolute(), key, project))
    rows = sum(table.rows for table in manifest.tables.values())
    size = path.stat().st_size / 1e6
    typer.echo(f"{path}: {rows:,} rows of {len(manifest.tables)} tables, {size:,.1f} MB, from {manifest.form}")


@app.command()
def restore(
    path: Path,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    key: Key = None,
    project: Project = PROJECT,
) -> None:
    """Replace the memory by the one in a back-up. What it can't fully restore leaves everything as it was."""
    if not yes:
        typer.confirm("This replaces the memory that is there. Go on?", abort=True)
    manifest, same = asyncio.run(_restore(config.load(), path.absolute(), key, project))
    rows = sum(table.rows for table in manifest.tables.values())
    typer.echo(f"restored {rows:,} rows, as of {manifest.taken_at}; each table is what was backed up")
    if same is None:
        typer.echo("recalls weren't compared: Athena doesn't answer (athena status)", err=True)
        return
    typer.echo(f"{same} of {len(manifest.probes)} recalls answer as they did")
    if same < len(manifest.probes):
        raise typer.Exit(1)


async def _backup(settings: Settings, path: Path, key: str | None, project: str) -> Manifest:
    place = await pg_place.find(settings, project)

    async def answer(probe: Probe) -> Probe | None:
        return await _answer(settings, key, probe)

    return await store.take(place, path, answer)


async def _restore(settings: Settings, path: Path, key: str | None, project: str) -> tuple[Manifest, int | None]:
    """How many of the recalls are answered as they were; None when Athena can't be asked."""
    place = await pg_place.find(settings, project)
    manifest = await store.restore(place, path)
    ends = time.monotonic() + _BACK_S
    while True:
        # Athena comes back to the new database by itself, within seconds.
        answers = [await _answer(settings, key, probe) for probe in manifest.probes]
        same = sum(answer == probe for answer, probe in zip(answers, manifest.probes, strict=True))
        if same == len(manifest.probes) or time.monotonic() > ends:
            return manifest, None if manifest.probes and not any(answers) else same
        await asyncio.sleep(_POLL_S)


async def _answer(settings: Settings, key: str | None, probe: Probe) -> Probe | None:
    try:
        async with connect(settings, key) as connection:
            found = await connection.tool("recall", {"query": probe.query, "project": probe.project, "limit": _LIMIT})
    except AthenaError:
        return None
    return probe.model_copy(update={"ids": tuple(memory["id"] for memory in found["memories"])})
