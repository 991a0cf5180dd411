"""The store: migrations, statements as text, and nothing of SQL anywhere else."""

from __future__ import annotations

import ast
import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path

import asyncpg
import pytest

import athena as package
from athena.bootstrap import Athena
from athena.errors import Conflict, TooLarge
from athena.jobs import queue
from athena.memory.types import NewMemory
from athena.store.migrate import available, migrate
from athena.store.pool import Database
from athena.store.sql import statements, with_generation
from tests.integration.conftest import with_database

# Everything that makes a schema what it is, one line each. Partitions come at run time.
SCHEMA = """
SELECT 'column ' || table_name || '.' || column_name || ' ' || udt_name || ' ' || is_nullable || ' '
       || coalesce(column_default, '') || ' ' || coalesce(generation_expression, '') || ' ' || is_identity
FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'embedding\\_g%'
UNION ALL
SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'embedding\\_g%'
UNION ALL
SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'embedding\\_g%'
UNION ALL
SELECT 'option ' || relname || ' ' || relkind::text || ' ' || coalesce(array_to_string(reloptions, ','), '')
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'embedding\\_g%'
UNION ALL
SELECT 'label ' || enumtypid::regtype || ' ' || enumsortorder || ' ' || enumlabel FROM pg_enum
UNION ALL
SELECT 'function ' || pg_get_functiondef(p.oid) FROM pg_proc p
WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
UNION ALL
SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'migration ' || version || ' ' || name || ' ' || checksum FROM schema_migration
ORDER BY 1
"""


@asynccontextmanager
async def empty_database(postgres_dsn: str) -> AsyncIterator[str]:
    """Nothing in it, not even what a template would bring."""
    name = f"test_{uuid.uuid4().hex}"
    admin = await asyncpg.connect(postgres_dsn)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY file_copy")
    try:
        yield with_database(postgres_dsn, name)
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def schema_of(connection: asyncpg.Connection) -> list[str]:
    return [row[0] for row in await connection.fetch(SCHEMA)]


async def test_an_upgrade_step_by_step_gives_the_schema_of_a_fresh_install(postgres_dsn: str) -> None:
    async with empty_database(postgres_dsn) as fresh, empty_database(postgres_dsn) as old:
        async with connected(fresh) as connection:
            assert await migrate(connection) == [migration.name for migration in available()]
            expected = await schema_of(connection)
            assert await migrate(connection) == []
        async with connected(old) as connection:
            for migration in available():
                assert await migrate(connection, up_to=migration.version) == [migration.name]
                # Rows of the older version must not be in the way of the newer one.
                await connection.execute("INSERT INTO project (name) VALUES ($1)", migration.name)
            assert await schema_of(connection) == expected
    assert sum(line.startswith("column memory.") for line in expected) > 20
    assert any(line.startswith("function CREATE OR REPLACE FUNCTION public.in_scope") for line in expected)


async def test_the_same_schema_is_told_from_another(postgres_dsn: str) -> None:
    async with empty_database(postgres_dsn) as dsn, connected(dsn) as connection:
        await migrate(connection)
        before = await schema_of(connection)
        for change in (
            "ALTER TABLE memory ADD COLUMN more text",
            "ALTER TABLE memory ALTER COLUMN words SET DEFAULT 3",
            "DROP INDEX memory_tags",
            "ALTER TABLE posting RESET (autovacuum_analyze_scale_factor)",
            "ALTER TABLE generation DROP CONSTRAINT generation_dim_check",
        ):
            async with connection.transaction():
                await connection.execute("SAVEPOINT before")
                await connection.execute(change)
                assert await schema_of(connection) != before, change
                await connection.execute("ROLLBACK TO before")
        assert await schema_of(connection) == before


async def test_a_changed_migration_is_an_error(postgres_dsn: str) -> None:
    async with empty_database(postgres_dsn) as dsn, connected(dsn) as connection:
        await migrate(connection)
        await connection.execute("UPDATE schema_migration SET checksum = 'other' WHERE version = 1")
        with pytest.raises(Conflict, match=f"{available()[0].name} was changed"):
            await migrate(connection)


async def test_a_database_of_a_newer_version_is_an_error(postgres_dsn: str) -> None:
    async with empty_database(postgres_dsn) as dsn, connected(dsn) as connection:
        await migrate(connection)
        await connection.execute("INSERT INTO schema_migration VALUES (9999, '9999_later', 'x')")
        with pytest.raises(Conflict, match="9999_later"):
            await migrate(connection)
        database = Database(dsn)
        with pytest.raises(Conflict, match="newer Athena"):
            await database.ensure_ready()
        await database.close()


