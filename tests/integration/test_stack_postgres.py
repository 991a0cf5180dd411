"""The embedded PostgreSQL: made, started, recovered and refused, with the real server."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import AsyncIterator

import asyncpg
import pytest

from athena.config import Settings
from athena.runtime import postgres
from athena.runtime.ports import CannotStart
from athena.runtime.postgres import cluster
from tests.integration.stack_home import stack_settings


@pytest.fixture
async def settings() -> AsyncIterator[Settings]:
    with stack_settings() as made:
        yield made


async def ask(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_it_starts_is_shared_and_ends(settings: Settings) -> None:
    async with postgres.ensure_running(settings) as dsn:
        assert dsn == postgres.dsn(settings)
        pid = await ask(dsn, "SELECT pg_backend_pid()")
        async with postgres.ensure_running(settings) as same:
            assert same == dsn
        assert await ask(dsn, "SELECT pg_backend_pid()") != pid, "the inner block must not have stopped it"
        # What the store counts on.
        assert await ask(dsn, "SELECT current_user || current_database()") == "athenaathena"
        assert await ask(dsn, "SHOW data_checksums") == "on"
        assert await ask(dsn, "SHOW listen_addresses") == ""
        assert await ask(dsn, "SELECT to_tsvector('simple', 'don’t—Straße')::text") == "'don':1 'straße':3 't':2"
    assert not await postgres.answers(dsn)


async def test_only_its_owner_gets_in(settings: Settings) -> None:
    where = postgres.place(settings)
    async with postgres.ensure_running(settings) as dsn:
        for folder in (where.data, where.socket):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        rules = await ask(dsn, "SELECT string_agg(DISTINCT type || ' ' || auth_method, ',') FROM pg_hba_file_rules")
        assert rules == "local peer"
        assert await ask(dsn, "SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL") == 0
        assert await ask(dsn, "SELECT count(*) FROM pg_file_settings WHERE error IS NOT NULL") == 0


async def test_a_killed_server_recovers_what_was_committed(settings: Settings) -> None:
    async with postgres.ensure_running(settings) as dsn:
        await ask(dsn, "CREATE TABLE kept (word text)")
        await ask(dsn, "INSERT INTO kept VALUES ('kept')")
        os.kill(int((postgres.place(settings).data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        async with asyncio.timeout(30):
            while not await postgres.answers(dsn):
                await asyncio.sleep(0.05)
        assert await ask(dsn, "SELECT word FROM kept") == "kept"


async def test_a_start_that_was_cut_short_leaves_no_half_database(settings: Settings) -> None:
    where, _, _ = await cluster.prepare(settings)
    (where.data).rename(where.base / "data.new")
    (where.base / "data.new" / "PG_VERSION").unlink()
    async with postgres.ensure_running(settings) as dsn:
        assert await ask(dsn, "SELECT 1") == 1
    assert not (where.base / "data.new").exists()


async def test_data_of_another_version_is_refused_in_one_line(settings: Settings) -> None:
    where, _, _ = await cluster.prepare(settings)
    (where.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(CannotStart, match="was made by PostgreSQL 16") as refused:
        async with postgres.ensure_running(settings):
            pass
    assert refused.value.hint


async def test_a_socket_folder_that_somebody_else_prepared_is_refused(settings: Settings) -> None:
    where, _, _ = await cluster.prepare(settings)
    where.socket.chmod(0o777)
    with pytest.raises(CannotStart, match="mode 0700"):
        async with postgres.ensure_running(settings):
            pass


async def test_a_database_of_ones_own_is_not_started(settings: Settings) -> None:
    own = Settings(home=settings.home, database_url="postgresql://elsewhere/db")
    async with postgres.ensure_running(own) as dsn:
        assert dsn == "postgresql://elsewhere/db"
    assert not postgres.place(own).base.exists()


async def test_a_pid_that_another_program_has_now_is_no_reason_to_refuse(settings: Settings) -> None:
    where, _, user = await cluster.prepare(settings)
    other = await asyncio.create_subprocess_exec("sleep", "60", user=user.uid if user else None)
    try:
        (where.data / "postmaster.pid").write_text(f"{other.pid}\n{where.data}\n")
        async with postgres.ensure_running(settings) as dsn:
            assert await ask(dsn, "SELECT 1") == 1
    finally:
        other.kill()
        await other.wait()
