"""The Compose files as they are, under a project, ports and a models folder of a test's own."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.integration.api_server import free_port

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
PORTS = ("ATHENA_PORT", "EMBEDDINGS_PORT", "REASONING_PORT", "COMPRESSOR_PORT", "POSTGRES_PORT")
SERVING = ("postgres", "llamacpp-embeddings", "llamacpp-reasoning", "compressor", "athena")
_POLL_S = 0.2
_COMMAND_S = 600.0


@dataclass
class Stack:
    """`settings` is what a user would write into docker/.env; `overlays` are file names."""

    project: str
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    overlays: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.models = self.folder / "models"
        self.models.mkdir(parents=True, exist_ok=True)
        self.settings = {
            **{name: str(free_port()) for name in PORTS},
            "ATHENA_MODELS_DIR": str(self.models),
            "EMBEDDINGS_MODEL": "tiny-embedder-32.gguf",
            "EMBEDDINGS_CONTEXT": "512",
            "REASONING_MODEL": "tiny-reasoner.gguf",
            "REASONING_CONTEXT": "512",
            "REASONING_CACHE_TYPE": "",
            **self.settings,
        }
        self.url = f"http://localhost:{self.settings['ATHENA_PORT']}"

    def compose(self, *words: str, stdin: str | None = None, check: bool = True) -> str:
        """`docker compose WORDS`; what it printed on standard output."""
        environment = self.folder / "env"
        environment.write_text("".join(f"{name}={value}\n" for name, value in self.settings.items()))
        files = [word for name in ("docker-compose.yml", *self.overlays) for word in ("-f", name)]
        argv = [
            "docker",
            "compose",
            "--ansi",
            "never",
            "-p",
            self.project,
            "--env-file",
            str(environment),
            *files,
            *words,
        ]
        return run(argv, cwd=DOCKER, stdin=stdin, check=check)

    def up(self, *words: str) -> None:
        self.compose("up", "-d", "--no-build", *words)

    def down(self) -> None:
        """Volumes, too; a volume that Compose doesn't name after the project stays."""
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5", check=False)

    def container(self, service: str) -> str:
        """The id of the service's only container."""
        (found,) = self.containers(service)
        return found

    def containers(self, service: str) -> list[str]:
        return self.compose("ps", "--all", "--quiet", service).split()

    def inspect(self, service: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(run(["docker", "inspect", self.container(service)]))[0]
        return found

    def health(self, service: str) -> str:
        state = self.inspect(service)["State"]
        return str(state["Health"]["Status"] if "Health" in state else state["Status"])

    def wait_healthy(self, *services: str, seconds: float = 90.0) -> None:
        for service in services or SERVING:
            wait(lambda service=service: self.health(service) == "healthy", f"{service} healthy", seconds)  # type: ignore[misc]

    def exec(self, service: str, *words: str, stdin: str | None = None, check: bool = True) -> str:
        return self.compose("exec", "-T", service, *words, stdin=stdin, check=check)

    def report(self) -> dict[str, Any]:
        """The answer of /health, whatever its status."""
        found: dict[str, Any] = httpx.get(f"{self.url}/health", timeout=20).json()
        return found

    def remember(self, content: str, **more: Any) -> dict[str, Any]:
        return self.tool("remember", content=content, **more)

    def remember_embedded(self, content: str) -> dict[str, Any]:
        """Answered when it has its vector."""
        answer = httpx.post(f"{self.url}/api/v1/memories?wait=true", json={"content": content}, timeout=60)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def recall(self, query: str, limit: int = 3) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.tool("recall", query=query, limit=limit)["memories"]
        return found

    def tool(self, name: str, **arguments: Any) -> dict[str, Any]:
        answer = httpx.post(f"{self.url}/tools/{name}/execute", json=arguments, timeout=60)
        assert answer.is_success, answer.text
        result: dict[str, Any] = answer.json()["result"]
        return result

    def environment(self) -> dict[str, str]:
        """For commands of Athena's that run on the host."""
        return {**os.environ, "COMPOSE_PROJECT_NAME": self.project, "ATHENA_PORT": self.settings["ATHENA_PORT"]}


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    stdin: str | None = None,
    check: bool = True,
    env: Mapping[str, str] | None = None,
) -> str:
    done = subprocess.run(
        argv, cwd=cwd, input=stdin or "", env=env, capture_output=True, text=True, timeout=_COMMAND_S, check=False
    )
    assert not check or done.returncode == 0, f"{' '.join(argv)}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def network_gateway(stack: Stack, network: str) -> str:
    """The host's address as a container in this network sees it."""
    found = json.loads(run(["docker", "network", "inspect", f"{stack.project}_{network}"]))[0]
    return str(found["IPAM"]["Config"][0]["Gateway"])


def wait(true: Callable[[], bool], what: str, seconds: float) -> None:
    give_up_at = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up_at, f"after {seconds:.0f} s still not: {what}"
        time.sleep(_POLL_S)
