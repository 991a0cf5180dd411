"""Parts that are away: nothing is lost, nothing is made up, the answer says so, and it mends itself."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from athena.bootstrap import Athena
from athena.config import Settings
from athena.errors import AthenaError, StoreUnavailable
from athena.memory.types import Filter, NewMemory
from athena.runtime import home
from athena.runtime.postgres import answers, server
from athena.runtime.process import Process
from tests.fakes.picky_server import picky_server
from tests.integration.conftest import LlamaServer, built, settings_for, until
from tests.integration.memories import recalled, told, value


async def test_without_its_embedding_server_the_memory_goes_on_by_words(
    dsn: str, own_server: LlamaServer, test_home: Path
) -> None:
    own_server.start()
    async with built(settings_for(dsn, own_server.url, test_home)) as athena:
        await told(athena, *(f"the red car number {n}" for n in range(10)))
        assert (await athena.memory.recall("red car", Filter())).degraded == ()
        own_server.stop()

        started = time.perf_counter()
        answer = await athena.memory.recall("red car", Filter())
        assert time.perf_counter() - started < 1.5
        assert (answer.degraded, answer.pending) == (("embedding",), 0)
        started = time.perf_counter()
        receipts = await athena.memory.remember([NewMemory(f"the blue train number {n}") for n in range(100)])
        assert time.perf_counter() - started < 1.5
        assert {(r.status, r.embedding) for r in receipts} == {("created", "pending")}
        for _ in range(3):
            started = time.perf_counter()
            answer = await athena.memory.recall("blue train number 7", Filter())
            assert time.perf_counter() - started < 1.5
            assert answer.degraded == ("embedding",)
            assert answer.hits[0].memory.content == "the blue train number 7"
            assert all(hit.explanation["dense"] == 0 for hit in answer.hits)
            assert answer.pending == 100
        health = await athena.health()
        assert (health["postgres"].state, health["embedding"].state) == ("up", "down")
        assert "can't be reached" in str(health["embedding"].detail)
        assert health["embedding"].hint is not None
        assert (await athena.backlog()).pending == 100

        own_server.start()
        await until(lambda: _drained(athena))
        await until(lambda: _recalls_whole(athena), 3)
        answer = await athena.memory.recall("blue train number 7", Filter())
        assert answer.pending == 0
        assert answer.hits[0].explanation["dense"] > 0
        assert (await athena.health())["embedding"].state == "up"
        assert await value(athena, "SELECT count(DISTINCT memory_id) FROM embedding") == 110
        # The server's absence was no fault of these texts.
        assert (await athena.backlog()).stuck == 0


async def test_a_server_killed_again_and_again_leaves_one_vector_of_each(
    dsn: str, own_server: LlamaServer, test_home: Path
) -> None:
    own_server.start()
    async with built(settings_for(dsn, own_server.url, test_home)) as athena:
        for attempt in range(4):
            await told(athena, *(f"round {attempt} number {n}" for n in range(150)), wait_s=0)
            await asyncio.sleep(0.05 * attempt)
            own_server.stop()
            own_server.start()
        await until(lambda: _drained(athena))
        assert await value(athena, "SELECT count(*) FROM embedding") == 600
        assert await value(athena, "SELECT count(DISTINCT memory_id) FROM embedding") == 600


async def test_a_text_that_the_server_refuses_holds_up_no_other(
    dsn: str, embedding_server: LlamaServer, test_home: Path
) -> None:
    with picky_server(embedding_server.url, b"poison") as picky:
        async with built(settings_for(dsn, picky.url, test_home)) as athena:
            texts = [f"the red car number {n}" for n in range(20)]
            await told(athena, *texts[:10], "the poison", *texts[10:], wait_s=0)
            await until(lambda: _waiting(athena, 1))
            for _ in range(6):
                # It is tried ever more rarely; the test doesn't wait for that.
                await value(athena, "UPDATE embedding_todo SET not_before = now()")
                tried = await value(athena, "SELECT max(attempts) FROM embedding_todo")
                await told(athena, f"something that is taken {tried}")
                await until(lambda tried=tried: _tried_more(athena, tried))
            backlog = await athena.backlog()
            assert (backlog.pending, backlog.stuck) == (1, 1)
            assert "no slot for this text" in str(backlog.last_error)
            assert (await athena.memory.recall("red car number 7", Filter())).degraded == ()
            # Found by its word all the same.
            assert (await recalled(athena, "poison", limit=1)) == ["the poison"]
            picky.refused = None
            await value(athena, "UPDATE embedding_todo SET not_before = now()")
            await until(lambda: _drained(athena))
            assert (await athena.backlog()).last_error is None


class OwnPostgres:
    """A PostgreSQL that the test may kill; its home is its own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.dsn = server.dsn(settings)
        self._process: Process | None = None

    async def start(self) -> None:
        self._process = Process.start(await server.command(self.settings))
        await until(lambda: answers(server.dsn(self.settings)))
        self.dsn = server.dsn(self.settings)

    async def kill(self) -> None:
        """The postmaster and all its children, with SIGKILL and at once."""
        assert self._process is not None
        postmaster = psutil.Process(self._process.pid)
        family = [postmaster, *postmaster.children(recursive=True)]
        for one in family:
            os.kill(one.pid, signal.SIGKILL)
        await self._process.wait()
        psutil.wait_procs(family[1:], timeout=10)

    async def stop(self) -> None:
        if self._process is not None:
            await self._process.stop()


