"""One PostgreSQL for the whole run; each test gets a database of its own, cloned from a migrated one.

Embedding servers are real llama-servers with tiny models, shared by the tests of a run;
a test that kills one starts one of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from athena import bootstrap
from athena.bootstrap import Athena
from athena.config import Settings
from athena.jobs import queue
from athena.store.pool import Database
from tests.fakes.tiny_models import tiny_embedder
from tests.integration.api_server import answered, free_port, server_process

_TEMPLATE = "athena_template"


@pytest.fixture(scope="session")
def test_home() -> Iterator[Path]:
    """A home that PostgreSQL's own user may enter when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="athena-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_dsn(test_home: Path) -> Iterator[str]:
    """A PostgreSQL that ends with the run, in a process of its own: fixtures have no common event loop."""
    script = (
        "import asyncio, sys\n"
        "from athena.config import Settings\n"
        "from athena.runtime import postgres\n"
        "async def main():\n"
        "    async with postgres.ensure_running(Settings(home=sys.argv[1])) as dsn:\n"
        "        print('READY', dsn, flush=True)\n"
        "        await asyncio.to_thread(sys.stdin.read)\n"
        "asyncio.run(main())\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(test_home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    line = next((line for line in process.stdout if line.startswith("READY ")), None)
    assert line is not None, "PostgreSQL didn't start"
    dsn = line.split()[1]
    asyncio.run(_make_template(dsn))
    yield dsn
    process.stdin.close()
    process.wait(timeout=30)


async def _make_template(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"CREATE DATABASE {_TEMPLATE}")
    await connection.close()
    template = Database(with_database(dsn, _TEMPLATE), prepare=queue.install)
    await template.ensure_ready()
    await template.close()


def with_database(dsn: str, name: str) -> str:
    head, _, query = dsn.partition("?")
    return head.rsplit("/", 1)[0] + f"/{name}?{query}"


@pytest.fixture
async def dsn(postgres_dsn: str) -> AsyncIterator[str]:
    """An empty, migrated database, dropped after the test."""
    name = f"test_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(postgres_dsn)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY file_copy")
    try:
        yield with_database(postgres_dsn, name)
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    database = Database(dsn, prepare=queue.install)
    yield database
    await database.close()


class LlamaServer:
    """A real llama-server on a tiny embedding model; `stop` kills it, `start` brings it back on its port."""

    def __init__(self, model: Path, *, alias: str | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._model = model
        self._alias = alias or model.stem
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> LlamaServer:
        argv = [sys.executable, "-m", "athena.runtime.llama_child", "--model", str(self._model)]
        argv += ["--alias", self._alias, "--host", "127.0.0.1", "--port", str(self.port), "--threads", "1"]
        argv += ["--threads-batch", "1"]
        argv += ["--embeddings", "--pooling", "mean", "--parallel", "2", "--ctx-size", "1024"]
        argv += ["--batch-size", "512", "--ubatch-size", "512"]
        self._process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not self._healthy():
            assert self._process.poll() is None, "llama-server ended"
            assert time.monotonic() < deadline, "llama-server isn't ready after a minute"
            time.sleep(0.05)
        return self

    def _healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture(scope="session")
def embedding_server(test_home: Path) -> Iterator[LlamaServer]:
    """Shared: don't stop it. 32 dimensions."""
    server = LlamaServer(tiny_embedder(test_home, 32)).start()
    yield server
    server.stop()


@pytest.fixture
def own_server(test_home: Path) -> Iterator[LlamaServer]:
    """The same model as `embedding_server`, on a server that the test may stop and start. Not started yet."""
    server = LlamaServer(tiny_embedder(test_home, 32))
    yield server
    server.stop()


@pytest.fixture
def other_server(test_home: Path) -> Iterator[LlamaServer]:
    """Another model: 64 dimensions. Started."""
    server = LlamaServer(tiny_embedder(test_home, 64, name="other-embedder")).start()
    yield server
    server.stop()


def settings_for(dsn: str, embeddings_url: str, home: Path, **more: object) -> Settings:
    return Settings(
        home=home,
        database_url=SecretStr(dsn),
        embeddings_url=embeddings_url,
        reasoning_url=f"http://127.0.0.1:{free_port()}",
        **more,  # type: ignore[arg-type]
    )


@asynccontextmanager
async def built(settings: Settings, *, ready: bool = True) -> AsyncIterator[Athena]:
    """Athena over real parts; `ready`: wait until the embedding server has been seen."""
    async with bootstrap.build(settings) as athena:
        if ready:
            await until(lambda: _serves(athena))
        yield athena


async def _serves(athena: Athena) -> bool:
    with contextlib.suppress(Exception):
        return (await athena.generations.active()).serving is not None
    return False


async def until(condition: object, seconds: float = 60) -> None:
    """Until `await condition()` is true; an answer's own time-out would hide what it waited for."""
    async with asyncio.timeout(seconds):
        while not await condition():  # type: ignore[operator]
            await asyncio.sleep(0.05)


@pytest.fixture
async def athena(dsn: str, embedding_server: LlamaServer, test_home: Path) -> AsyncIterator[Athena]:
    """Athena over an empty database and the shared embedding server, embedding in the background."""
    async with built(settings_for(dsn, embedding_server.url, test_home)) as athena:
        yield athena


@pytest.fixture
async def environment(dsn: str, embedding_server: LlamaServer, test_home: Path) -> AsyncIterator[dict[str, str]]:
    """The environment of a server that runs, for the commands that are to find it."""
    port = str(free_port())
    environment = {
        "ATHENA_HOME": str(test_home),
        "ATHENA_PORT": port,
        "ATHENA_DATABASE_URL": dsn,
        "ATHENA_LOG_LEVEL": "warning",
        "LLAMACPP_EMBEDDINGS_URL": embedding_server.url,
        "LLAMACPP_REASONING_URL": f"http://127.0.0.1:{free_port()}",
        "COLUMNS": "200",
    }
    async with server_process(environment), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        await answered(http, "/health", lambda answer: answer.json()["status"] == "up")
        yield environment
