"""`python -m athena.server` as it is really run: a process with an environment, signals and a port."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from athena.store.keys import Keys
from athena.store.pool import Database
from tests.integration.api_server import answered, free_port, server_process
from tests.integration.conftest import LlamaServer

MAX_RSS = 200 * 1024 * 1024


@pytest.fixture
def environment(dsn: str, embedding_server: LlamaServer, test_home: Path) -> dict[str, str]:
    return {
        "ATHENA_HOME": str(test_home),
        "ATHENA_PORT": str(free_port()),
        "ATHENA_DATABASE_URL": dsn,
        "ATHENA_LOG_FORMAT": "json",
        "LLAMACPP_EMBEDDINGS_URL": embedding_server.url,
        "LLAMACPP_REASONING_URL": f"http://127.0.0.1:{free_port()}",
    }


@asynccontextmanager
async def up(environment: dict[str, str]) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
    base = f"http://127.0.0.1:{environment['ATHENA_PORT']}"
    async with server_process(environment) as process, httpx.AsyncClient(base_url=base, timeout=30) as http:
        await answered(http, "/health/ready", lambda answer: answer.status_code == 200)
        yield process, http


async def ended(process: asyncio.subprocess.Process, seconds: float = 10) -> tuple[int | None, str]:
    async with asyncio.timeout(seconds):
        _, err = await process.communicate()
    return process.returncode, err.decode()


async def test_it_serves_logs_its_latencies_and_ends_when_told(environment: dict[str, str]) -> None:
    async with up(environment) as (process, http):
        stored = await http.post("/tools/remember/execute?wait=true", json={"content": "alice likes tea"})
        assert stored.json()["result"]["embedding"] == "ready"
        await http.post("/tools/recall/execute", json={"query": "tea"})
        process.send_signal(signal.SIGTERM)
        code, err = await ended(process)
    assert code == 0
    lines = [json.loads(line) for line in err.splitlines()]
    recalls = [line for line in lines if line.get("path") == "/tools/recall/execute"]
    assert [line["status"] for line in recalls] == [200]
    assert {"latency_ms", "embedding_ms", "search_ms"} <= recalls[0].keys()


async def test_a_request_in_flight_is_finished_before_the_end(environment: dict[str, str]) -> None:
    async with up(environment) as (process, http):
        memories = [{"content": f"number {n}"} for n in range(1000)]
        asking = asyncio.create_task(http.post("/api/v1/memories/batch", json={"memories": memories}))
        await asyncio.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert (await asking).status_code == 201
        code, _ = await ended(process)
    assert code == 0


async def test_before_it_goes_it_says_so_and_serves_on(environment: dict[str, str]) -> None:
    """For whoever spreads requests over several of it."""
    async with up({**environment, "ATHENA_LEAVE_S": "2"}) as (process, http):
        process.send_signal(signal.SIGTERM)
        told = await answered(http, "/health/live", lambda answer: answer.status_code == 503, 1)
        assert told.json()["error"]["code"] == "unavailable"
        assert (await http.get("/health/ready")).status_code == 503
        assert (await http.post("/tools/remember/execute", json={"content": "one more"})).status_code == 200
        code, _ = await ended(process)
    assert code == 0


async def test_a_second_signal_does_not_wait(environment: dict[str, str]) -> None:
    async with up({**environment, "ATHENA_LEAVE_S": "60"}) as (process, http):
        process.send_signal(signal.SIGTERM)
        await answered(http, "/health/live", lambda answer: answer.status_code == 503, 1)
        process.send_signal(signal.SIGTERM)
        await ended(process, 5)


async def test_a_wrong_setting_is_one_line_and_exit_2(environment: dict[str, str]) -> None:
    async with server_process({**environment, "ATHENA_PORT": "many"}) as process:
        code, err = await ended(process, 20)
    assert code == 2
    assert len(err.splitlines()) == 1
    assert "ATHENA_PORT" in err


async def test_a_taken_port_is_one_line_and_exit_1(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(environment["ATHENA_PORT"]))):
        async with server_process(environment) as process:
            code, err = await ended(process, 20)
    assert code == 1
    assert len(err.splitlines()) == 1
    assert environment["ATHENA_PORT"] in err
    assert "ATHENA_PORT" in err


async def test_the_network_needs_a_key_before_it_is_served(environment: dict[str, str]) -> None:
    exposed = {**environment, "ATHENA_EXPOSURE": "network", "ATHENA_HOST": "0.0.0.0"}
    async with server_process(exposed) as process:
        code, err = await ended(process, 30)
    assert code == 2
    assert "athena keys create" in err.splitlines()[-1]
    database = Database(environment["ATHENA_DATABASE_URL"])
    key = await Keys(database).create("ada")
    await database.close()
    base = f"http://127.0.0.1:{environment['ATHENA_PORT']}"
    async with server_process(exposed) as process, httpx.AsyncClient(base_url=base) as http:
        await answered(http, "/health/live", lambda answer: answer.status_code == 200)
        assert (await http.get("/health")).status_code == 401
        assert (await http.get("/health", headers={"x-api-key": key})).status_code == 200
        process.send_signal(signal.SIGTERM)
        code, err = await ended(process)
    assert code == 0
    assert key not in err


async def test_a_body_over_the_limit_gets_its_answer(environment: dict[str, str]) -> None:
    async with up({**environment, "ATHENA_MAX_BODY_BYTES": "100000"}) as (_, http):
        for size in (100_001, 300_000):
            answer = await http.post("/tools/remember/execute", content=b"x" * size)
            assert answer.status_code == 413
            assert answer.json()["error"]["code"] == "too_large"
        assert (await http.post("/tools/remember/execute", json={"content": "small"})).status_code == 200


async def test_without_a_database_url_it_brings_its_own_postgresql(
    environment: dict[str, str], embedding_server: LlamaServer, test_home: Path
) -> None:
    # The home's PostgreSQL is the one of this test run: it is found running, used, and left running.
    del environment["ATHENA_DATABASE_URL"]
    async with up(environment) as (process, http):
        assert (await http.get("/health")).json()["parts"]["postgres"]["state"] == "up"
        process.send_signal(signal.SIGTERM)
        code, _ = await ended(process)
    assert code == 0


@pytest.mark.slow
async def test_it_stays_small(environment: dict[str, str]) -> None:
    """At most 200 MB after 3,000 requests; the memory benchmark asks 10,000 times."""
    async with up({**environment, "ATHENA_LOG_LEVEL": "warning"}) as (process, http):
        await http.post("/tools/remember/execute", json={"content": "alice likes tea"})
        queue = iter(range(3_000))

        async def ask() -> None:
            for n in queue:
                path = "/tools/recall/execute" if n % 4 == 0 else "/tools/remember/execute"
                body = {"query": "tea"} if n % 4 == 0 else {"content": f"memory {n % 50} of tea"}
                assert (await http.post(path, json=body)).status_code == 200

        await asyncio.gather(*(ask() for _ in range(8)))
        assert psutil.Process(process.pid).memory_info().rss < MAX_RSS
