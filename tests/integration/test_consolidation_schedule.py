"""The nightly schedule over a real PostgreSQL: once, whoever is there; beside everything else; and after a crash."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from athena import config
from athena.bootstrap import Athena
from athena.consolidation.runs import Run, Runs
from athena.errors import InvalidSetting
from athena.memory.types import Filter, Kind, NewMemory, Scope
from athena.runtime.environment import environment as child_environment
from athena.store.pool import Database
from tests.fakes.hostile_model import Behaviour, Mind, hostile_server
from tests.integration.api_server import answered, free_port, server_process
from tests.integration.conftest import LlamaServer, built, settings_for, until
from tests.integration.test_api_consolidation import halted

MONDAY = datetime(2026, 3, 2, 7, tzinfo=UTC)
RUN = "Went for a run along the river before work"
# Far from now, whenever that is.
_NOW = datetime.now(UTC)
_LATER = f"{_NOW.minute} {(_NOW.hour + 12) % 24} * * *"


def mondays(project: str = "default") -> list[NewMemory]:
    scope = Scope(project)
    return [NewMemory(RUN, Kind.EVENT, scope, occurred_at=MONDAY + timedelta(weeks=week)) for week in range(6)]


async def scheduled(database: Database) -> list[dict[str, Any]]:
    async with database.acquire() as connection:
        rows = await connection.fetch(
            "SELECT expression, status::text, next_run > now() AS ahead FROM pgqueuer_schedules"
            " WHERE entrypoint = 'consolidate' ORDER BY id"
        )
    return [dict(row) for row in rows]


async def overdue(database: Database) -> None:
    """As if nobody had been there when it was time."""
    async with database.acquire() as connection:
        await connection.execute(
            "UPDATE pgqueuer_schedules SET next_run = now() - interval '1 hour' WHERE entrypoint = 'consolidate'"
        )


async def ended(athena: Athena, count: int) -> list[Run]:
    async def there() -> bool:
        runs = await athena.consolidation.list()
        return len(runs) >= count and all(run.state != "running" for run in runs)

    await until(there)
    return await athena.consolidation.list()


async def known(athena: Athena) -> bool:
    return bool(await scheduled(athena.database))


async def test_a_night_that_was_missed_is_made_up_for_once_by_one_of_several(
    dsn: str, embedding_server: LlamaServer, test_home: Path
) -> None:
    settings = settings_for(dsn, embedding_server.url, test_home, consolidation={"schedule": _LATER})
    async with built(settings) as athena:
        await until(lambda: known(athena))
        (row,) = await scheduled(athena.database)
        assert (row["expression"], row["status"], row["ahead"]) == (_LATER, "queued", True)
        await athena.memory.remember([*mondays("one"), *mondays("other")], wait_s=30)
        assert await athena.consolidation.list() == []
        await overdue(athena.database)
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(built(settings)) for _ in range(3)]
        runs = await ended(replicas[0], 2)
        await asyncio.sleep(0.5)
        assert [(run.project, run.cause, run.state) for run in runs] == [
            ("other", "schedule", "done"),
            ("one", "schedule", "done"),
        ]
        assert [run.counts["concluded"] for run in runs] == [1, 1]
        assert len(await replicas[1].consolidation.list()) == 2
        (row,) = await scheduled(replicas[0].database)
        assert row["ahead"]


async def test_a_project_where_nothing_is_new_is_left_alone(athena: Athena) -> None:
    await athena.memory.remember([*mondays("old"), *mondays("new")], wait_s=30)
    await athena.consolidation.nightly()
    assert len(await athena.consolidation.list()) == 2
    await athena.consolidation.nightly()
    assert len(await athena.consolidation.list()) == 2
    await athena.memory.remember([NewMemory("Bought a green lamp", scope=Scope("new"))])
    await athena.consolidation.nightly()
    assert [run.project for run in await athena.consolidation.list()] == ["new", "old", "new"]


async def test_what_goes_wrong_with_one_project_keeps_no_other_from_its_turn(athena: Athena) -> None:
    await athena.memory.remember([*mondays("one"), *mondays("other")], wait_s=30)
    async with athena.database.acquire() as connection:
        number = await connection.fetchval("SELECT id FROM project WHERE name = 'one'")
        assert await connection.fetchval("SELECT pg_try_advisory_lock(728364519, $1)", number)
        await athena.consolidation.nightly()
        await connection.execute("SELECT pg_advisory_unlock_all()")
    assert [run.project for run in await athena.consolidation.list()] == ["other"]


async def test_the_other_schedules_and_recalls_go_on_while_it_runs(
    dsn: str, embedding_server: LlamaServer, test_home: Path
) -> None:
    settings = settings_for(dsn, embedding_server.url, test_home, consolidation={"schedule": _LATER})
    async with built(settings) as athena:
        await athena.memory.remember(mondays(), wait_s=30)
        await until(lambda: known(athena))
        await overdue(athena.database)
    async with built(settings, ready=False) as athena, halted(athena.database):

        async def runs() -> bool:
            return bool(await athena.consolidation.list())

        await until(runs)
        (run,) = await athena.consolidation.list()
        assert (run.state, run.interrupted) == ("running", False)

        # The queue is through with it, though the run isn't: nothing waits for it, not even the end of a connection.
        async def queued() -> bool:
            return [row["status"] for row in await scheduled(athena.database)] == ["queued"]

        await until(queued)
        assert (await athena.consolidation.list())[0].state == "running"
        (receipt,) = await athena.memory.remember([NewMemory("The ferry leaves at nine")], wait_s=30)
        assert receipt.embedding == "ready"
        found = await athena.memory.recall("when does the ferry leave?", Filter())
        assert found.hits[0].memory.content == "The ferry leaves at nine"
        athena.consolidation.start_nightly()
        assert len(await athena.consolidation.list()) == 1


async def test_a_run_that_a_crash_cut_off_is_taken_up_at_the_next_night(
    dsn: str, database: Database, embedding_server: LlamaServer, test_home: Path
) -> None:
    environment = {
        "ATHENA_HOME": str(test_home),
        "ATHENA_PORT": str(free_port()),
        "ATHENA_DATABASE_URL": dsn,
        "ATHENA_LOG_LEVEL": "warning",
        "ATHENA_CONSOLIDATION_SCHEDULE": _LATER,
        "LLAMACPP_EMBEDDINGS_URL": embedding_server.url,
        "LLAMACPP_REASONING_URL": f"http://127.0.0.1:{free_port()}",
    }
    base = f"http://127.0.0.1:{environment['ATHENA_PORT']}"
    root = f"{base}/api/v1/consolidation/runs"
    async with httpx.AsyncClient(timeout=60) as http:
        async with server_process(environment) as process:
            await answered(http, f"{base}/health", lambda answer: answer.json()["status"] == "up")
            times = [(MONDAY + timedelta(weeks=week)).isoformat() for week in range(6)]
            bodies = [{"content": RUN, "memory_type": "event", "occurred_at": at} for at in times]
            assert (await http.post(f"{base}/api/v1/memories/batch", json={"memories": bodies})).status_code == 201
            async with halted(database):
                started = await http.post(root, json={})
                assert started.status_code == 202
                process.send_signal(signal.SIGKILL)
                await process.wait()
        assert (await Runs(database).get(started.json()["id"])).interrupted
        await overdue(database)
        async with server_process(environment):
            done = await answered(
                http, f"{root}/{started.json()['id']}", lambda answer: answer.json()["state"] == "done"
            )
            assert done.json()["counts"]["concluded"] == 1
            listed = (await http.get(root)).json()
    assert [run["id"] for run in listed["runs"]] == [started.json()["id"]]
    at = config.Consolidation(schedule=_LATER).next_at
    assert at is not None
    assert datetime.fromisoformat(listed["scheduled_at"]) == at


def test_the_schedule_is_a_setting(tmp_path: Path) -> None:
    (tmp_path / "athena.toml").write_text('[consolidation]\nschedule = "30 4 * * mon-fri"\nmodel = false\n')
    home = {"ATHENA_HOME": str(tmp_path)}
    chosen = config.load(home).consolidation
    assert (chosen.cron, chosen.model, chosen.askingMinutes) == ("30 4 * * mon-fri", False, 60)
    of_the_environment = config.load({**home, "ATHENA_CONSOLIDATION_SCHEDULE": "5 2 * * *"}).consolidation
    assert (of_the_environment.cron, of_the_environment.model) == ("5 2 * * *", False)


@pytest.mark.parametrize("wrong", ["at night", "* * * *", "* * * * * *", "61 * * * *", "0 0 31 2 *", "@daily"])
def test_a_schedule_that_is_none_is_said_at_the_start(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"^ATHENA_CONSOLIDATION_SCHEDULE \(consolidation\.schedule in"):
        config.load({"ATHENA_HOME": str(tmp_path), "ATHENA_CONSOLIDATION_SCHEDULE": wrong})


async def test_without_its_model_nothing_is_asked(dsn: str, test_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the embedding server away, too."""
    monkeypatch.setattr("athena.consolidation.finding._NOT_QUITE", -1.0)
    events = [
        {"content": "Ran along the river before work", "occurred_at": (MONDAY + timedelta(weeks=week)).isoformat()}
        for week in range(6)
    ]
    mind = Mind(Behaviour.HONEST)
    async with hostile_server(mind) as model:
        for asks in (False, True):
            settings = settings_for(dsn, f"http://127.0.0.1:{free_port()}", test_home, consolidation={"model": asks})
            async with built(settings.model_copy(update={"reasoning_url": model}), ready=False) as athena:
                await athena.consolidation.patterns(events, asking_s=20)
            assert bool(mind.prompts) == asks


@pytest.mark.parametrize("off", ["off", "OFF", " off "])
def test_off_is_off_for_the_children_too(off: str, tmp_path: Path) -> None:
    settings = config.load({"ATHENA_HOME": str(tmp_path), "ATHENA_CONSOLIDATION_SCHEDULE": off})
    assert (settings.consolidation.cron, settings.consolidation.next_at) == (None, None)
    assert config.load(child_environment(settings)).consolidation.cron is None
