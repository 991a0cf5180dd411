"""Every process killed again and again under load: what was acknowledged is there, once, and embedded in the end.

`ATHENA_CHAOS_KILLS` is how often each process is killed (`make chaos`: fifty times),
`ATHENA_CHAOS_SEED` chooses the moments.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from athena.config import Settings
from athena.runtime import control, stack
from athena.runtime.ports import State
from tests.fakes.tiny_models import tiny_embedder
from tests.integration import chaos
from tests.integration.api_server import answered

KILLS = int(os.environ.get("ATHENA_CHAOS_KILLS", "2"))
SEED = int(os.environ.get("ATHENA_CHAOS_SEED", str(random.randrange(10**6))))
WRITERS = 4
# What a killed worker had claimed comes back when its lease of half a minute is over.
EMBEDDED_S = 120


@pytest.fixture
def settings() -> Iterator[Settings]:
    home = Path(tempfile.mkdtemp(prefix="athena-crash-"))
    home.chmod(0o711)
    ports = _ports(3)
    yield Settings(
        home=home,
        port=ports[0],
        embeddings_port=ports[1],
        reasoning_port=ports[2],
        embedding_model=str(tiny_embedder(home, 32)),
        log_level="warning",
        log_format="json",
    )
    shutil.rmtree(home, ignore_errors=True)


def _ports(count: int) -> list[int]:
    """Free ones below those that the system gives to clients: such a one may be taken while its server is down."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as probe:
            port = random.randrange(15_000, 30_000)
            if port not in found and probe.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
    return found


@pytest.mark.timeout(240 + 30 * KILLS)
async def test_nothing_acknowledged_is_lost_when_every_process_is_killed_under_load(settings: Settings) -> None:
    began = time.monotonic()
    base = f"http://127.0.0.1:{settings.port}"
    async with (
        chaos.running(settings) as host,
        httpx.AsyncClient(base_url=base, timeout=chaos.READ_S, trust_env=False) as http,
    ):
        load = chaos.Load(http)
        clients = [asyncio.create_task(job) for job in (load.ask(), *(load.write() for _ in range(WRITERS)))]
        killed = await chaos.kill(settings, KILLS, SEED)
        load.stop.set()
        await asyncio.gather(*clients)

        ledger = load.ledger
        print(f"\nseed {SEED}: {KILLS} kills of each, {time.monotonic() - began:.0f} s, {dict(ledger.seen)}")
        assert ledger.wrong == [], "\n".join(_complaints(settings))
        assert [len(set(killed[name])) for name in chaos.PARTS] == [KILLS] * len(chaos.PARTS)
        assert ledger.seen["503"] > 0, "no request came while PostgreSQL was away"
        assert ledger.seen["ConnectError"] > 0, "no request came while the API was away"
        await answered(http, "/health", lambda answer: answer.json()["pending"] == 0, EMBEDDED_S)
        await _nothing_is_lost_or_doubled(http, ledger)
        parts = stack.statuses(await control.call(settings, "settle"))
        assert {part.name: part.state for part in parts if part.state is not State.ABSENT} == dict.fromkeys(
            chaos.PARTS, State.READY
        )
        assert len(_processes(settings)) > len(chaos.PARTS)
        print(f"all {len(ledger.acknowledged)} acknowledged memories embedded after {time.monotonic() - began:.0f} s")
    assert host.returncode == 0
    assert _processes(settings) == []
    assert _complaints(settings) == []


async def _nothing_is_lost_or_doubled(http: httpx.AsyncClient, ledger: chaos.Ledger) -> None:
    memories = await chaos.stored(http)
    times = Counter(memory["content"] for memory in memories)
    assert ledger.acknowledged, "nothing was ever acknowledged"
    assert ledger.acknowledged - times.keys() == set()
    assert [content for content, count in times.items() if count > 1] == []
    assert {memory["embedding"] for memory in memories} == {"ready"}
    halves = [group for group in ledger.groups if 0 < sum(content in times for content in group) < len(group)]
    assert halves == [], "a batch was stored in part"
    for content in random.sample(sorted(ledger.acknowledged), min(10, len(ledger.acknowledged))):
        found = await http.post("/api/v1/memories/search", json={"query": content, "project": chaos.PROJECT})
        assert found.json()["degraded"] == []
        assert found.json()["memories"][0]["content"] == content


def _processes(settings: Settings) -> list[str]:
    """The command lines of what runs for this home."""
    found = []
    for process in psutil.process_iter():
        try:
            command = " ".join(process.cmdline())
            if str(settings.home) in f"{command} {process.environ()}":
                found.append(command)
        except psutil.Error:
            continue
    return found


def _complaints(settings: Settings) -> list[str]:
    """What the API itself calls an error: none of it is one, if parts that are away are expected."""
    found = []
    for log in settings.logs_dir.glob("api.log*"):
        for line in log.read_text(errors="replace").splitlines():
            try:
                level = json.loads(line)["level"]
            except (ValueError, KeyError, TypeError):
                level = "error"
            if level in ("error", "critical"):
                found.append(line[:2000])
    return found
