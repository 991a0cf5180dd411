"""The compressor service in the stack: started with it, used by it, done without when it is gone.

The model is tiny and random: what it keeps means nothing, that protected spans survive does.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from athena.config import Settings
from athena.runtime import control
from tests.integration.stack_home import athena, parts, stack_settings

_ROOT = Path(__file__).resolve().parents[2]
_PYTHON = _ROOT / "build" / "compressor-venv" / "bin" / "python"
_EXPORT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import tiny
from compressor.architecture import architecture
from compressor.export import export
from compressor.exported import Export
chosen = architecture("mbert")
home = Path(sys.argv[2])
export(tiny.write(home / "checkpoint", chosen.name), Export.at(home / "models", chosen.name), chosen, 1)
"""
PROSE = " ".join(
    f"The committee discussed matter {n} at some length, and in the end it was not decided what to do about it."
    for n in range(60)
)

pytestmark = [
    pytest.mark.skipif(not _PYTHON.exists(), reason="the compressor's environment isn't there: make test-compressor"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    with stack_settings(reasoner=False) as settings:
        command = [str(_PYTHON), "-c", _EXPORT, str(_ROOT / "tests" / "compressor"), str(settings.home)]
        subprocess.run(command, check=True, capture_output=True, timeout=240)
        yield settings


async def compressed(settings: Settings) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.port}", timeout=60) as http:
        body = {"context": PROSE, "compression_ratio": 0.5, "budget_ms": 20_000}
        answer = await http.post("/api/v1/compress", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


async def test_the_stack_starts_it_uses_it_and_does_without_it(settings: Settings) -> None:
    assert (await athena(settings, "up")).code == 0
    try:
        await control.call(settings, "ensure", part="compressor")
        part = (await parts(settings))["compressor"]
        assert (part["state"], part["detail"]) == ("ready", "llmlingua-2-mbert")
        with_it = await compressed(settings)
        assert "llmlingua" in with_it["engines"]
        assert with_it["compressed_tokens"] < with_it["original_tokens"]
        # Numbers and negations are protected.
        words = with_it["compressed_prompt"].split()
        assert {str(n) for n in range(60)} <= set(words)
        assert words.count("not") == 60

        await control.call(settings, "stop", part="compressor")
        without = await compressed(settings)
        assert "llmlingua" not in without["engines"]
        assert any(reason.startswith("compressor") for reason in without["degraded"])

        await control.call(settings, "ensure", part="compressor")
        os.kill((await parts(settings))["compressor"]["pid"], signal.SIGKILL)
        async with asyncio.timeout(60):
            while "llmlingua" not in (await compressed(settings))["engines"]:
                await asyncio.sleep(0.2)
    finally:
        assert (await athena(settings, "down")).code == 0
