"""From the spool into PostgreSQL: each row once, whatever dies in between."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from athena.errors import StoreUnavailable
from athena.store.pool import Database
from athena.usage.service import Usage
from athena.usage.types import Use
from tests.integration.api_server import free_port
from tests.integration.conftest import until
from tests.unit.uses import use


async def rows(database: Database) -> list[Any]:
    async with database.acquire() as connection:
        return list(await connection.fetch("SELECT * FROM usage ORDER BY at, request_id"))


@asynccontextmanager
async def running(usage: Usage) -> AsyncIterator[Usage]:
    task = asyncio.create_task(usage.run())
    try:
        yield usage
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_row_is_stored_as_it_was_with_what_it_cost(database: Database, tmp_path: Path) -> None:
    usage = Usage(database, tmp_path)
    sent = use(
        client="claude-cli/2.1 (external)",
        principal="laptop",
        project="p",
        session="s",
        agent="a",
        request_class="subagent",
        task="code",
        asked="auto",
        tier="sonnet",
        baseline="anthropic/claude-opus-5-5",
        reasons=("tier sonnet", 'said "so", {twice}'),
        tokens_cached=2_000,
        tokens_written=None,
        original_characters=8_000,
    )
    usage.record(sent)
    await usage.aclose()
    [row] = await rows(database)
    kept = {name: row[name] for name in Use.__dataclass_fields__}
    assert kept == {name: getattr(sent, name) for name in Use.__dataclass_fields__} | {"reasons": list(sent.reasons)}
    assert {name: row[name] for name in row.keys() - Use.__dataclass_fields__.keys()} == {
        "cost": Decimal("0.0032"),
        "tokens_saved": 3_000,
        "saved_compression": Decimal("0.0022"),
        "saved_cache": Decimal("0.0038"),
        "saved_local": 0,
        "saved_routing": Decimal("0.0032"),
    }
    assert list(tmp_path.iterdir()) == []


async def test_what_is_not_known_is_null(database: Database, tmp_path: Path) -> None:
    usage = Usage(database, tmp_path)
    usage.record(use(provider="mine", model="m"))
    await usage.aclose()
    [row] = await rows(database)
    assert (row["cost"], row["saved_cache"], row["session"], row["counted_original"]) == (None, None, None, None)
    assert row["saved_routing"] == 0


async def test_the_same_rows_twice_are_there_once_and_spent_once(database: Database, tmp_path: Path) -> None:
    sent = [use(request_id=f"r{n}", principal="k", agent="a") for n in range(5)]
    for _ in range(2):
        usage = Usage(database, tmp_path)
        for each in sent:
            usage.record(each)
        await usage.aclose()
    assert len(await rows(database)) == 5
    async with database.acquire() as connection:
        spent = await connection.fetch("SELECT subject, name, cost, unpriced FROM spent ORDER BY subject")
    assert [tuple(row) for row in spent] == [("agent", "a", Decimal("0.015"), 0), ("key", "k", Decimal("0.015"), 0)]


async def test_rows_get_there_by_themselves_and_soon(database: Database, tmp_path: Path) -> None:
    async with running(Usage(database, tmp_path)) as usage:
        for n in range(250):
            usage.record(use(request_id=f"r{n:03}"))

        async def there() -> bool:
            return len(await rows(database)) == 250

        await until(there, 20)
        await until(lambda: _empty(tmp_path), 5)
        assert usage.state.waiting_bytes == 0
        assert usage.state.error is None


async def _empty(folder: Path) -> bool:
    return list(folder.iterdir()) == []


async def test_what_a_client_sends_can_not_stop_the_ledger(database: Database, tmp_path: Path) -> None:
    usage = Usage(database, tmp_path)
    usage.record(use(request_id="a", session="x" * 100_000, asked="\x00\x00", reasons=("\x00",), agent="é\\u0000"))
    # No column holds this one: it is kept aside, and the others are stored.
    usage.record(use(request_id="b", tokens_input=2**70))
    for n in range(9):
        usage.record(use(request_id=f"c{n}"))
    await usage.aclose()
    stored = {row["request_id"]: row for row in await rows(database)}
    assert set(stored) == {"a", *(f"c{n}" for n in range(9))}
    assert len(stored["a"]["session"]) == 256
    assert stored["a"]["asked"] == "\ufffd\ufffd"
    assert stored["a"]["agent"] == "é\\u0000"
    assert usage.state.refused == 1
    [aside] = tmp_path.iterdir()
    assert f'"tokens_input":{2**70}' in aside.read_text()
    assert aside.suffix == ".refused"


async def test_while_postgresql_is_away_rows_wait_and_then_get_there(database: Database, tmp_path: Path) -> None:
    away = Database(f"postgresql://nobody@127.0.0.1:{free_port()}/nowhere")
    usage = Usage(away, tmp_path)
    for n in range(20):
        usage.record(use(request_id=f"r{n:02}"))
    with pytest.raises(StoreUnavailable):
        await usage._writer.flush()
    await usage.aclose()
    assert usage.state.waiting_bytes > 0
    assert await rows(database) == []
    await away.close()
    async with running(Usage(database, tmp_path)):

        async def there() -> bool:
            return len(await rows(database)) == 20

        await until(there, 20)


async def test_it_says_why_it_waits_and_says_nothing_when_it_is_over(database: Database, tmp_path: Path) -> None:
    usage = Usage(database, tmp_path)
    await database.ensure_ready()
    async with database.acquire() as connection:
        await connection.execute("ALTER TABLE usage RENAME TO elsewhere")
    async with running(usage):
        usage.record(use())

        async def failing() -> bool:
            return "usage" in (usage.state.error or "")

        async def well() -> bool:
            return usage.state.error is None and usage.state.waiting_bytes == 0

        await until(failing, 10)
        async with database.acquire() as connection:
            await connection.execute("ALTER TABLE elsewhere RENAME TO usage")
        await until(well, 10)
    assert len(await rows(database)) == 1


async def test_replicas_that_share_a_folder_take_no_row_twice(database: Database, tmp_path: Path) -> None:
    replicas = [Usage(database, tmp_path) for _ in range(3)]
    for n in range(300):
        replicas[n % 3].record(use(request_id=f"r{n:03}", principal="k"))
    await asyncio.gather(*(replica.aclose() for replica in replicas))
    await replicas[0]._writer.flush()
    stored = await rows(database)
    assert len(stored) == 300
    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT sum(cost) FROM spent") == sum(row["cost"] for row in stored)


_WORKER = """
import asyncio, sys
from pathlib import Path
from athena.store.pool import Database
from athena.usage.service import Usage
from tests.unit.uses import use

