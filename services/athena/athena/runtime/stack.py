"""The stack of one home: which parts it has, who may host it, what can be asked of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from athena.config import Settings
from athena.errors import InvalidInput, StackError
from athena.runtime import catalogue, control, home, parts, postgres
from athena.runtime.compressor import CompressorPart
from athena.runtime.lock import FileLock
from athena.runtime.ports import State, Status
from athena.runtime.process import end_leftover
from athena.runtime.supervisor import Supervisor

SECOND_EMBEDDER = "embeddings-next"


class AlreadyRunning(StackError):
    """Another process hosts the stack of this home."""

    code = "already_running"


@dataclass(frozen=True, slots=True)
class StackInfo:
    """A stack that runs. `started`: by whom asks, who therefore stops it."""

    url: str
    dsn: str
    parts: tuple[Status, ...]
    started: bool


def assemble(settings: Settings) -> Supervisor:
    """All parts, none started. Model servers need nothing, so that they load while PostgreSQL starts."""
    supervisor = Supervisor()
    database = supervisor.add(postgres.PostgresPart(settings), vital=True)
    supervisor.add(_embedder(settings))
    supervisor.add(_reasoner(settings))
    supervisor.add(CompressorPart(settings))
    supervisor.add(parts.ApiPart(settings), needs=(database.part.name,), vital=True)
    return supervisor


def _embedder(settings: Settings) -> parts.ModelPart:
    url = settings.embeddings_url if "embeddings_url" in settings.model_fields_set else None
    port = settings.embeddings_port
    return parts.ModelPart(settings, "embedding", parts.home_embedder, name=parts.EMBEDDINGS, port=port, url=url)


def _reasoner(
    settings: Settings, choose: parts.Choose = parts.present_reasoner, port: int | None = None
) -> parts.ModelPart:
    url = settings.reasoning_url if "reasoning_url" in settings.model_fields_set and port is None else None
    port = port or settings.reasoning_port
    return parts.ModelPart(settings, "reasoning", choose, name=parts.REASONING, port=port, url=url)


class Stack:
    """What the control socket can ask for."""

    def __init__(self, settings: Settings, supervisor: Supervisor) -> None:
        self.settings = settings
        self.supervisor = supervisor
        self.stop_asked = asyncio.Event()
        self.closing = False
        self._operations: dict[str, Callable[..., Awaitable[Any]]] = {
            "status": self._status,
            "settle": supervisor.settle,
            "start": self._start,
            "ensure": self._ensure,
            "stop": self._stop,
            "restart": self._restart,
            "start-reasoning": self._start_reasoning,
            "start-embeddings": self._start_embeddings,
            "remove": supervisor.remove,
            "shutdown": self._shutdown,
        }

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        arguments = dict(request)
        operation = self._operations.get(str(arguments.pop("do", "")))
        if operation is None:
            raise InvalidInput(f"unknown request; there are {', '.join(self._operations)}")
        if self.closing and operation not in (self._status, self._shutdown):
            raise StackError("Athena is being stopped", hint="athena down waits for that, then: athena up")
        try:
            await operation(**arguments)
        except TypeError as exc:
            raise InvalidInput(f"wrong arguments: {exc}") from exc
        statuses = [asdict(status) for status in self.supervisor.statuses()]
        return {"home": str(self.settings.home), "pid": os.getpid(), "idle": self.supervisor.idle, "parts": statuses}

    async def _status(self) -> None:
        return None

    async def _start(self, names: list[str] | None = None) -> None:
        self.supervisor.start(tuple(names) if names else None)

    async def _ensure(self, part: str) -> None:
        await self.supervisor.unit(part).ensure_ready()

    async def _stop(self, part: str) -> None:
        await self.supervisor.unit(part).stop()

    async def _restart(self, part: str) -> None:
        unit = self.supervisor.unit(part)
        await unit.stop()
        await unit.ensure_ready()

    async def _start_reasoning(self, model: str | None = None, port: int | None = None) -> None:
        """Serve the model that is named (as the manifest or a path says), else the one that is there."""
        choose: parts.Choose = parts.present_reasoner
        if model is not None:
            choose = parts.present_reasoner_named(model)
        unit = await self.supervisor.replace(_reasoner(self.settings, choose, port))
        await unit.ensure_ready()

    async def _start_embeddings(self, path: str, port: int) -> None:
        """A second embedding server, for vectors of another model while the first serves."""
        model = catalogue.load().locate(path, "embedding")
        file = model.where(self.settings.models_dir)
        choose = parts.this_model(file, model)
        part = parts.ModelPart(self.settings, "embedding", choose, name=SECOND_EMBEDDER, port=port)
        unit = await self.supervisor.replace(part)
        await unit.ensure_ready()

    async def _shutdown(self) -> None:
        self.stop_asked.set()


@asynccontextmanager
async def hosting(settings: Settings) -> AsyncIterator[Stack]:
    """Be the one host of this home's stack; at the end every part is stopped. Raises `AlreadyRunning`."""
    home.prepare(settings)
    lock = FileLock(settings.run_dir / "supervisor.lock")
    if not lock.acquire():
        raise AlreadyRunning(f"Athena already runs for {settings.home}", hint="athena status")
    try:
        await asyncio.gather(*(end_leftover(record) for record in settings.run_dir.glob("*.json")))
        stack = Stack(settings, assemble(settings))
        async with control.serving(settings, stack.answer):
            try:
                yield stack
            finally:
                stack.closing = True
                await stack.supervisor.stop()
    finally:
        lock.release()


@asynccontextmanager
async def running_stack(settings: Settings) -> AsyncIterator[StackInfo]:
    """A running stack: the one that runs, else one that is started here and stopped at the end."""
    try:
        reply = await control.call(settings, "settle")
    except control.NotRunning:
        async with hosting(settings) as stack:
            stack.supervisor.start()
            yield _info(settings, tuple(await stack.supervisor.settle()), started=True)
        return
    yield _info(settings, statuses(reply), started=False)


def statuses(reply: dict[str, Any]) -> tuple[Status, ...]:
    """The parts of an answer of the supervisor."""
    return tuple(Status(**{**part, "state": State(part["state"])}) for part in reply["parts"])


def _info(settings: Settings, seen: tuple[Status, ...], *, started: bool) -> StackInfo:
    url = parts.ApiPart(settings).address
    return StackInfo(url=url, dsn=postgres.dsn(settings), parts=seen, started=started)
