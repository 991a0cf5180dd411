"""Claude Code from npm, in a home and a working folder of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PACKAGE = "@anthropic-ai/claude-code"
# One version, so that a test that fails has found something here and not there. ATHENA_CLAUDE_CODE=latest tries what
# users will have next.
VERSION = os.environ.get("ATHENA_CLAUDE_CODE", "2.1.197")
_FOLDER = Path(__file__).parents[2] / "build" / "claude-code" / VERSION


def installed() -> Path:
    """The program, installed on first use. Without npm or the network the test is skipped, but fails in CI."""
    found = _program()
    if found is None:
        problem = _install()
        found = _program()
        if found is None and not (os.environ.get("CI") or os.environ.get("ATHENA_CI")):
            pytest.skip(f"Claude Code can't be installed here: {problem}")
        assert found is not None, problem
    return found


def _program() -> Path | None:
    return next(_FOLDER.glob("node_modules/@anthropic-ai/claude-code-*/claude"), None)


def _install() -> str:
    npm = shutil.which("npm")
    if npm is None:
        return "there is no npm"
    _FOLDER.parent.mkdir(parents=True, exist_ok=True)
    # Renamed into place when it is complete: tests that run at once don't see, or make, half of it.
    with tempfile.TemporaryDirectory(dir=_FOLDER.parent) as folder:
        (Path(folder) / "package.json").write_text('{"private": true}')
        argv = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", f"{PACKAGE}@{VERSION}"]
        try:
            done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired:
            return "npm took more than five minutes"
        if done.returncode == 0 and not _FOLDER.exists():
            with contextlib.suppress(OSError):  # another test was first
                Path(folder).rename(_FOLDER)
                Path(folder).mkdir()
    return done.stderr[-500:]


@dataclass(frozen=True)
class Run:
    """What one call printed. `said`: the JSON lines of its output, the result last."""

    status: int
    said: list[Any]
    errors: str

    @property
    def result(self) -> Any:
        assert self.said, self.errors
        return self.said[-1]


@dataclass(frozen=True)
class ClaudeCode:
    """`work` is where it runs. Nothing of the user's own configuration is seen by it."""

    program: Path
    work: Path
    environment: dict[str, str]

    async def ask(self, prompt: str, *options: str, model: str, streamed: bool = False) -> Run:
        """`claude -p`, allowed to use every tool in its folder."""
        form = ["stream-json", "--verbose", "--include-partial-messages"] if streamed else ["json"]
        allowed = ["--allowedTools", "Read", "Write", "Edit", "Bash", "Agent"]
        argv = [str(self.program), "-p", prompt, "--model", model, "--output-format", *form, *options, *allowed]
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=self.work,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(120):
                said, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        lines = [json.loads(line) for line in said.decode().splitlines() if line.startswith("{")]
        return Run(process.returncode or 0, lines, errors.decode())


@asynccontextmanager
async def claude_code(url: str, key: str, *, key_name: str = "ANTHROPIC_AUTH_TOKEN") -> AsyncIterator[ClaudeCode]:
    """Pointed to `url`, as a user points it to a gateway: by its environment alone."""
    program = installed()
    folder = Path(tempfile.mkdtemp(prefix="claude-code-"))
    (work := folder / "work").mkdir()
    (home := folder / "home").mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "ANTHROPIC_BASE_URL": url,
        key_name: key,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1",
        "DISABLE_AUTOUPDATER": "1",
    }
    try:
        yield ClaudeCode(program, work, environment)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