async def test_a_migration_that_fails_leaves_nothing_and_can_be_tried_again(postgres_dsn: str) -> None:
    async with empty_database(postgres_dsn) as dsn, connected(dsn) as connection:
        # In the way of a table that the first migration makes after others.
        await connection.execute("CREATE TABLE tombstone (uid text)")
        with pytest.raises(asyncpg.DuplicateTableError):
            await migrate(connection)
        assert await connection.fetchval("SELECT to_regclass('memory')") is None
        assert await connection.fetchval("SELECT count(*) FROM schema_migration") == 0
        await connection.execute("DROP TABLE tombstone")
        assert await migrate(connection) == [migration.name for migration in available()]


async def test_several_that_start_at_once_migrate_once(postgres_dsn: str) -> None:
    async with empty_database(postgres_dsn) as dsn:
        databases = [Database(dsn, prepare=queue.install) for _ in range(4)]
        try:
            await asyncio.gather(*(database.ensure_ready() for database in databases))
        finally:
            await asyncio.gather(*(database.close() for database in databases))
        async with connected(dsn) as connection:
            versions = await connection.fetch("SELECT version FROM schema_migration ORDER BY version")
            assert [row["version"] for row in versions] == [migration.version for migration in available()]


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [migration.version for migration in available()] == list(range(1, len(available()) + 1))


FILES = sorted(
    entry.name.removesuffix(".sql")
    for entry in resources.files("athena.store").joinpath("queries").iterdir()
    # A back-up's are psql's, with commands of its own between; `test_backup` runs every one of them.
    if entry.name.endswith(".sql") and entry.name != "backup.sql"
)


async def test_every_statement_is_understood_by_postgresql(athena: Athena) -> None:
    serving = (await athena.generations.active()).serving
    assert serving is not None
    async with athena.database.acquire() as connection:
        for file in FILES:
            assert statements(file), file
            for sql in statements(file).values():
                # Two statements in one block would be refused here, too.
                await connection.prepare(with_generation(sql, serving.id, serving.dim))


def _sources() -> list[Path]:
    return sorted(Path(package.__file__).parent.rglob("*.py"))


# Upper case and the words around them: prose has neither.
_SQL = re.compile(
    r"\b(SELECT\s|INSERT INTO\s|UPDATE\s+\S+\s+SET\s|DELETE FROM\s|CREATE (TABLE|INDEX|DATABASE|ROLE)\s|ALTER TABLE\s"
    r"|DROP (TABLE|INDEX)\s|WHERE\s+\w+\s*(=|IN)\s|ORDER BY\s)"
)


def _composed_sql(tree: ast.AST) -> list[int]:
    """Lines where a text with SQL in it is put together with something: f-strings, +, %, format, join."""
    lines = []
    for node in ast.walk(tree):
        composed = (
            isinstance(node, ast.JoinedStr)
            or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod))
            or (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("format", "join")
            )
        )
        if composed and any(
            isinstance(part, ast.Constant) and isinstance(part.value, str) and _SQL.search(part.value)
            for part in ast.walk(node)
        ):
            lines.append(node.lineno)  # type: ignore[attr-defined]
    return lines


def test_no_sql_is_put_together_in_python() -> None:
    found = {path.name for path in _sources() if _composed_sql(ast.parse(path.read_text()))}
    # That one speaks to `postgres --single`, which has no parameters, and fills in a constant.
    assert found == set()


@pytest.mark.parametrize(
    "source",
    [
        'f"SELECT a FROM {table}"',
        '"SELECT a FROM t WHERE b = " + value',
        '"DELETE FROM %s" % table',
        '"UPDATE t SET a = {}".format(value)',
        '" AND ".join(["SELECT a", b])',
    ],
)
def test_the_search_for_composed_sql_finds_it(source: str) -> None:
    assert _composed_sql(ast.parse(source)) == [1]


async def test_what_a_memory_must_not_hold_is_refused_and_named(athena: Athena) -> None:
    """More different words than the lexical index takes in one text."""
    words = " ".join(f"w{n}" for n in range(140_000))
    with pytest.raises(TooLarge, match="words"):
        await athena.memory.remember([NewMemory(words)])
    [receipt] = await athena.memory.remember([NewMemory("short " * 160_000)])
    assert receipt.status == "created"
