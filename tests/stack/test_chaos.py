"""Each container killed, paused, cut off, restarted and starved in turn, under load: nothing acknowledged is lost.

`ATHENA_CHAOS_ROUNDS` is how often all of it is done.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration import chaos
from tests.stack.conftest import add_models
from tests.stack.stack import SERVING, Stack, run

ROUNDS = int(os.environ.get("ATHENA_CHAOS_ROUNDS", "1"))
WRITERS = 2
_BACK_S = 90.0
_EMBEDDED_S = 150.0
# Longer than Athena waits for an answer before it says that there was none.
_PAUSE_S = 6.0
# What /health calls them.
_PART = {
    "postgres": "postgres",
    "llamacpp-embeddings": "embedding",
    "llamacpp-reasoning": "reasoning",
    "compressor": "compressor",
}

Fault = Callable[[Stack, str], None]


def kill(stack: Stack, service: str) -> None:
    """The process itself: what `docker kill` ends, the engine doesn't start again."""
    os.kill(stack.inspect(service)["State"]["Pid"], signal.SIGKILL)


def pause(stack: Stack, service: str) -> None:
    stack.compose("pause", service)
    time.sleep(_PAUSE_S)
    stack.compose("unpause", service)


def disconnect(stack: Stack, service: str) -> None:
    container = stack.container(service)
    networks = list(stack.inspect(service)["NetworkSettings"]["Networks"])
    for network in networks:
        run(["docker", "network", "disconnect", network, container])
    time.sleep(_PAUSE_S)
    for network in networks:
        run(["docker", "network", "connect", "--alias", service, network, container])


def restart(stack: Stack, service: str) -> None:
    stack.compose("restart", "--timeout", "10", service)


def starve(stack: Stack, service: str) -> None:
    """Memory is used up until the kernel ends the service, which is first in its line."""
    script = "echo 1000 > /proc/1/oom_score_adj; head -c 8G /dev/zero | tail -c 8G > /dev/null"
    stack.exec(service, "sh", "-c", script, check=False)


FAULTS: tuple[Fault, ...] = (kill, pause, disconnect, restart, starve)
ENDS: tuple[Fault, ...] = (kill, restart, starve)
CUTS: tuple[Fault, ...] = (pause, disconnect)


@pytest.fixture(scope="module")
def victim(new_stack: Callable[..., Stack], tiny_models: Path) -> Stack:
    made = new_stack()
    add_models(made, tiny_models)
    made.up()
    made.wait_healthy()
    return made


@asynccontextmanager
async def loaded(stack: Stack) -> AsyncIterator[chaos.Load]:
    """Clients at work for the length of the block; then everything they know is checked by who holds the block."""
    timeout = httpx.Timeout(chaos.READ_S, connect=5)
    async with httpx.AsyncClient(base_url=stack.url, timeout=timeout) as http:
        load = chaos.Load(http)
        tasks = [asyncio.create_task(load.ask()), *(asyncio.create_task(load.write()) for _ in range(WRITERS))]
        try:
            yield load
        finally:
            load.stop.set()
            await asyncio.gather(*tasks)


async def back(stack: Stack, service: str) -> float:
    """Seconds until the service is healthy and Athena has nothing to complain of."""
    started = time.monotonic()
    async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http:
        while True:
            with contextlib.suppress(httpx.TransportError, json.JSONDecodeError):
                report = (await http.get("/health")).json()
                healthy = await asyncio.to_thread(stack.health, service) == "healthy"
                if healthy and all(part["state"] == "up" for part in report["parts"].values()):
                    return time.monotonic() - started
            took = time.monotonic() - started
            assert took < _BACK_S, f"{service} isn't back after {took:.0f} s"
            await asyncio.sleep(0.2)


@asynccontextmanager
async def watched(stack: Stack) -> AsyncIterator[list[dict[str, Any]]]:
    """What /health says of the parts meanwhile."""
    said: list[dict[str, Any]] = []

    async def watch() -> None:
        async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http:
            while True:
                with contextlib.suppress(httpx.TransportError, json.JSONDecodeError):
                    said.append((await http.get("/health")).json()["parts"])
                await asyncio.sleep(0.2)

    watching = asyncio.create_task(watch())
    try:
        yield said
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_faults_in_turn_under_load_lose_nothing(victim: Stack) -> None:
    took: dict[tuple[str, str], float] = {}
    async with loaded(victim) as load:
        for _ in range(ROUNDS):
            for service in SERVING:
                for fault in FAULTS:
                    await asyncio.sleep(0.5)
                    before = victim.inspect(service)["State"]["StartedAt"]
                    async with watched(victim) as said:
                        await asyncio.to_thread(fault, victim, service)
                    if fault in CUTS and service in _PART:
                        away = [parts[_PART[service]] for parts in said if parts[_PART[service]]["state"] != "up"]
                        assert away, f"/health never said that {service} is away ({fault.__name__})"
                        assert all(part["detail"] and part["version"] is None for part in away)
                    took[service, fault.__name__] = await back(victim, service)
                    began_anew = victim.inspect(service)["State"]["StartedAt"] != before
                    assert began_anew == (fault in ENDS), f"{fault.__name__} of {service}"
    await check(victim, load.ledger)
    for (service, name), seconds in took.items():
        print(f"{service:22} {name:12} back after {seconds:5.1f} s")


async def check(stack: Stack, ledger: chaos.Ledger) -> None:
    async with httpx.AsyncClient(base_url=stack.url, timeout=60) as http:
        there = [memory["content"] for memory in await chaos.stored(http)]
        counted = Counter(there)
        assert ledger.wrong == []
        assert [content for content, times in counted.items() if times > 1] == []
        assert ledger.acknowledged - set(there) == set()
        for group in ledger.groups:
            assert len({content in counted for content in group}) == 1, "a batch is there whole or not at all"
        print(f"{len(ledger.acknowledged)} acknowledged, all there once; answers: {dict(ledger.seen)}")
        ends = time.monotonic() + _EMBEDDED_S
        while (await http.get("/health")).json()["pending"]:
            assert time.monotonic() < ends, "not everything was embedded"
            await asyncio.sleep(0.5)
