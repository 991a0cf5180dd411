"""`athena pull` and `scripts/download_models.sh`, as a user runs them, against a hub that is a mirror."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import athena
from athena.runtime import catalogue
from tests.fakes.hub import Cut, FakeHub
from tests.fakes.manifest import write_unpinned_manifest
from tests.fakes.tiny_models import tiny_embedder, tiny_reasoner

ROOT = Path(__file__).parents[2]
COMMAND = """#!{python}
from athena.cli.main import main
main()
"""


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[FakeHub]:
    listed = catalogue.load()
    async with FakeHub() as hub:
        embedder, reasoner = listed.default("embedding"), listed.default("reasoning")
        hub.add(embedder.repo or "", embedder.file, tiny_embedder(tmp_path).read_bytes())
        hub.add(reasoner.repo or "", reasoner.file, tiny_reasoner(tmp_path).read_bytes())
        yield hub


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of its own, since the shipped manifest pins hashes that no fake can have."""
    root = tmp_path / "checkout"
    for part in ("models", "scripts", ".venv/bin"):
        (root / part).mkdir(parents=True)
    shutil.copytree(Path(athena.__file__).parent, root / "services/athena/athena")
    write_unpinned_manifest(root / "models")
    shutil.copy(ROOT / "scripts/download_models.sh", root / "scripts")
    command = root / ".venv/bin/athena"
    command.write_text(COMMAND.format(python=sys.executable))
    command.chmod(0o755)
    return root


def spoil(file: Path) -> bytes:
    """Change its last byte; what it was before."""
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"?")
    return whole


async def run(checkout: Path, hub: FakeHub, *command: str) -> tuple[int, str, str]:
    environment = {**os.environ, "ATHENA_HOME": str(checkout.parent / "home"), "HF_ENDPOINT": hub.endpoint}
    environment["PYTHONPATH"] = os.pathsep.join([str(checkout / "services/athena"), *sys.path])
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_script_downloads_the_defaults_and_goes_on(hub: FakeHub, checkout: Path, tmp_path: Path) -> None:
    script, target = str(checkout / "scripts/download_models.sh"), tmp_path / "my models"
    hub.next(Cut(after=50_000))
    code, out, err = await run(checkout, hub, script, str(target))
    assert code == 0, err
    names = {"nomic-embed-text-v1.5.Q8_0.gguf", "Qwen3VL-4B-Instruct-Q4_K_M.gguf"}
    assert {path.name for path in target.glob("*.gguf")} == names
    assert all(name in out for name in names)
    assert "retrying" in err
    assert "downloading" in err
    hub.seen.clear()
    code, _, err = await run(checkout, hub, script, str(target))
    assert (code, hub.seen) == (0, []), err


async def test_script_without_athena_says_what_to_do(hub: FakeHub, checkout: Path) -> None:
    (checkout / ".venv/bin/athena").unlink()
    shell = shutil.which("sh") or "/bin/sh"
    process = await asyncio.create_subprocess_exec(
        shell,
        str(checkout / "scripts/download_models.sh"),
        env={"PATH": "/usr/bin:/bin"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert process.returncode == 1
    assert "make install" in err.decode()
    assert err.count(b"\n") == 1


async def test_pull_as_json_and_verify(hub: FakeHub, checkout: Path) -> None:
    command = str(checkout / ".venv/bin/athena")
    code, out, err = await run(checkout, hub, command, "pull", "nomic", "--json")
    assert code == 0, err
    (result,) = json.loads(out)
    assert result["model"] == "nomic-embed-text-v1.5"
    assert result["commit"] == hub.commit("nomic-ai/nomic-embed-text-v1.5-GGUF")
    file = Path(result["path"])
    assert file.parent == checkout.parent / "home/models"
    whole = spoil(file)
    code, out, err = await run(checkout, hub, command, "pull", "--verify")
    assert code == 0, err
    assert "nomic-embed-text-v1.5" in out
    assert spoil(file) == whole


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a model to pull: nomic-embed-text-v1.5 (embedding),"),
        (("gpt-9",), "no model is called 'gpt-9'"),
        (("qwen3.5-4b",), "the hub doesn't know unsloth/Qwen3.5-4B-GGUF"),
    ],
)
async def test_mistakes_are_one_line(hub: FakeHub, checkout: Path, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = await run(checkout, hub, str(checkout / ".venv/bin/athena"), "pull", *arguments)
    assert code == 1
    assert said in err
    assert "Traceback" not in err
    assert out == ""
