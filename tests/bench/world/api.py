"""Athena as its clients see it: HTTP to a process of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from athena import http

_LOOK_S = 0.02
_PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Api:
    """`pid` is the server's; `outbox` a connection that watches what is still to be embedded, for next to nothing."""

    http: httpx.AsyncClient
    outbox: asyncpg.Connection[asyncpg.Record]
    pid: int

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str, dsn: str, pid: int) -> AsyncIterator[Api]:
        outbox = await asyncpg.connect(dsn)
        try:
            async with http.client(base_url=url, read_s=120) as client:
                yield cls(client, outbox, pid)
        finally:
            await outbox.close()

    async def up(self) -> bool:
        try:
            answer = await self.http.get("/health")
        except httpx.TransportError:
            return False
        return bool(answer.status_code == 200 and answer.json()["status"] == "up")

    async def batch(self, memories: Sequence[dict[str, Any]]) -> None:
        answer = await self.http.post("/api/v1/memories/batch", json={"memories": memories})
        answer.raise_for_status()

    async def tool(self, name: str, **arguments: Any) -> Any:
        answer = await self.http.post(f"/tools/{name}/execute", json=arguments)
        answer.raise_for_status()
        return answer.json()["result"]

    async def embedded(self, project: str) -> None:
        """Returns once nothing is owed, which the API confirms. Raises `TimeoutError`."""
        deadline = time.monotonic() + _PATIENCE_S
        while await self.outbox.fetchval("SELECT EXISTS (SELECT FROM embedding_todo)"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{project}: memories still wait for their vectors")
            await asyncio.sleep(_LOOK_S)
        seen = await self.tool("recall", query="is all of it there", limit=1, project=project)
        if seen["pending"] or seen["degraded"]:
            raise RuntimeError(f"{project}: pending {seen['pending']}, degraded {seen['degraded']}")
