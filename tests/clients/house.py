"""Athena before the fakes, with what its users don't see in reach: home, database, log, and the process itself.

Test modules share one: `pytest_plugins = ("tests.clients.house_fixtures",)`.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import uvicorn
from pydantic import SecretStr

from athena import bootstrap, config
from athena.api.app import create_app
from athena.api.gateway import Front
from athena.config import Settings
from athena.runtime import postgres
from athena.store.keys import Keys
from athena.store.pool import Database
from tests.clients.asking import Asking
from tests.clients.world import World
from tests.fakes.llama_server import llama_server
from tests.fakes.tiny_models import tiny_embedder
from tests.fakes.tiny_tool_caller import tiny_tool_caller
from tests.integration.api_server import free_port

CONTEXT = 16_384
# As an operator would have them in the environment.
OPERATORS = {
    "ANTHROPIC_API_KEY": "sk-ant-api03-operators",
    "OPENAI_API_KEY": "sk-operators",
    "GEMINI_API_KEY": "AIza-operators",
}
# A tiny model answers at once: waiting for its rate limit would be all that tests do. One model for each tier, so that
# a test sees what it is about: the tiers.
_FILE = """
[llama.rateLimit]
enabled = false
[modelRouting.tiers]
haiku.models = ["anthropic/claude-haiku-5-5"]
sonnet.models = ["anthropic/claude-sonnet-5-5"]
opus.models = ["anthropic/claude-opus-5-5"]
"""
_READY_S = 60.0
numbers = itertools.count(1)


@dataclass
class House:
    """`environment`: what the server was started with. `process`: the one that runs now."""

    world: World
    home: Path
    environment: dict[str, str]
    process: asyncio.subprocess.Process | None = None
    _database: Database | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['ATHENA_PORT']}"

    @property
    def settings(self) -> Settings:
        return config.load(self.environment)

    @property
    def log(self) -> str:
        return (self.home / "server.log").read_text()

    async def start(self) -> None:
        with (self.home / "server.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "athena.server"), env=self.environment, stdout=log, stderr=log
            )
        await self._ready()

    async def kill(self) -> None:
        """With a signal that no process can catch."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> None:
        if self._database is not None:
            await self._database.close()
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            async with asyncio.timeout(20):
                await self.process.wait()
        except TimeoutError:
            await self.kill()

    async def _ready(self) -> None:
        """Up, with the local model seen and the switch of local-only mode read."""
        give_up_at = time.monotonic() + _READY_S
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as http:
            while True:
                try:
                    listed = (await http.get("/v1/models")).json()["data"]
                    if (await http.get("/health/ready")).status_code == 200 and any(
                        str(each["id"]).startswith("local/") for each in listed
                    ):
                        return
                except (httpx.TransportError, ValueError, KeyError):
                    pass
                assert self.process is not None
                if self.process.returncode is not None or time.monotonic() > give_up_at:
                    raise RuntimeError("Athena isn't ready:\n" + self.log[-3000:])
                await asyncio.sleep(0.1)

    async def rows(self, sql: str, *arguments: object) -> list[dict[str, Any]]:
        """Straight from its database."""
        connection = await asyncpg.connect(postgres.dsn(self.settings))
        try:
            return [dict(row) for row in await connection.fetch(sql, *arguments)]
        finally:
            await connection.close()

    async def used(self, principal: str, count: int, seconds: float = 10) -> list[dict[str, Any]]:
        """The rows of use of a key, oldest first, once there are so many of them. They come a second late."""
        give_up_at = time.monotonic() + seconds
        while True:
            rows = await self.rows("SELECT * FROM usage WHERE principal = $1 ORDER BY at, attempt", principal)
            if len(rows) >= count:
                assert len(rows) == count, rows
                return rows
            assert time.monotonic() < give_up_at, f"{len(rows)} rows of {principal}, not {count}"
            await asyncio.sleep(0.1)

    async def until(self, sql: str, *arguments: object, seconds: float = 10) -> None:
        """Until this says true."""
        give_up_at = time.monotonic() + seconds
        while not next(iter((await self.rows(sql, *arguments))[0].values())):
            assert time.monotonic() < give_up_at, f"still not: {sql}"
            await asyncio.sleep(0.1)

    def key(self, name: str) -> str:
        """A new Athena key."""
        return self.world.background.run(self._key(name))

    async def _key(self, name: str) -> str:
        if self._database is None:
            self._database = Database(postgres.dsn(self.settings))
        return await Keys(self._database).create(name)

    @asynccontextmanager
    async def replica(
        self, *, pulse_s: float | None = None, file: str = _FILE, **environment: str
    ) -> AsyncIterator[str]:
        """The URL of a second Athena on the same database, in this process, with other settings; `file`: its
        athena.toml."""
        home = self.home / f"replica-{next(numbers)}"
        home.mkdir()
        (home / "athena.toml").write_text(file)
        settings = config.load({**self.environment, "ATHENA_HOME": str(home), **environment})
        dsn = SecretStr(postgres.dsn(self.settings))
        async with bootstrap.build(settings.model_copy(update={"database_url": dsn}), worker=False) as athena:
            app = create_app(athena)
            for each in app.user_middleware:
                if pulse_s is not None and getattr(each.cls, "__name__", "") == Front.__name__:
                    each.kwargs["pulse_s"] = pulse_s
            await athena.local_only.refreshed()
            await athena.gateway.parts.live.refresh()
            with socket.create_server(("127.0.0.1", 0)) as listening:
                server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
                serving = asyncio.create_task(server.serve(sockets=[listening]))
                while not server.started:
                    await asyncio.sleep(0.01)
                yield f"http://127.0.0.1:{listening.getsockname()[1]}"
                server.should_exit = True
                await serving


