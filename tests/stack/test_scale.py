"""Several Athenas behind one port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.stack.conftest import add_models
from tests.stack.stack import Stack, run, wait
from tests.stack.test_chaos import check, loaded

REPLICAS = 3
_LONGER_THAN_A_DEFAULT_STOP_S = 8


@pytest.fixture(scope="module")
def several(new_stack: Callable[..., Stack], tiny_models: Path) -> Stack:
    made = new_stack(ATHENA_LOG_LEVEL="debug")
    made.overlays = ("compose.scale.yml",)
    add_models(made, tiny_models)
    made.up("--scale", f"athena={REPLICAS}")
    wait(lambda: len(healthy(made)) == REPLICAS, "all replicas healthy", 90)
    wait(lambda: reachable(made), "the proxy answers", 30)
    return made


def reachable(stack: Stack) -> bool:
    try:
        return httpx.get(f"{stack.url}/health/live", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def healthy(stack: Stack) -> list[str]:
    found = [json.loads(run(["docker", "inspect", name]))[0] for name in stack.containers("athena")]
    return [each["Id"] for each in found if each["State"].get("Health", {}).get("Status") == "healthy"]


def served(stack: Stack, container: str) -> int:
    """How many requests a replica has logged."""
    return run(["sh", "-c", f"docker logs {container} 2>&1"]).count('"path"')


def test_each_takes_its_share_and_the_schema_was_made_once(several: Stack) -> None:
    for number in range(60):
        several.remember(f"note number {number} for the share of each")
    assert all(served(several, container) > 5 for container in several.containers("athena"))
    applied = several.exec(
        *(
            "postgres",
            "psql",
            "-U",
            "athena",
            "-d",
            "athena",
            "-Atc",
            "SELECT count(*), count(DISTINCT version) FROM schema_migration",
        )
    )
    once, different = applied.strip().split("|")
    assert once == different


def test_what_one_was_told_all_know(several: Stack) -> None:
    kept = several.remember_embedded("Erin hid the key under the stone")
    for _ in range(3 * REPLICAS):
        assert several.recall("where is the key?")[0]["id"] == kept["id"]


def test_one_port_on_loopback_and_host_still_checked(several: Stack) -> None:
    status = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"]
    assert run([*status, "-H", "Host: evil.example", f"{several.url}/tools/list"]) == "403"
    assert run([*status, f"{several.url}/tools/list"]) == "200"


async def test_a_rolling_restart_under_load_loses_no_request(several: Stack) -> None:
    async with loaded(several) as load:
        for container in several.containers("athena"):
            await asyncio.sleep(1)
            await asyncio.to_thread(run, ["docker", "restart", "--time", "60", container])
            await asyncio.to_thread(wait, lambda: len(healthy(several)) == REPLICAS, "back", 60)
    assert {status for status in load.ledger.seen if status not in ("200", "201", "stored, answer lost")} == set()
    await check(several, load.ledger)


async def test_a_request_that_takes_long_outlives_the_restart_of_its_replica(several: Stack) -> None:
    """The model is held while every Athena in turn is told to stop; then the answer comes all the same."""
    several.compose("pause", "llamacpp-embeddings")
    try:
        async with httpx.AsyncClient(base_url=several.url, timeout=120) as http:
            body = {"content": "Frank tunes the piano"}
            asking = asyncio.create_task(http.post("/api/v1/memories?wait=true", json=body))
            await asyncio.sleep(1)
            stopping = [
                asyncio.create_task(asyncio.to_thread(run, ["docker", "stop", "--time", "60", each]))
                for each in several.containers("athena")
            ]
            await asyncio.sleep(_LONGER_THAN_A_DEFAULT_STOP_S)
            assert not asking.done()
            several.compose("unpause", "llamacpp-embeddings")
            answer = await asking
            await asyncio.gather(*stopping)
    finally:
        several.compose("unpause", "llamacpp-embeddings", check=False)
        several.compose("start", "athena")
    assert answer.status_code == 201, answer.text
    assert answer.json()["embedding"] == "ready"
    await asyncio.to_thread(wait, lambda: len(healthy(several)) == REPLICAS, "back", 60)


def test_each_vector_is_made_by_one_worker(several: Stack) -> None:
    before = embedded(several)
    for number in range(40):
        several.remember(f"job number {number} is done once")
    wait(lambda: several.report()["pending"] == 0, "all embedded", 60)
    assert embedded(several) - before == 40


def embedded(stack: Stack) -> int:
    """Texts that the workers of all replicas say they have embedded."""
    lines = [
        line
        for each in stack.containers("athena")
        for line in run(["sh", "-c", f"docker logs {each} 2>&1"]).splitlines()
    ]
    return sum(json.loads(line)["texts"] for line in lines if '"embedding stored"' in line)