async def main():
    usage = Usage(Database(sys.argv[1]), Path(sys.argv[2]))
    asyncio.create_task(usage.run())
    while True:
        for _ in range(20):
            each = use(principal="k")
            usage.record(each)
            print(each.id, flush=True)
        await asyncio.sleep(0.002)

asyncio.run(main())
"""


async def test_a_process_that_is_killed_again_and_again_loses_no_row(
    database: Database, dsn: str, tmp_path: Path
) -> None:
    """Each dies while it appends or brings rows in, and the next finds what it left."""
    said: set[str] = set()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    for seconds in (0.6, 1.1, 1.7, 2.2):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _WORKER, dsn, str(tmp_path)), stdout=asyncio.subprocess.PIPE, env=environment
        )
        assert process.stdout is not None
        lines = [await process.stdout.readline()]
        reading = asyncio.create_task(process.stdout.read())
        await asyncio.sleep(seconds)
        process.kill()
        lines += (await reading).splitlines(keepends=True)
        await process.wait()
        said |= {line.decode().strip() for line in lines if line.endswith(b"\n")}
    before = {str(row["id"]) for row in await rows(database)}
    assert before, "none was brought in by a process that was killed: the test is too quick"
    assert not said <= before, "all were brought in: nothing was left to find"
    usage = Usage(database, tmp_path)
    await usage._writer.flush()
    stored = await rows(database)
    assert said <= {str(row["id"]) for row in stored}
    assert list(tmp_path.iterdir()) == []
    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT cost FROM spent") == sum(row["cost"] for row in stored)
