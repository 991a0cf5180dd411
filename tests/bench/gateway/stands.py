"""The gateways side by side: each a process of its own, one worker, before the same provider."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from athena.runtime.process import Command, Process
from tests.bench.gateway import installed
from tests.bench.gateway.load import Target
from tests.bench.world.ground import ROOT, clean_environment, free_port, running, until

MODELS = {"messages": "claude-sonnet-5-5", "chat": "gpt-5-mini"}
_PATHS = {"messages": "/v1/messages", "chat": "/v1/chat/completions"}
_KEY = "sk-bench-0123456789"
_MASTER = "sk-master-of-this-bench-0123456789abcdef"


@dataclass(slots=True)
class Stand:
    """One gateway that runs. `headers` by wire, `models` the names it knows them by."""

    name: str
    port: int
    process: Process | None
    headers: Mapping[str, Mapping[str, str]]
    paths: Mapping[str, str]

    def target(self, wire: str) -> Target:
        return Target(self.port, self.paths[wire], self.headers[wire])

    def cpu_s(self) -> float:
        """Of the process and its children so far."""
        return sum(_cpu_s(one) for one in self._tree())

    def rss_mb(self) -> float:
        return sum(one.memory_info().rss for one in self._tree()) / 1e6

    def _tree(self) -> list[psutil.Process]:
        if self.process is None:
            return []
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]


@asynccontextmanager
async def stands(home: Path, dsn: str, names: list[str]) -> AsyncIterator[tuple[Stand, list[Stand]]]:
    """The provider itself, and the gateways called `names`, all warm."""
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(_provider(home))
        makers = {"athena": _athena, "athena-rewriting": _rewriting, "litellm": _litellm, "portkey": _portkey}
        built = [await stack.enter_async_context(makers[name](home, dsn, provider.port)) for name in names]
        yield provider, built


@asynccontextmanager
async def _provider(home: Path) -> AsyncIterator[Stand]:
    port = free_port()
    argv = (sys.executable, "-m", "tests.bench.gateway.upstream", str(port))
    async with _running("provider", home, argv, {"PYTHONPATH": os.pathsep.join(sys.path)}, port) as process:
        yield Stand("provider", port, process, {"messages": {}, "chat": {}}, _PATHS)


@asynccontextmanager
async def _athena(home: Path, dsn: str, provider: int) -> AsyncIterator[Stand]:
    async with _athena_with(home / "athena", dsn, provider, {"x-athena-compress": "off"}, "athena") as stand:
        yield stand


@asynccontextmanager
async def _rewriting(home: Path, dsn: str, provider: int) -> AsyncIterator[Stand]:
    async with _athena_with(home / "rewriting", dsn, provider, {}, "athena-rewriting") as stand:
        yield stand


@asynccontextmanager
async def _athena_with(
    home: Path, dsn: str, provider: int, headers: Mapping[str, str], name: str
) -> AsyncIterator[Stand]:
    port = free_port()
    home.mkdir(mode=0o700, exist_ok=True)
    environment = {
        **clean_environment(),
        "ATHENA_HOME": str(home),
        "ATHENA_DATABASE_URL": dsn,
        "ATHENA_PORT": str(port),
        "ATHENA_LOG_FORMAT": "json",
        "ATHENA_ANTHROPIC_URL": f"http://127.0.0.1:{provider}",
        "ATHENA_OPENAI_URL": f"http://127.0.0.1:{provider}/v1",
        "ANTHROPIC_API_KEY": _KEY,
        "OPENAI_API_KEY": _KEY,
        # Nothing answers there: no local model takes part.
        "LLAMACPP_EMBEDDINGS_URL": f"http://127.0.0.1:{free_port()}",
        "LLAMACPP_REASONING_URL": f"http://127.0.0.1:{free_port()}",
    }
    argv = (sys.executable, "-m", "athena.server")
    async with _running(name, home, argv, environment, port) as process:
        key = await _key(environment, name)
        sent = {"x-api-key": key, "anthropic-version": "2023-06-01", **headers}
        bearer = {"authorization": f"Bearer {key}", **headers}
        yield Stand(name, port, process, {"messages": sent, "chat": bearer}, _PATHS)


@asynccontextmanager
async def _litellm(home: Path, _: str, provider: int) -> AsyncIterator[Stand]:
    program, port = await asyncio.to_thread(installed.litellm), free_port()
    origins = {"messages": f"http://127.0.0.1:{provider}", "chat": f"http://127.0.0.1:{provider}/v1"}
    kinds = {"messages": "anthropic", "chat": "openai"}
    models = [
        {
            "model_name": MODELS[wire],
            "litellm_params": {"model": f"{kinds[wire]}/{MODELS[wire]}", "api_base": origins[wire], "api_key": _KEY},
        }
        for wire in MODELS
    ]
    config = home / "litellm.yaml"
    # JSON is YAML.
    settings = {"general_settings": {"master_key": _MASTER}, "litellm_settings": {"telemetry": False}}
    config.write_text(json.dumps({"model_list": models, **settings}))
    argv = (str(program), "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1")
    environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    async with _running("litellm", home, argv, environment, port) as process:
        sent = {"authorization": f"Bearer {_MASTER}", "anthropic-version": "2023-06-01"}
        yield Stand("litellm", port, process, {"messages": sent, "chat": sent}, _PATHS)


@asynccontextmanager
async def _portkey(home: Path, _: str, provider: int) -> AsyncIterator[Stand]:
    program, port = await asyncio.to_thread(installed.portkey), free_port()
    host = {"x-portkey-custom-host": f"http://127.0.0.1:{provider}/v1"}
    sent = {"x-api-key": _KEY, "anthropic-version": "2023-06-01", "x-portkey-provider": "anthropic", **host}
    chat = {"authorization": f"Bearer {_KEY}", "x-portkey-provider": "openai", **host}
    # It refuses hosts of this machine unless it is told that they are meant.
    environment = {"TRUSTED_CUSTOM_HOSTS": "localhost,127.0.0.1", "NODE_ENV": "production"}
    async with _running(
        "portkey", home, ("node", str(program), "--headless", f"--port={port}"), environment, port
    ) as p:
        yield Stand("portkey", port, p, {"messages": sent, "chat": chat}, _PATHS)


@asynccontextmanager
async def _running(
    name: str, home: Path, argv: tuple[str, ...], environment: Mapping[str, str], port: int
) -> AsyncIterator[Process]:
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    (home / "logs").mkdir(parents=True, exist_ok=True)
    command = Command(
        argv=argv,
        log=home / "logs" / f"{name}.log",
        record=home / "run" / f"{name}.json",
        env={**kept, **environment},
        cwd=ROOT,
    )
    async with running(command) as process:
        await until(lambda: _listens(port), process)
        yield process


def _cpu_s(process: psutil.Process) -> float:
    """To the nanosecond where the kernel says it: its ticks are ten milliseconds, which is several requests."""
    try:
        threads = Path(f"/proc/{process.pid}/task").glob("*/schedstat")
        return sum(int(each.read_text().split()[0]) for each in threads) / 1e9
    except OSError:
        return float(sum(process.cpu_times()[:2]))


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _key(environment: Mapping[str, str], name: str) -> str:
    """A key of this Athena's own, as a user makes one."""
    argv = (sys.executable, "-m", "athena", "keys", "create", f"bench-{name}", "--json")
    made = await asyncio.create_subprocess_exec(
        *argv, env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    said, _ = await made.communicate()
    if made.returncode:
        raise RuntimeError(f"no key could be made: {said.decode()}")
    return str(json.loads(said)["key"])
