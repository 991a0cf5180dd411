"""A whole stack that is killed part by part, and the clients that go on using it meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from athena.config import Settings
from athena.errors import StackError
from athena.runtime import control, stack
from athena.runtime.environment import environment
from athena.runtime.ports import State, Status
from tests.fakes.tiny_models import WORDS

PARTS = ("postgres", "embeddings", "api")
PROJECT = "chaos"
READ_S = 30.0
_READY_S = 120.0
_POLL_S = 0.05
_BATCH = 5
# Restarts come ever later when a process ends soon after its start. An orderly restart in
# between starts that anew, so that the stack is under load most of the time, not waiting.
_KILLS_IN_A_ROW = 2
_SHARE_AT_ONCE = 0.25


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """`athena run`, ready; at the end interrupted, as Ctrl-C does. What it prints is in <home>/run.txt."""
    with (settings.home / "run.txt").open("wb") as printed:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "athena", "run"),
            env={**os.environ, **environment(settings)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=printed,
            stderr=asyncio.subprocess.STDOUT,
        )
    try:
        for name in PARTS:
            await ready(settings, name)
        yield process
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(60):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def statuses(settings: Settings) -> dict[str, Status]:
    return {status.name: status for status in stack.statuses(await control.call(settings, "status"))}


async def ready(settings: Settings, name: str, *, but: int | None = None) -> int:
    """The pid of this part once it serves, and isn't the one that was killed."""
    status: Status | None = None
    give_up_at = time.monotonic() + _READY_S
    while time.monotonic() < give_up_at:
        with contextlib.suppress(control.NotRunning):
            status = (await statuses(settings))[name]
            if status.state is State.READY and status.pid is not None and status.pid != but:
                return status.pid
        await asyncio.sleep(_POLL_S)
    printed = (settings.home / "run.txt").read_text()
    raise AssertionError(f"not ready after {_READY_S:.0f} s: {status}\n{printed}")


async def kill(settings: Settings, times: int, seed: int) -> dict[str, list[int]]:
    """SIGKILL each part `times` times, in turn, each at some moment under load; the pids.

    Mostly all of them serve before the next one is killed, sometimes the last one is still away.
    """
    chance = random.Random(seed)
    killed: dict[str, list[int]] = {name: [] for name in PARTS}
    for turn in range(times):
        for name in PARTS:
            awaited = (name,) if chance.random() < _SHARE_AT_ONCE else PARTS
            if turn and turn % _KILLS_IN_A_ROW == 0:
                await _restart(settings, name, killed[name][-1])
            for other in awaited:
                await ready(settings, other, but=next(reversed(killed[other]), None))
            await asyncio.sleep(chance.uniform(0.1, 1.0))
            pid = await ready(settings, name, but=next(reversed(killed[name]), None))
            os.kill(pid, signal.SIGKILL)
            killed[name].append(pid)
    for name in PARTS:
        await ready(settings, name, but=killed[name][-1])
    return killed


async def _restart(settings: Settings, name: str, killed: int) -> None:
    await ready(settings, name, but=killed)
    with contextlib.suppress(StackError):  # what it needs is away: it is started later, by itself
        await control.call(settings, "restart", part=name)


@dataclass(slots=True)
class Ledger:
    """What the clients know. `groups`: contents that were sent in one request. `wrong`: what must never be seen."""

    groups: list[tuple[str, ...]] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Load:
    """Clients that write and ask until `stop` is set, and finish what they began."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.ledger = Ledger()
        self.stop = asyncio.Event()
        self._http = http
        self._numbers = itertools.count()

    async def ask(self) -> None:
        while not self.stop.is_set():
            query = {"query": f"what about {random.choice(WORDS)}", "project": PROJECT}
            answer = await self._send("/api/v1/memories/search", query)
            if answer is not None and not set(answer["degraded"]) <= {"embedding"}:
                self.ledger.wrong.append(f"degraded: {answer['degraded']}")
            await asyncio.sleep(0.1)

    async def write(self) -> None:
        """In turns: one memory, one with a key, a batch with a key, all repeated until they are
        acknowledged; and one that is sent once, whatever becomes of it."""
        for turn in itertools.cycle(range(4)):
            if self.stop.is_set():
                return
            group = tuple(self._content() for _ in range(_BATCH if turn == 2 else 1))
            self.ledger.groups.append(group)
            body, path = _request(group)
            key = f"key-{group[0]}".replace(" ", "-") if turn in (1, 2) else None
            if await self._sent(path, body, key, repeated=turn != 3):
                self.ledger.acknowledged.update(group)
            await asyncio.sleep(0.02)

    async def _sent(self, path: str, body: dict[str, Any], key: str | None, *, repeated: bool) -> bool:
        while await self._send(path, body, key) is None:
            if not repeated:
                return False
            await asyncio.sleep(0.1)
        return True

    def _content(self) -> str:
        return f"{' '.join(random.choices(WORDS, k=8))} n{next(self._numbers)}"

    async def _send(self, path: str, body: dict[str, Any], key: str | None = None) -> Any:
        """The answer; None where there was none, or a 503."""
        ledger = self.ledger
        try:
            answer = await self._http.post(path, json=body, headers={"idempotency-key": key} if key else None)
        except httpx.TransportError as exc:
            ledger.seen[type(exc).__name__] += 1
            if isinstance(exc, httpx.ReadTimeout):
                ledger.wrong.append(f"{path}: silence for {READ_S:.0f} s")
            return None
        ledger.seen[str(answer.status_code)] += 1
        if answer.is_success:
            found = answer.json()
            # No text is sent twice on purpose: the first answer was lost after the commit.
            ledger.seen["stored, answer lost"] += found.get("status") == "duplicate"
            return found
        if answer.status_code != 503 or "retry-after" not in answer.headers:
            ledger.wrong.append(f"{path}: {answer.status_code} {answer.text}")
        return None


def _request(group: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    memories = [{"content": content, "project": PROJECT} for content in group]
    if len(memories) == 1:
        return memories[0], "/api/v1/memories"
    return {"memories": memories}, "/api/v1/memories/batch"


async def stored(http: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Every memory that is there."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await http.get("/api/v1/memories", params={"project": PROJECT, "limit": 500, **cursor})
        page = answer.raise_for_status().json()
        found += page["memories"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}
