"""A home of its own for a test of the stack: tiny models, free ports, commands run as a user would."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from athena.config import Settings
from athena.runtime.environment import environment, package_path
from tests.fakes.tiny_models import tiny_embedder, tiny_reasoner
from tests.integration.api_server import free_port


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str


@contextmanager
def stack_settings(*, reasoner: bool = True) -> Iterator[Settings]:
    """Settings of a home that PostgreSQL's own user may enter; whatever still runs in it at the end fails the test."""
    home = Path(tempfile.mkdtemp(prefix="athena-stack-"))
    home.chmod(0o711)
    models = home / "models"
    models.mkdir()
    settings = Settings(
        home=home,
        port=free_port(),
        embeddings_port=free_port(),
        reasoning_port=free_port(),
        compressor_port=free_port(),
        embedding_model=str(tiny_embedder(models)),
        reasoning_model=str(tiny_reasoner(models)) if reasoner else None,
    )
    try:
        yield settings
        left = processes_of(home)
        assert not left, f"left running: {left}"
    finally:
        for pid in processes_of(home):
            psutil.Process(pid).kill()
        shutil.rmtree(home, ignore_errors=True)


def processes_of(home: Path) -> dict[int, str]:
    """What runs for this home: it is named by the command line or by ATHENA_HOME."""
    found = {}
    for process in psutil.process_iter(["pid", "cmdline"]):
        try:
            words = " ".join(process.info["cmdline"] or ())
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
            if f"{home}/" in words or process.environ().get("ATHENA_HOME") == str(home):
                found[process.pid] = words
        except psutil.Error:
            continue
    return found


async def athena(settings: Settings, *words: str, **variables: str) -> Ran:
    """Run the command to its end."""
    process = await start_athena(settings, *words, **variables)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return Ran(process.returncode or 0, out.decode(), err.decode())


async def start_athena(settings: Settings, *words: str, **variables: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "athena",
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment(settings), "PYTHONPATH": package_path(), **variables},
    )


async def parts(settings: Settings) -> dict[str, dict[str, Any]]:
    """What `athena status --json` says, by part."""
    said = await athena(settings, "status", "--json")
    return {part["name"]: part for part in json.loads(said.out)["parts"]}
