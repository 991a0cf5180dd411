"""Back-up and restore of the stack in containers, by the commands of the host."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.stack.stack import ROOT, Stack


def athena(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    env = {
        **stack.environment(),
        "PYTHONPATH": str(ROOT / "services" / "athena"),
        "ATHENA_HOME": str(stack.folder / "home"),
    }
    env.pop("ATHENA_DATABASE_URL", None)
    return subprocess.run(
        [sys.executable, "-m", "athena", *words], env=env, capture_output=True, text=True, timeout=300, check=False
    )


def test_one_command_each_while_running_and_the_recalls_are_the_same(stack: Stack, tmp_path: Path) -> None:
    kept = stack.remember("Carol sold the green house in Paris", memory_type="fact")
    stack.exec("athena", "sh", "-c", "mkdir -p agents/ada && echo kind > agents/ada/SOUL.md")
    before = [memory["id"] for memory in stack.recall("who sold the house?")]
    path = tmp_path / "stack.backup"
    done = athena(stack, "backup", str(path))
    assert done.returncode == 0, done.stderr
    assert "from docker" in done.stdout

    stack.tool("forget", id=kept["id"])
    stack.remember("what came after the back-up goes with the restore")
    stack.exec("athena", "rm", "-r", "agents")
    done = athena(stack, "restore", str(path), "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    count = done.stdout.split(" recalls answer")[0].rsplit("\n", 1)[-1].split(" of ")
    assert count[0] == count[1] != "0"
    assert [memory["id"] for memory in stack.recall("who sold the house?")] == before
    assert stack.exec("athena", "cat", "agents/ada/SOUL.md").strip() == "kind"
    assert stack.remember_embedded("and it goes on")["embedding"] == "ready"


def test_a_stack_that_is_gone_is_brought_back_from_its_file(stack: Stack, tmp_path: Path) -> None:
    stack.remember("Dave keeps bees on the roof", memory_type="fact")
    path = tmp_path / "gone.backup"
    assert athena(stack, "backup", str(path)).returncode == 0
    stack.down()
    stack.up()
    stack.wait_healthy()
    assert stack.tool("list", limit=10)["memories"] == []
    done = athena(stack, "restore", str(path), "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert stack.recall("who has bees?")[0]["content"] == "Dave keeps bees on the roof"


def test_without_a_stack_it_says_what_to_start(stack: Stack, tmp_path: Path) -> None:
    done = athena(stack, "backup", str(tmp_path / "x"), "--project", "no-such-project")
    assert done.returncode == 1
    assert "docker compose up -d" in done.stderr
    assert not (tmp_path / "x").exists()
