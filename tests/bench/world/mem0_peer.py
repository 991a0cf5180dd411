"""mem0 in an environment of its own, so that Athena's stays small."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import venv
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.world.ground import ROOT, Ground

_HERE = Path(__file__).parent
_LOCK = _HERE.parent / "requirements-peers.lock"
_PLACE = ROOT / "build" / "bench" / "peers"
_LONGEST_LINE = 2**24


@dataclass(frozen=True, slots=True)
class Found:
    """`metadata` of the hits, best first."""

    ms: float
    metadata: list[dict[str, Any]]


class Mem0:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def add(self, user: str, texts: Sequence[str], metadata: Sequence[dict[str, Any]] | None = None) -> float:
        """Seconds for all of them, one by one: without an LLM it has no other way."""
        known = list(metadata) if metadata is not None else [{} for _ in texts]
        return float((await self._ask(do="add", user=user, texts=list(texts), metadata=known))["seconds"])

    async def search(self, user: str, query: str, limit: int = 10) -> Found:
        answer = await self._ask(do="search", user=user, query=query, limit=limit)
        return Found(1e3 * answer["seconds"], answer["metadata"])

    async def ready(self) -> None:
        await self._answer()

    async def _ask(self, **request: Any) -> dict[str, Any]:
        if self._process.stdin is None:
            raise RuntimeError("mem0's process has no stdin")
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        await self._process.stdin.drain()
        return await self._answer()

    async def _answer(self) -> dict[str, Any]:
        line = await self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            raise RuntimeError(f"mem0's process ended with status {await self._process.wait()}: see mem0.log")
        answer: dict[str, Any] = json.loads(line)
        return answer


@asynccontextmanager
async def mem0(ground: Ground, name: str, embeddings_url: str) -> AsyncIterator[Mem0]:
    """mem0 over a new database on the same PostgreSQL."""
    config = {
        "dsn": await ground.database(name),
        "collection": "memories",
        "embeddings": embeddings_url,
        "history": str(ground.home / f"{name}.sqlite"),
    }
    log = ground.home / "logs" / f"{name}.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            str(await asyncio.to_thread(_installed)),
            str(_HERE / "mem0_worker.py"),
            json.dumps(config),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env={
                **{key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "OPENAI_BASE_URL")},
                "MEM0_TELEMETRY": "False",
                "MEM0_DIR": str(ground.home / "mem0"),
            },
            limit=_LONGEST_LINE,
        )
    try:
        peer = Mem0(process)
        await peer.ready()
        yield peer
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _installed() -> Path:
    """The interpreter of the peers' environment, which is made when it is missing or the lock file has changed."""
    python = _PLACE / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp, wanted = _PLACE / "lock.sha256", hashlib.sha256(_LOCK.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"installing the peers into {_PLACE} …", file=sys.stderr, flush=True)
    venv.create(_PLACE, with_pip=True, clear=True)
    _pip(python)
    stamp.write_text(wanted)
    return python


def _pip(python: Path) -> None:
    argv = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    done = subprocess.run([*argv, "-r", str(_LOCK)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the peers can't be installed: {done.stderr.strip()[-2000:]}")
