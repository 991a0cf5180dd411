"""What the measurements stand on: one PostgreSQL, one llama-server, one stub embedder, Athena's API as a process.

Everything listens on 127.0.0.1 or a socket in a folder of this run, and ends with it.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from athena import config
from athena.config import VARIABLES, Settings
from athena.runtime import catalogue, llama, postgres, probe
from athena.runtime.environment import package_path
from athena.runtime.process import Command, Process
from tests.bench.world.api import Api
from tests.fakes.minilm import minilm

ROOT = Path(__file__).resolve().parents[3]
_READY_S = 60.0


@dataclass(slots=True)
class Ground:
    """`stub` and `minilm`: addresses of the embedding servers."""

    home: Path
    dsn: str
    stub: str
    minilm: str

    async def database(self, name: str) -> str:
        """The DSN of a new, empty database."""
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.execute(await connection.fetchval("SELECT format('CREATE DATABASE %I', $1::text)", name))
        finally:
            await connection.close()
        return self.dsn.replace("/athena?", f"/{name}?", 1)

    async def delay(self, milliseconds: int) -> None:
        """How long the stub takes for each request from now on."""
        if not await probe.answers(f"{self.stub}/delay?{milliseconds}"):
            raise RuntimeError("the stub embedder is gone")

    @asynccontextmanager
    async def api(self, name: str, embeddings_url: str) -> AsyncIterator[Api]:
        """`python -m athena.server` over a new database called `name`, once all of it is up."""
        dsn, port = await self.database(name), free_port()
        command = Command(
            argv=(sys.executable, "-m", "athena.server"),
            log=self.home / "logs" / f"api-{name}.log",
            record=self.home / "run" / f"api-{name}.json",
            env={
                **clean_environment(),
                "ATHENA_HOME": str(self.home),
                "ATHENA_DATABASE_URL": dsn,
                "ATHENA_PORT": str(port),
                "ATHENA_LOG_FORMAT": "json",
                "LLAMACPP_EMBEDDINGS_URL": embeddings_url,
                "LLAMACPP_REASONING_URL": f"http://127.0.0.1:{free_port()}",
            },
        )
        async with running(command) as process, Api.connected(f"http://127.0.0.1:{port}", dsn, process.pid) as api:
            await until(api.up, process)
            yield api


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    async with AsyncExitStack() as stack:
        home, dsn = await stack.enter_async_context(postgres_only())
        settings = config.load({"ATHENA_HOME": str(home)})
        stub = await stack.enter_async_context(_stub(home))
        model = await stack.enter_async_context(_llama(settings))
        yield Ground(home, dsn, stub, model)


@asynccontextmanager
async def postgres_only() -> AsyncIterator[tuple[Path, str]]:
    """A folder of this run's own, and the DSN of its PostgreSQL."""
    home = Path(tempfile.mkdtemp(prefix="athena-bench-"))
    home.chmod(0o711)  # where this runs as root, PostgreSQL's own user has to pass
    try:
        async with postgres.ensure_running(config.load({"ATHENA_HOME": str(home)})) as dsn:
            yield home, dsn
    finally:
        shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def _llama(settings: Settings) -> AsyncIterator[str]:
    """MiniLM as the stack would serve it."""
    model, port = catalogue.load().find("all-minilm-l6-v2"), free_port()
    wanted = llama.spec(settings, "embedding", await minilm(), model, port)
    async with running(await llama.command(settings, "bench-embeddings", wanted)) as process:
        await until(lambda: llama.healthy(port), process)
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def _stub(home: Path) -> AsyncIterator[str]:
    port = free_port()
    command = Command(
        argv=(sys.executable, "-m", "tests.bench.world.stub_embedder", str(port)),
        log=home / "logs" / "stub.log",
        record=home / "run" / "stub.json",
        env={"PYTHONPATH": package_path()},
        cwd=ROOT,
    )
    async with running(command) as process:
        await until(lambda: probe.answers(f"http://127.0.0.1:{port}/health"), process)
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def running(command: Command) -> AsyncIterator[Process]:
    process = Process.start(command)
    try:
        yield process
    finally:
        await process.stop()


async def until(ready: Callable[[], Awaitable[bool]], process: Process) -> None:
    """Raises `RuntimeError` with the process's last words if it ends before."""
    deadline = time.monotonic() + _READY_S
    while not await ready():
        if process.returncode is not None or time.monotonic() > deadline:
            raise RuntimeError(f"process {process.pid} isn't ready:\n" + "\n".join(process.output(15)))
        await asyncio.sleep(0.05)


def clean_environment() -> dict[str, str]:
    """Empty values for every setting: what the caller's shell has set must not reach what is measured."""
    return {**dict.fromkeys(sorted(VARIABLES.values()), ""), "PYTHONPATH": package_path()}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        port: int = chosen.getsockname()[1]
        return port