@dataclass
class Guest:
    """Somebody with an Athena key of their own, and nothing behind them yet: sessions, rows and budgets of other
    tests are other keys'. `asks` has the key, `stranger` has none."""

    house: House
    name: str
    key: str
    asks: Asking
    stranger: Asking
    others: list[Asking] = field(default_factory=list)

    @property
    def world(self) -> World:
        return self.house.world

    def asking(self, url: str | None = None, **headers: str) -> Asking:
        """With these headers (underscores stand for hyphens) and no key but what is in them."""
        asking = Asking(url or self.house.url, {name.replace("_", "-"): value for name, value in headers.items()})
        self.others.append(asking)
        return asking

    async def close(self) -> None:
        for asking in (self.asks, self.stranger, *self.others):
            await asking.close()


async def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    """For what happens in another process."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "it didn't happen"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def open_house(world: World, settings: Mapping[str, str] | None = None) -> AsyncIterator[House]:
    home = Path(tempfile.mkdtemp(prefix="athena-house-"))
    home.chmod(0o711)  # where this runs as root, PostgreSQL's own user has to pass
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        (home / "athena").mkdir(mode=0o711)
        (home / "athena" / "athena.toml").write_text(_FILE)
        models = home / "models"
        models.mkdir()
        embedder = await stack.enter_async_context(llama_server(tiny_embedder(models)))
        reasoner = tiny_tool_caller(models, CONTEXT)
        environment = {
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ},
            "ATHENA_HOME": str(home / "athena"),
            "ATHENA_PORT": str(free_port()),
            "ATHENA_ANTHROPIC_URL": world.anthropic.url,
            "ATHENA_OPENAI_URL": world.openai.base_url,
            "ATHENA_GOOGLE_URL": world.google.base_url,
            "ATHENA_OLLAMA_URL": world.ollama.url,
            "ATHENA_COMPRESSOR_URL": f"http://127.0.0.1:{free_port()}",
            "LLAMACPP_EMBEDDINGS_URL": embedder,
            "LLAMACPP_REASONING_URL": await stack.enter_async_context(llama_server(reasoner, CONTEXT, "reasoning")),
            **OPERATORS,
            **(settings or {}),
        }
        house = House(world, home, environment)
        stack.push_async_callback(house.stop)
        await house.start()
        yield house
