"""The switch in PostgreSQL: every replica follows within a second, and what can't be read counts as on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from athena.config import Settings
from athena.errors import Conflict, StoreUnavailable
from athena.http import LocalOnly
from athena.http.gate import Gate
from athena.http.mirror import Mirror, Noted
from athena.runtime import home
from athena.store.local_only import LocalOnlyMode
from athena.store.pool import Database
from tests.integration.way_out.frozen_postgres import Way, way_to

# "Within a second", and what a busy machine adds.
WITHIN_S = 1.0


class Replica:
    """What one server process has: its own pool, home and gate."""

    def __init__(self, dsn: str, folder: Path, *, forced: bool = False) -> None:
        self.settings = Settings(home=folder, local_only=forced)
        home.prepare(self.settings)
        self.mirror = Mirror(self.settings)
        self.gate = Gate(lambda: (self.mode, frozenset({"127.0.0.1"})))
        self.database = Database(dsn)
        self.mode = LocalOnlyMode(self.database, self.settings, self.gate)
        self.cuts = 0
        self.gate.watch(self._count)

    def _count(self) -> None:
        self.cuts += 1

    async def lets_out(self) -> bool:
        try:
            await self.gate.admit("api.example")
        except LocalOnly:
            return False
        return True


@asynccontextmanager
async def running(replica: Replica) -> AsyncIterator[Replica]:
    task = asyncio.create_task(replica.mode.run())
    try:
        yield replica
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await replica.database.close()


@pytest.fixture
async def replicas(dsn: str, tmp_path: Path) -> AsyncIterator[list[Replica]]:
    """Three of them over one database, each having read it."""
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(running(Replica(dsn, tmp_path / str(n)))) for n in range(3)]
        for each in made:
            await until_read(each)
        yield made


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> float:
    """How long it took, in seconds."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it didn't happen"
        await asyncio.sleep(0.005)
    return time.monotonic() - started


async def until_read(replica: Replica) -> None:
    await until(lambda: replica.mode.state().known)


async def until_on(replica: Replica, on: bool = True) -> float:
    return await until(lambda: replica.mode.state().on is on)


async def test_nobody_switched_it_so_it_is_off(replicas: list[Replica]) -> None:
    state = replicas[0].mode.state()
    assert (state.on, state.known, state.changed_at, state.reason) == (False, True, None, None)
    assert await replicas[0].lets_out()


async def test_every_replica_follows_within_a_second(replicas: list[Replica]) -> None:
    for on in (True, False, True):
        state = await replicas[0].mode.set(on, "laptop")
        assert (state.on, state.changed_by) == (on, "laptop")
        assert await replicas[0].lets_out() is not on, "in force where it was switched, at once"
        for each in replicas[1:]:
            assert await until_on(each, on) < WITHIN_S
            assert await each.lets_out() is not on
            assert each.mode.state().changed_by == "laptop"
    for each in replicas:
        await until(lambda each=each: each.mirror.read().on)  # type: ignore[misc]
        assert each.mirror.read() == replicas[0].mirror.read()


async def test_what_runs_is_cut_everywhere_when_it_is_switched_on(replicas: list[Replica]) -> None:
    before = [each.cuts for each in replicas]
    await replicas[0].mode.set(True)
    for each, cuts in zip(replicas, before, strict=True):
        assert await until(lambda each=each, cuts=cuts: each.cuts > cuts) < WITHIN_S  # type: ignore[misc]


async def test_switching_it_to_what_it_is_changes_nothing(replicas: list[Replica]) -> None:
    first = await replicas[0].mode.set(True, "a")
    assert await replicas[0].mode.set(True, "b") == first


async def test_a_change_by_hand_counts_too(replicas: list[Replica]) -> None:
    async with replicas[0].database.acquire() as connection:
        await connection.execute("INSERT INTO switch (name, is_on) VALUES ('local-only', true)")
    for each in replicas:
        assert await until_on(each) < WITHIN_S
    async with replicas[0].database.acquire() as connection:
        await connection.execute("TRUNCATE switch")
    for each in replicas:
        assert await until_on(each, False) < WITHIN_S


async def test_it_follows_without_notifications_too(replicas: list[Replica]) -> None:
    async with replicas[0].database.acquire() as connection:
        await connection.execute("ALTER TABLE switch DISABLE TRIGGER ALL")
        await connection.execute("INSERT INTO switch (name, is_on) VALUES ('local-only', true)")
    for each in replicas:
        assert await until_on(each) < WITHIN_S


