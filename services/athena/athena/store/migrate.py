"""Migrations: numbered SQL files that only go forward.

Each runs in a transaction of its own, under one advisory lock, so that several
replicas may start at once. An applied file whose text has changed since is an
error: the schema would no longer be the one that the files describe.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources

import asyncpg

from athena.errors import Conflict

# Any constant will do, as long as every Athena uses the same one.
_LOCK = 7_283_645_190


@dataclass(frozen=True, slots=True)
class Migration:
    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def available() -> list[Migration]:
    """The migrations that ship with this version, in order."""
    folder = resources.files("athena.store").joinpath("migrations")
    files = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [
        Migration(int(name.split("_", 1)[0]), name.removesuffix(".sql"), folder.joinpath(name).read_text())
        for name in files
    ]


async def migrate(connection: asyncpg.Connection, *, up_to: int | None = None) -> list[str]:
    """Apply what is missing; returns the names of what was applied.

    Raises `Conflict` when an applied migration differs from its file or is unknown to
    this version (a newer Athena has been here).
    """
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration ("
            " version int PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )
        rows = await connection.fetch("SELECT version, name, checksum FROM schema_migration")
        applied = {row["version"]: row for row in rows}
        known = {migration.version: migration for migration in available()}
        _check(applied, known)
        done = []
        for version, migration in sorted(known.items()):
            if version in applied or (up_to is not None and version > up_to):
                continue
            async with connection.transaction():
                await connection.execute(migration.sql)
                await connection.execute(
                    "INSERT INTO schema_migration (version, name, checksum) VALUES ($1, $2, $3)",
                    version,
                    migration.name,
                    migration.checksum,
                )
            done.append(migration.name)
        return done
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


def _check(applied: dict[int, asyncpg.Record], known: dict[int, Migration]) -> None:
    for version, row in applied.items():
        migration = known.get(version)
        if migration is None:
            raise Conflict(
                f"the database was migrated by a newer Athena (migration {row['name']})",
                hint="install that version again, or restore a back-up",
            )
        if migration.checksum != row["checksum"]:
            raise Conflict(f"migration {row['name']} was changed after it had been applied")
