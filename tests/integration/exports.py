"""Exports in a test: written into memory, read back, and what the tables hold beside what they say."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from athena import bootstrap
from athena.bootstrap import Athena
from athena.memory.transfer import Imported
from tests.integration.api_server import free_port
from tests.integration.conftest import settings_for, with_database

_TABLES = (
    *("project", "session", "memory", "tombstone", "posting", "embedding_todo", "imported_embedding"),
    *("validity", "evidence", "twin", "review", "rejection"),
)


@asynccontextmanager
async def empty_athena(postgres_dsn: str, home: Path) -> AsyncIterator[Athena]:
    """Athena over an empty database, with no embedding server and nothing in the background."""
    name = f"test_{uuid.uuid4().hex}"
    admin = await asyncpg.connect(postgres_dsn)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE athena_template STRATEGY file_copy")
    try:
        dsn = with_database(postgres_dsn, name)
        async with bootstrap.build(settings_for(dsn, f"http://127.0.0.1:{free_port()}", home), worker=False) as athena:
            yield athena
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


async def exported(athena: Athena, project: str | None = None) -> bytes:
    return b"".join([chunk async for chunk in athena.memory.export(project)])


async def imported(athena: Athena, data: bytes, *, piece: int = 10_000, **how: bool) -> Imported:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(data), piece):
            yield data[at : at + piece]

    return await athena.memory.take_in(pieces(), **how)


def memories(data: bytes) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in data.split(b"\n") if line]
    return [record for record in records if record["record"] == "memory"]


def edited(data: bytes, *changes: tuple[str, str]) -> bytes:
    """As by hand: texts replaced, and the digest made to fit."""
    for old, new in changes:
        assert old.encode() in data, old
        data = data.replace(old.encode(), new.encode())
    before = data[: data.rindex(b'{"record":"end"')]
    return before + b'{"record":"end","sha256":"%s"}\n' % hashlib.sha256(before).hexdigest().encode()


async def sizes(athena: Athena) -> dict[str, int]:
    async with athena.database.acquire() as connection:
        return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in _TABLES}


async def emptied(athena: Athena) -> None:
    """But for the names of projects and sessions, which a process knows by heart."""
    async with athena.database.acquire() as connection:
        await connection.execute(f"TRUNCATE {', '.join(_TABLES[2:])}, embedding CASCADE")


async def index(athena: Athena) -> list[tuple[Any, ...]]:
    """How each memory is found by words, whatever its number is."""
    async with athena.database.acquire() as connection:
        rows = await connection.fetch(
            "SELECT m.uid, m.lexemes::text, m.words, m.context_words, m.speaker, p.lexeme, p.tf, p.context_tf,"
            " p.words, p.context_words FROM memory m LEFT JOIN posting p ON p.memory_id = m.id ORDER BY m.id, p.lexeme"
        )
    return [tuple(row) for row in rows]
