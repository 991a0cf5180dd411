"""What state the parts are in that the memory stands on."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from athena.errors import AthenaError
from athena.memory.generations import Generations
from athena.store.pool import Database
from athena.store.sql import statements

_SQL = statements("embedding")
_VERSIONS = statements("health")["versions"]
_TIMEOUT_S = 3.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PartHealth:
    """`detail` says why it isn't up, `hint` what mends it.

    `version`, `model` and what else there is `about` it are what the part said just now: nothing of one that is down.
    """

    state: Literal["up", "degraded", "down"]
    detail: str | None = None
    hint: str | None = None
    latency_ms: float | None = None
    version: str | None = None
    model: str | None = None
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many memories wait for a vector of the serving generation; `stuck`: refused five times or more."""

    pending: int = 0
    stuck: int = 0
    last_error: str | None = None


async def postgres(database: Database) -> PartHealth:
    try:
        return await _within(_TIMEOUT_S, _seen(database))
    except AthenaError as exc:
        return PartHealth("down", exc.message, exc.hint)
    except TimeoutError:
        return PartHealth("down", f"no answer within {_TIMEOUT_S:.0f} s", "athena logs postgres")


async def _seen(database: Database) -> PartHealth:
    latency_ms = round(await database.ping(), 2)
    async with database.acquire() as connection:
        row = await connection.fetchrow(_VERSIONS)
    about = {name: str(row[name]) for name in ("pgvector", "schema")}
    return PartHealth("up", latency_ms=latency_ms, version=row["version"], about=about)


async def _within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Raises `TimeoutError` on time: to end a statement that a silent server has takes the driver seconds more."""
    task = asyncio.create_task(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if done:
            return task.result()
        raise TimeoutError
    finally:
        if not task.done():
            task.add_done_callback(_let_go)
            task.cancel()


def _let_go(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()


async def embedding(generations: Generations) -> PartHealth:
    """Up: the server of the serving generation answers with that generation's model."""
    try:
        info = await _within(_TIMEOUT_S, generations.reach())
    except AthenaError as exc:
        return PartHealth("down", exc.message, exc.hint)
    except TimeoutError:
        return PartHealth("degraded", f"busy: no answer within {_TIMEOUT_S:.0f} s")
    return PartHealth("up", version=info.build, model=info.model)


async def backlog(database: Database) -> Backlog:
    async with database.acquire() as connection:
        for row in await connection.fetch(_SQL["pending"]):
            if row["state"] == "serving":
                return Backlog(row["pending"], row["stuck"], row["last_error"])
        # No embedding server has been seen yet: everything waits for one.
        return Backlog(await connection.fetchval(_SQL["count_memories"]))