async def test_never_read_counts_as_on(tmp_path: Path) -> None:
    replica = Replica("postgresql://nobody@/nothing?host=/nowhere", tmp_path)
    async with running(replica):
        assert not await replica.lets_out()
        assert replica.mode.state().known is False
        with pytest.raises(LocalOnly, match="can't be read from PostgreSQL, so it counts as on"):
            await replica.gate.admit("api.example")
        await replica.gate.admit("127.0.0.1")
        with pytest.raises(StoreUnavailable):
            await replica.mode.set(False)


@pytest.mark.parametrize("fault", ["frozen", "gone"])
async def test_away_for_longer_than_a_second_counts_as_on(dsn: str, tmp_path: Path, fault: str) -> None:
    async with way_to(dsn) as way, running(Replica(way.dsn, tmp_path)) as replica:
        await until_read(replica)
        assert await replica.lets_out()
        cuts = replica.cuts
        await _break(way, fault)
        assert await until_on(replica) < WITHIN_S + 0.5
        assert not await replica.lets_out()
        assert replica.cuts == cuts, "what is under way may outlive a restart of PostgreSQL"
        await way.mend()
        await until_on(replica, False)
        assert await replica.lets_out()


async def _break(way: Way, fault: str) -> None:
    if fault == "frozen":
        way.freeze()
    else:
        await way.cut()


async def test_away_for_longer_than_that_ends_what_runs(dsn: str, tmp_path: Path) -> None:
    async with way_to(dsn) as way, running(Replica(way.dsn, tmp_path)) as replica:
        await until_read(replica)
        cuts = replica.cuts
        await way.cut()
        assert 8 < await until(lambda: replica.cuts > cuts) < 15


async def test_a_loop_that_was_busy_reads_again_before_it_refuses(dsn: str, tmp_path: Path) -> None:
    async with running(Replica(dsn, tmp_path)) as replica:
        await until_read(replica)
        for _ in range(3):
            time.sleep(1.2)  # noqa: ASYNC251 - the point
            assert await replica.lets_out()


async def test_the_configuration_holds_it_on(dsn: str, tmp_path: Path) -> None:
    async with running(Replica(dsn, tmp_path, forced=True)) as replica:
        assert not await replica.lets_out(), "with nothing read"
        state = replica.mode.state()
        assert (state.on, state.known, state.forced) == (True, True, True)
        with pytest.raises(Conflict, match="ATHENA_LOCAL_ONLY"):
            await replica.mode.set(False)
        await replica.mode.set(True)
        assert replica.mirror.closed() is not None


async def test_what_was_wanted_while_all_was_down_is_told_at_the_next_start(dsn: str, tmp_path: Path) -> None:
    replica, other = Replica(dsn, tmp_path / "a"), Replica(dsn, tmp_path / "b")
    wish = Noted(on=True, changed_at=datetime.now(UTC), changed_by="", pending=True)
    replica.mirror.write(wish)
    async with running(other):
        await until_read(other)
        async with running(replica):
            await until_read(replica)
            assert replica.mode.state().on
            assert await until_on(other) < WITHIN_S
            assert await until(lambda: replica.mirror.read() == wish.model_copy(update={"pending": False})) < WITHIN_S


async def test_a_wish_that_is_older_than_the_last_change_is_dropped(dsn: str, tmp_path: Path) -> None:
    replica, other = Replica(dsn, tmp_path / "a"), Replica(dsn, tmp_path / "b")
    async with running(other):
        await other.mode.set(True, "other")
        old = datetime.now(UTC) - timedelta(minutes=1)
        replica.mirror.write(Noted(on=False, changed_at=old, pending=True))
        async with running(replica):
            await until_read(replica)
            assert replica.mode.state().on
            await until(lambda: not replica.mirror.read().pending)
            assert replica.mirror.read().changed_by == "other"


async def test_a_wish_is_heard_while_it_runs(replicas: list[Replica]) -> None:
    replicas[0].mirror.write(Noted(on=True, changed_at=datetime.now(UTC), pending=True))
    for each in replicas:
        assert await until_on(each) < 2 * WITHIN_S


async def test_a_lost_or_damaged_file_is_written_anew(replicas: list[Replica]) -> None:
    await replicas[0].mode.set(True)
    path = replicas[0].mirror.path
    for damage in (path.unlink, lambda: path.write_text("{")):
        damage()
        assert replicas[0].mirror.closed() is not None
        await until(lambda: path.exists() and path.read_text() != "{")
        assert replicas[0].mirror.read().on


async def test_a_file_that_cant_be_written_stops_nothing(replicas: list[Replica]) -> None:
    path = replicas[0].mirror.path
    path.unlink()
    path.mkdir()
    (path / "x").touch()
    for on in (True, False):
        assert (await replicas[1].mode.set(on)).on is on
        assert await until_on(replicas[0], on) < WITHIN_S
