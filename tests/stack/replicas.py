"""Several Athenas behind one port, and a provider of the outside world that they all reach."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.clients.asking import Asking
from tests.fakes.anthropic_api import FakeAnthropic
from tests.fakes.openai_api import FakeOpenAI
from tests.fakes.provider.background import Background
from tests.fakes.provider.fake import FakeProvider
from tests.stack.relay import relay
from tests.stack.stack import Stack, run, wait

COUNT = 3


@dataclass
class Several:
    """`key`: an Athena key. `claude` is asked by address, `ollama` by the name that this machine has in containers."""

    stack: Stack
    claude: FakeAnthropic
    ollama: FakeOpenAI
    key: str = ""

    @property
    def containers(self) -> list[str]:
        return self.stack.containers("athena")

    def healthy(self) -> list[str]:
        found = json.loads(run(["docker", "inspect", *self.containers]))
        return [each["Id"] for each in found if each["State"].get("Health", {}).get("Status") == "healthy"]

    def wait_healthy(self) -> None:
        wait(lambda: len(self.healthy()) == COUNT, "all replicas healthy", 90)
        wait(self._reachable, "the proxy answers", 30)

    def asking(self, container: str | None = None) -> Asking:
        """With the key: one replica, or the port that all of them are behind."""
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        if container is None:
            return Asking(self.stack.url, headers)
        return Asking(f"http://{self._address(container)}:8000", {**headers, "host": "localhost"})

    def query(self, sql: str, database: str = "athena") -> list[list[str]]:
        """Rows, straight from the database."""
        words = ("psql", "-U", "athena", "-d", database, "-Atc", sql)
        return [line.split("|") for line in self.stack.exec("postgres", *words).splitlines()]

    def log(self, container: str, *words: str) -> list[dict[str, Any]]:
        """A replica's log, of which `words` (such as --since TIME) choose a part."""
        text = run(["sh", "-c", f"docker logs {' '.join(words)} {container} 2>&1"])
        return [json.loads(line) for line in text.splitlines()]

    def _address(self, container: str) -> str:
        networks = json.loads(run(["docker", "inspect", container]))[0]["NetworkSettings"]["Networks"]
        return str(networks[f"{self.stack.project}_access"]["IPAddress"])

    def _reachable(self) -> bool:
        try:
            return httpx.get(f"{self.stack.url}/health/live", timeout=2).status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def outside(fake: FakeProvider, background: Background) -> Iterator[str]:
    """Let the fake listen where containers reach it; its address."""
    found = json.loads(run(["docker", "network", "inspect", "bridge"]))[0]
    background.run(fake.server.listen())
    leading = relay(found["IPAM"]["Config"][0]["Gateway"], fake.url)
    address = background.run(leading.__aenter__())
    try:
        yield address
    finally:
        background.run(leading.__aexit__(None, None, None))
        background.run(fake.server.stop())
    assert not fake.broken, fake.broken
