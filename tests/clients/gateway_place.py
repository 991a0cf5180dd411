"""Athena as its users run it: a server process with a database of its own, before the fakes and a real local model."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.clients.world import World
from tests.fakes.llama_server import llama_server
from tests.fakes.tiny_models import tiny_embedder
from tests.fakes.tiny_tool_caller import tiny_tool_caller
from tests.integration.api_server import free_port

_READY_S = 60.0
_CONTEXT = 16_384
_PROVIDER_KEYS = {"ANTHROPIC_API_KEY": "sk-ant-api03-operators", "OPENAI_API_KEY": "sk-operators"}


@dataclass(frozen=True, slots=True)
class Place:
    """`environment` is what `athena` commands need to find it; `log` what the server wrote."""

    url: str
    key: str
    environment: Mapping[str, str]
    home: Path
    process: asyncio.subprocess.Process

    @property
    def log(self) -> str:
        return (self.home / "server.log").read_text()

    async def athena(self, *arguments: str) -> str:
        """What the command prints. Raises `RuntimeError` with its errors."""
        return await _athena(self.environment, *arguments)


@asynccontextmanager
async def gateway(world: World, settings: Mapping[str, str] | None = None) -> AsyncIterator[Place]:
    """Before the fakes of `world`, with operator's keys for all of them. `settings` go over these."""
    home = Path(tempfile.mkdtemp(prefix="athena-clients-"))
    home.chmod(0o711)  # where this runs as root, PostgreSQL's own user has to pass
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        models = home / "models"
        models.mkdir()
        embedder = await stack.enter_async_context(llama_server(tiny_embedder(models)))
        model = tiny_tool_caller(models, _CONTEXT)
        reasoner = await stack.enter_async_context(llama_server(model, _CONTEXT, "reasoning"))
        port = free_port()
        environment = {
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ},
            "ATHENA_HOME": str(home / "athena"),
            "ATHENA_PORT": str(port),
            "ATHENA_ANTHROPIC_URL": world.anthropic.url,
            "ATHENA_OPENAI_URL": world.openai.base_url,
            "ATHENA_GOOGLE_URL": world.google.base_url,
            "ATHENA_OLLAMA_URL": world.ollama.url,
            "GEMINI_API_KEY": "AIza-operators",
            "LLAMACPP_EMBEDDINGS_URL": embedder,
            "LLAMACPP_REASONING_URL": reasoner,
            **_PROVIDER_KEYS,
            **(settings or {}),
        }
        yield await stack.enter_async_context(_server(home, port, environment))


@asynccontextmanager
async def _server(home: Path, port: int, environment: Mapping[str, str]) -> AsyncIterator[Place]:
    (home / "athena").mkdir(mode=0o711)
    with (home / "server.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "athena.server"), env=dict(environment), stdout=log, stderr=log
        )
    try:
        url = f"http://127.0.0.1:{port}"
        await _ready(url, process, home)
        dsn = {"ATHENA_URL": url}
        made = json.loads(await _athena({**environment, **dsn}, "keys", "create", "tests", "--json"))
        yield Place(url, made["key"], {**environment, **dsn}, home, process)
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(20):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _ready(url: str, process: asyncio.subprocess.Process, home: Path) -> None:
    """Up, and the local model seen."""
    give_up_at = time.monotonic() + _READY_S
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        while True:
            try:
                listed = (await client.get("/v1/models")).json()
                if (await client.get("/health/ready")).status_code == 200 and _has_local(listed):
                    return
            except (httpx.TransportError, ValueError):
                pass
            if process.returncode is not None or time.monotonic() > give_up_at:
                raise RuntimeError("Athena isn't ready:\n" + (home / "server.log").read_text()[-3000:])
            await asyncio.sleep(0.1)


def _has_local(listed: dict[str, list[dict[str, str]]]) -> bool:
    return any(str(each["id"]).startswith("local/") for each in listed["data"])


async def _athena(environment: Mapping[str, str], *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "athena", *arguments),
        env=dict(environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"athena {' '.join(arguments)}: {errors.decode()}{said.decode()}")
    return said.decode()
