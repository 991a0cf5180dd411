"""How long the whole stack takes to be ready when everything is installed."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.bench.bars import Figure
from tests.bench.options import Options
from tests.bench.timing import Stopwatch
from tests.bench.world.ground import Ground, clean_environment, free_port
from tests.fakes.minilm import minilm

PART = "start"
BAR_S = 10.0
_PATIENCE_S = 120.0


async def measure(ground: Ground, options: Options) -> list[Figure]:
    """`athena up` in a home that holds the model file and nothing else, then again in the same home."""
    home = Path(tempfile.mkdtemp(prefix="athena-bench-up-"))
    home.chmod(0o711)
    try:
        (home / "models").mkdir()
        for file in (await minilm()).parent.glob("all-MiniLM*"):
            shutil.copy(file, home / "models")
        environment = _environment(home)
        first = await _up_and_down(environment)
        again = await _up_and_down(environment)
    finally:
        await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)
    return [
        Figure(PART, "athena up, fresh home", first, "s", BAR_S, "at most"),
        Figure(PART, "athena up, warm", again, "s", BAR_S, "at most"),
    ]


def _environment(home: Path) -> dict[str, str]:
    ports = {name: str(free_port()) for name in ("ATHENA_PORT", "ATHENA_EMBEDDINGS_PORT", "ATHENA_REASONING_PORT")}
    chosen = {"ATHENA_HOME": str(home), "ATHENA_EMBEDDING_MODEL": "all-minilm-l6-v2"}
    return {**os.environ, **clean_environment(), **ports, **chosen}


async def _up_and_down(environment: dict[str, str]) -> float:
    try:
        watch = Stopwatch()
        await _athena("up", environment)
        return watch.seconds
    finally:
        await _athena("down", environment)


async def _athena(command: str, environment: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "athena", command),
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(_PATIENCE_S):
        said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"athena {command} ended with {process.returncode}: {said.decode(errors='replace')[-2000:]}")
