"""From every earlier schema to this one, with memories in it."""

from __future__ import annotations

import io
import uuid
from pathlib import Path

import asyncpg
import pytest

from athena.bootstrap import Athena
from athena.jobs import queue
from athena.store.migrate import available, migrate
from tests.integration.conftest import LlamaServer, built, settings_for, with_database
from tests.integration.memories import recalled, told

SENTENCES = ("alice likes green tea", "bob lives in berlin", "the red car is in the garden")
_TABLES = """
SELECT c.relname AS name,
       (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'schema_migration'
"""
# A generation's vectors lie in a partition that was made when the generation was.
_PARTITIONS = """
SELECT format('CREATE TABLE %I PARTITION OF %I %s', c.relname, p.relname, pg_get_expr(c.relpartbound, c.oid)) AS make
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
WHERE c.relkind = 'r' AND c.relispartition
"""
_NUMBER_ON = """
SELECT setval(pg_get_serial_sequence(quote_ident(c.relname), a.attname), 1000000)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attidentity <> ''
"""


@pytest.mark.parametrize("version", [migration.version for migration in available()][:-1])
async def test_memories_written_under_an_earlier_schema_are_recalled_under_this_one(
    version: int, athena: Athena, postgres_dsn: str, embedding_server: LlamaServer, test_home: Path
) -> None:
    await told(athena, *SENTENCES)
    before = await recalled(athena, "who likes tea?")
    name = f"upgrade_{uuid.uuid4().hex}"
    old = with_database(postgres_dsn, name)
    admin = await asyncpg.connect(postgres_dsn)
    await admin.execute(f"CREATE DATABASE {name}")
    try:
        await fill(old, version, athena.database.dsn)
        async with built(settings_for(old, embedding_server.url, test_home)) as upgraded:
            assert await recalled(upgraded, "who likes tea?") == before
            await told(upgraded, "carol plays the violin")
            assert (await recalled(upgraded, "violin"))[0] == "carol plays the violin"
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


async def fill(old: str, version: int, source: str) -> None:
    """The schema as it was, with the rows of `source` in the columns that there were."""
    target, origin = await asyncpg.connect(old), await asyncpg.connect(source)
    try:
        await migrate(target, up_to=version)
        if version == available()[0].version:
            await queue.install(target)
        await target.execute("SET session_replication_role = replica")
        for partition in await origin.fetch(_PARTITIONS):
            await target.execute(partition["make"])
        for table in await target.fetch(_TABLES):
            if table["name"].startswith("pgqueuer"):
                continue
            await _copy(origin, target, table["name"], table["columns"])
        await target.fetch(_NUMBER_ON)
    finally:
        await origin.close()
        await target.close()


async def _copy(
    origin: asyncpg.Connection[asyncpg.Record],
    target: asyncpg.Connection[asyncpg.Record],
    table: str,
    columns: list[str],
) -> None:
    rows: list[bytes] = []

    async def keep(data: bytes) -> None:
        rows.append(data)

    await target.execute(f'DELETE FROM "{table}"')
    await origin.copy_from_table(table, columns=columns, output=keep, format="text")

    await target.copy_to_table(table, columns=columns, source=io.BytesIO(b"".join(rows)), format="text")
