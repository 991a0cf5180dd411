"""What the egress tests share: models at scripted providers, a policy in milliseconds, and sums that must come out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from athena import http
from athena.gateway.egress import Egress, Exhausted, Policy
from athena.gateway.types import Answer, Attempt, Model, Outgoing, Provider, StreamBroken, Wire
from tests.integration.upstream import Upstream, upstream

# As the product's, in milliseconds where it has seconds.
QUICK = {
    "connect_s": 0.5,
    "first_byte_s": 1.0,
    "local_first_byte_s": 1.0,
    "between_bytes_s": 0.3,
    "whole_s": 2.0,
    "commit_after_s": 1.0,
    "deadline_s": 2.0,
    "pause_s": 0.01,
    "longest_pause_s": 0.05,
    "patience_s": 0.2,
    "ill_after": 100,
}


def model_at(url: str, name: str = "one", wire: Wire = "anthropic", **facts: Any) -> Model:
    local = facts.pop("local", False)
    provider = Provider(name, wire, url, local, "anthropic" if wire == "anthropic" else "generic")
    return Model(provider, "model", **facts)


async def prepared(model: Model) -> Outgoing:
    return Outgoing(model, "/v1/messages", (("x-api-key", "k"), ("content-type", "application/json")), b"{}", False)


@dataclass(slots=True)
class Bench:
    """Two providers and an egress. `failed`: what `on_attempt` was told of."""

    egress: Egress
    one: Upstream
    two: Upstream
    failed: list[Attempt] = field(default_factory=list)

    @property
    def models(self) -> list[Model]:
        return [model_at(self.one.url, "one"), model_at(self.two.url, "two")]

    async def send(self, *models: Model, stream: bool = False, **more: Any) -> Answer:
        asked = models or tuple(self.models)
        more.setdefault("prepare", prepared)
        return await self.egress.send(asked, stream=stream, on_attempt=self.failed.append, **more)

    async def read(self, *models: Model, **more: Any) -> tuple[Answer, bytes]:
        answer = await self.send(*models, stream=True, **more)
        return answer, await read(answer)

    async def exhausted(self, *models: Model, **more: Any) -> Exhausted:
        try:
            answer = await self.send(*models, **more)
        except Exhausted as exc:
            return exc
        await close(answer)
        raise AssertionError(f"{answer.model.name} answered")

    def kinds(self) -> list[str]:
        return [attempt.failure.kind for attempt in self.failed if attempt.failure]


@asynccontextmanager
async def bench(**policy: Any) -> AsyncIterator[Bench]:
    """Afterwards no task is left, and no connection that isn't at rest."""
    before = asyncio.all_tasks()
    async with upstream() as one, upstream() as two:
        channel = http.channel(max_connections=32)
        made = Bench(Egress(channel, Policy(**{**QUICK, **policy})), one, two)
        yield made
        await one.idle()
        await two.idle()
        async with asyncio.timeout(2):
            # What was aborted is gone one turn of the loop later; what is still at work never is.
            while len(channel._open) != sum(len(kept) for kept in channel._idle.values()):
                await asyncio.sleep(0.005)
        await channel.aclose()
    await asyncio.sleep(0.01)
    left = {task for task in asyncio.all_tasks() - before if "serve" not in repr(task)}
    assert not left, "a task was left behind"


async def read(answer: Answer, each: Callable[[bytes], None] = lambda _: None) -> bytes:
    """All chunks; closes them. Raises `StreamBroken`."""
    assert answer.chunks is not None
    said = []
    try:
        async for piece in answer.chunks:
            each(piece)
            said.append(piece)
    finally:
        await close(answer)
    return b"".join(said)


async def broken(answer: Answer) -> tuple[bytes, StreamBroken]:
    said: list[bytes] = []
    try:
        await read(answer, said.append)
    except StreamBroken as exc:
        return b"".join(said), exc
    raise AssertionError("the stream wasn't broken")


async def close(answer: Answer) -> None:
    if answer.chunks is not None:
        await answer.chunks.aclose()  # type: ignore[attr-defined]


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
