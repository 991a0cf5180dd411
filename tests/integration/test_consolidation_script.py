"""The pipeline from a script of one's own, as the guide has it: a process with a database and no server."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import datetime
from pathlib import Path

from athena.bootstrap import Athena
from athena.memory.types import Kind, NewMemory
from tests.integration.api_server import free_port
from tests.integration.conftest import LlamaServer

SCRIPT = """
import asyncio

import athena
from athena.consolidation import ConsolidationPipeline
from athena.core.llm_client import LocalLLMClient

events = [
    {"content": "Went for a run along the river before work", "occurred_at": f"2026-03-{day:02}T07:00:00Z"}
    for day in (2, 9, 16, 23, 30)
]
events.append({"content": "The kitchen tap dripped and a plumber came", "occurred_at": "2026-03-05T10:00:00Z"})


async def main():
    db = await athena.connect()
    pipeline = ConsolidationPipeline(db=db, llm_client=LocalLLMClient())
    patterns = await pipeline.extract_patterns(events)
    for pattern in patterns:
        print(pattern.type, pattern.support, pattern.content, sep=" | ")


asyncio.run(main())
"""

RECALLED = """
import asyncio

import athena
from athena.consolidation import ConsolidationPipeline
from athena.memory.types import Filter


async def main():
    async with await athena.connect() as db:
        pipeline = ConsolidationPipeline(db=db)
        memories = (await db.memory.list(Filter())).memories
        print([pattern.support for pattern in await pipeline.extract_patterns(memories)])
        run = await pipeline.run("default")
        print(run.state, run.counts["concluded"])
        found = await db.memory.recall("a run along the river", Filter())
        print([len(known.because) for known in found.patterns], found.degraded)


asyncio.run(main())
"""


async def ran(script: str, folder: Path, dsn: str, embeddings_url: str) -> str:
    """What the script printed. Its home is an empty one."""
    file = folder / "script.py"
    file.write_text(script)
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error::RuntimeWarning", str(file)),
        cwd=folder,
        env=kept
        | {
            "ATHENA_HOME": str(folder / "home"),
            "ATHENA_DATABASE_URL": dsn,
            "LLAMACPP_EMBEDDINGS_URL": embeddings_url,
            "LLAMACPP_REASONING_URL": f"http://127.0.0.1:{free_port()}",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert b"Traceback" not in err
    return out.decode()


async def test_the_guide_s_example_works_as_it_stands(dsn: str, embedding_server: LlamaServer, tmp_path: Path) -> None:
    (line,) = (await ran(SCRIPT, tmp_path, dsn, embedding_server.url)).splitlines()
    kind, support, content = line.split(" | ")
    assert (kind, support) == ("routine", "5")
    assert content.startswith("Went for a run along the river before work")


async def test_the_same_with_no_model_server_at_all(dsn: str, tmp_path: Path) -> None:
    warning, line = (await ran(SCRIPT, tmp_path, dsn, f"http://127.0.0.1:{free_port()}")).splitlines()
    assert "events are compared by words alone" in warning
    assert line.startswith("routine | 5 | ")


async def test_memories_are_events_and_a_script_can_run_it_all(
    athena: Athena, dsn: str, embedding_server: LlamaServer, tmp_path: Path
) -> None:
    text = "Went for a run along the river before work"
    mondays = [f"2026-03-{day:02}T07:00:00+00:00" for day in (2, 9, 16, 23, 30)]
    await athena.memory.remember(
        [NewMemory(text, Kind.EVENT, occurred_at=datetime.fromisoformat(at)) for at in mondays],
        wait_s=30,
    )
    said = await ran(RECALLED, tmp_path, dsn, embedding_server.url)
    assert said.splitlines() == ["[5]", "done 1", "[5] ()"]
