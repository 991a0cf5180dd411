"""Restore beside the database that serves, check what came, then change the two names at once.

Until the names change nothing that is there is touched; what fails before that leaves everything as it was.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from athena.errors import StackError
from athena.store.backup import archive, psql
from athena.store.backup.archive import Manifest, Table
from athena.store.backup.ports import Place
from athena.store.backup.take import fingerprint
from athena.store.sql import statements

_SQL = statements("backup")
# Where databases are made and renamed from: nobody uses it.
_ELSEWHERE = "postgres"
_TRIES = 5


async def restore(place: Place, path: Path) -> Manifest:
    """Replace the memory by the one in `path`. Raises `InvalidInput`, `StackError`."""
    with tempfile.TemporaryDirectory(prefix="athena-restore-") as made:
        folder = Path(made)
        manifest = await asyncio.to_thread(archive.read, path, folder)
        names = {
            "database": place.database,
            "restored": f"{place.database}_restored",
            "replaced": f"{place.database}_replaced",
        }
        await _ask(place, "create_restored", names)
        try:
            await _fill(place, names["restored"], folder / archive.DUMP, manifest)
            await _swap(place, names)
        except BaseException:
            await _ask(place, "drop_restored", names)
            raise
        await _ask(place, "drop_replaced", names)
        with (folder / archive.HOME).open("rb") as home:
            await place.put_home(home)
    return manifest


async def _fill(place: Place, database: str, dump: Path, manifest: Manifest) -> None:
    with dump.open("rb") as source:
        options = ["--no-owner", "--no-privileges", "--exit-on-error"]
        await place.run("pg_restore", database, options, source=source)
    async with psql.session(place, database) as session:
        _compare(manifest.tables, await fingerprint(session))
    await place.migrate(database)


def _compare(wanted: dict[str, Table], found: dict[str, Table]) -> None:
    differing = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if differing:
        raise StackError(f"what was restored differs from what was backed up, in {', '.join(differing)}")


async def _swap(place: Place, names: dict[str, str]) -> None:
    """Connections that come back between their end and the rename make it fail: then once more."""
    for attempt in range(_TRIES):
        try:
            await _ask(place, "swap", names)
            return
        except StackError as exc:
            if "being accessed by other users" not in exc.message or attempt == _TRIES - 1:
                raise
    raise AssertionError("unreachable")


async def _ask(place: Place, name: str, variables: dict[str, str]) -> None:
    async with psql.session(place, _ELSEWHERE, variables) as session:
        await session.ask(_SQL[name])
