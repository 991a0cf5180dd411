"""`athena embeddings migrate --to MODEL` on a stack of this machine: servers change over with the generation."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from athena import config
from athena.cli import embeddings, memory
from athena.config import Settings
from athena.errors import Conflict
from athena.runtime.ports import State
from athena.runtime.stack import running_stack
from tests.fakes.tiny_models import tiny_embedder
from tests.integration.api_server import answered, free_port
from tests.integration.test_cli_memory import run


@pytest.fixture
def own_home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="athena-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
async def test_the_stack_ends_up_with_one_server_for_the_new_model(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tiny_embedder(own_home, 32), tiny_embedder(own_home, 64, name="other-embedder")
    ports = {name: str(free_port()) for name in ("ATHENA_PORT", "ATHENA_EMBEDDINGS_PORT", "ATHENA_REASONING_PORT")}
    environment = {
        **ports,
        "ATHENA_HOME": str(own_home),
        "ATHENA_EMBEDDING_MODEL": str(first),
        "LLAMACPP_EMBEDDINGS_URL": f"http://127.0.0.1:{ports['ATHENA_EMBEDDINGS_PORT']}",
        "LLAMACPP_REASONING_URL": f"http://127.0.0.1:{ports['ATHENA_REASONING_PORT']}",
    }
    # The supervisor hands its own environment on to the API.
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = config.load(environment)
    base = f"http://127.0.0.1:{ports['ATHENA_PORT']}"
    # The supervisor runs in this process here; what it logs isn't what the commands print.
    with capture_logs():
        await changed(environment, settings, base, own_home, first, second)


async def changed(
    environment: dict[str, str], settings: Settings, base: str, own_home: Path, first: Path, second: Path
) -> None:
    async with running_stack(settings), httpx.AsyncClient(base_url=base, timeout=30) as http:
        await answered(http, "/health", lambda answer: answer.json()["status"] == "up")
        await run(memory.app, environment, "remember", "alice likes coffee")
        done = await run(embeddings.app, environment, "migrate", "--to", str(second), "--json")
        generation = json.loads(done.stdout)
        assert (generation["dim"], generation["state"], generation["server_url"]) == (64, "serving", None)
        await answered(http, "/health", lambda answer: answer.json()["status"] == "up")
        found = (await http.post("/tools/recall/execute", json={"query": "coffee"})).json()["result"]
        assert (found["degraded"], len(found["memories"])) == ([], 1)
        assert json.loads((own_home / "embedder.json").read_text())["model"] == second.stem
        assert await served(environment["LLAMACPP_EMBEDDINGS_URL"]) == second.stem
        async with running_stack(settings) as again:
            parts = {part.name: part.state for part in again.parts}
        assert parts["embeddings"] is State.READY
        assert "embeddings-next" not in parts
        # The way back needs a server for the earlier model, and this one isn't in the catalogue.
        with pytest.raises(Conflict, match=first.stem):
            await run(embeddings.app, environment, "rollback")
        assert (await http.get("/health")).json()["generation"]["dim"] == 64


async def served(url: str) -> Any:
    async with httpx.AsyncClient(base_url=url) as http:
        return (await http.get("/v1/models")).json()["data"][0]["id"]