@pytest.fixture
async def own_postgres() -> AsyncIterator[OwnPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="athena-own-"))
    folder.chmod(0o711)
    settings = Settings(home=folder)
    home.prepare(settings)
    postgres = OwnPostgres(settings)
    await postgres.start()
    yield postgres
    await postgres.stop()
    shutil.rmtree(folder, ignore_errors=True)


async def test_postgresql_killed_and_back_needs_no_restart_of_anything_else(
    own_postgres: OwnPostgres, embedding_server: LlamaServer, test_home: Path
) -> None:
    async with built(settings_for(own_postgres.dsn, embedding_server.url, test_home)) as athena:
        acknowledged = set(await told(athena, *(f"the red car number {n}" for n in range(20))))
        for round_number in range(2):
            texts = [f"round {round_number} number {n}" for n in range(150)]
            acknowledged |= set(await told(athena, *texts, wait_s=0))
            await own_postgres.kill()
            await _is_away(athena)
            await own_postgres.start()
            await until(lambda: _writes(athena))
        await until(lambda: _drained(athena))
        assert {part: state.state for part, state in (await athena.health()).items()}["postgres"] == "up"
        stored = set(await value(athena, "SELECT array_agg(uid::text) FROM memory"))
        assert acknowledged <= stored
        assert await value(athena, "SELECT count(*) FROM embedding") == len(stored)
        assert (await recalled(athena, "red car number 7"))[0] == "the red car number 7"


async def _is_away(athena: Athena) -> None:
    for question in (
        lambda: athena.memory.recall("red car", Filter()),
        lambda: athena.memory.remember([NewMemory("lost? no: refused")]),
        lambda: athena.memory.list(Filter()),
        lambda: athena.memory.forget_where(Filter()),
        lambda: athena.backlog(),
    ):
        started = time.perf_counter()
        with pytest.raises(StoreUnavailable) as raised:
            await question()
        assert time.perf_counter() - started < 6
        assert raised.value.retry_after is not None
    health = await athena.health()
    assert (health["postgres"].state, health["embedding"].state) == ("down", "up")


async def test_built_before_postgresql_and_the_embedding_server_are_there(
    own_postgres: OwnPostgres, own_server: LlamaServer, test_home: Path
) -> None:
    await own_postgres.kill()
    async with built(settings_for(own_postgres.dsn, own_server.url, test_home), ready=False) as athena:
        with pytest.raises(StoreUnavailable):
            await athena.memory.remember([NewMemory("the red car")])
        assert {part.state for part in (await athena.health()).values()} == {"down"}
        await own_postgres.start()
        await until(lambda: _writes(athena))
        own_server.start()
        await until(lambda: _drained(athena))
        assert (await athena.memory.recall("another write", Filter())).degraded == ()


async def _recalls_whole(athena: Athena) -> bool:
    return not (await athena.memory.recall("red car", Filter())).degraded


async def _writes(athena: Athena) -> bool:
    try:
        await told(athena, "another write", wait_s=0)
    except StoreUnavailable:
        return False
    return True


async def _waiting(athena: Athena, number: int) -> bool:
    try:
        return (await athena.backlog()).pending == number
    except AthenaError:
        return False


async def _drained(athena: Athena) -> bool:
    return await _waiting(athena, 0)


async def _tried_more(athena: Athena, tried: int) -> bool:
    return bool(await value(athena, "SELECT max(attempts) > $1 FROM embedding_todo", tried))
