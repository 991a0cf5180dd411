"""Take a back-up while everything goes on: one snapshot, dumped and fingerprinted."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from athena import __version__
from athena.errors import Conflict, InvalidInput
from athena.store.backup import archive, psql
from athena.store.backup.archive import Manifest, Probe, Table
from athena.store.backup.ports import Place
from athena.store.sql import statements

_SQL = statements("backup")

Answer = Callable[[Probe], Awaitable[Probe | None]]


async def take(place: Place, path: Path, answer: Answer) -> Manifest:
    """Write `path`. `answer` asks the running memory; None where it can't be asked.

    Raises `StackError`, `Conflict` if the file exists.
    """
    if await asyncio.to_thread(path.exists):
        raise Conflict(f"{path} exists", hint="name another file")
    try:
        scratch = tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.")
    except OSError as exc:
        raise InvalidInput(f"{path.parent} can't be written: {exc.strerror}") from exc
    with scratch as made:
        folder = Path(made)
        manifest = await _collect(place, folder, answer)
        (folder / archive.MANIFEST).write_text(manifest.model_dump_json(indent=1))
        await asyncio.to_thread(archive.write, path, folder)
    return manifest


async def _collect(place: Place, folder: Path, answer: Answer) -> Manifest:
    async with psql.session(place, place.database) as session:
        await session.ask(_SQL["begin"])
        (snapshot,) = await session.ask(_SQL["snapshot"])
        taken_at = datetime.now(UTC).isoformat(timespec="seconds")
        asked = [Probe.model_validate_json(row) for row in await session.ask(_SQL["samples"])]
        before = await _answers(asked, answer)
        with (folder / archive.DUMP).open("wb") as dump:
            await place.run("pg_dump", place.database, ["--format=custom", f"--snapshot={snapshot}"], sink=dump)
        tables = await fingerprint(session)
        migrations = await session.ask(_SQL["migrations"])
    with (folder / archive.HOME).open("wb") as home:
        await place.save_home(home)
    after = await _answers(asked, answer)
    return Manifest(
        athena=__version__,
        taken_at=taken_at,
        form=place.form,
        migrations=tuple(migrations),
        tables=tables,
        dump_sha256=await asyncio.to_thread(archive.sha256, folder / archive.DUMP),
        # What was written meanwhile isn't in the snapshot: only answers that it didn't change can be compared.
        probes=tuple(probe for probe in before if probe in after),
    )


async def fingerprint(session: psql.Session) -> dict[str, Table]:
    """Each table's rows, counted and hashed, as this session sees them."""
    found = {}
    for row in await session.ask(_SQL["fingerprint"]):
        name, rows, digest = row.rsplit("|", 2)
        found[name] = Table(rows=int(rows), digest=digest)
    return found


async def _answers(asked: Sequence[Probe], answer: Answer) -> list[Probe]:
    answers = [await answer(probe) for probe in asked]
    return [probe for probe in answers if probe is not None]
