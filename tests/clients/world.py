"""Where a client is pointed to, and what stands at the other end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from tests.fakes.anthropic_api import FakeAnthropic
from tests.fakes.openai_api import FakeOpenAI
from tests.fakes.provider.background import Background
from tests.fakes.provider.fake import FakeProvider

CLAUDE = "claude-opus-5-5"
GPT = "gpt-5.6-sol"
# The smallest picture there is: one transparent pixel.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


@dataclass
class World:
    """`gateway` is the URL of a gateway in front of the providers, or None where clients speak to them directly.

    `key` is whatever the place wants for a credential, `embedder` what it calls its embedding model, `local` the name
    of a local model, where there is one.
    """

    anthropic: FakeAnthropic
    openai: FakeOpenAI
    google: FakeOpenAI
    ollama: FakeOpenAI
    background: Background
    gateway: str | None = None
    key: str = "sk-test-key"
    embedder: str = "text-embedding-3-small"
    local: str | None = None
    clients: list[AsyncAnthropic | AsyncOpenAI] = field(default_factory=list)

    @property
    def fakes(self) -> tuple[FakeProvider, ...]:
        return self.anthropic, self.openai, self.google, self.ollama

    @property
    def anthropic_url(self) -> str:
        """As the Anthropic SDK and Claude Code want it: without `/v1`."""
        return self.gateway or self.anthropic.url

    @property
    def openai_url(self) -> str:
        """As the OpenAI SDK wants it: with `/v1`."""
        return f"{self.gateway}/v1" if self.gateway else self.openai.base_url

    def claude(self, *, max_retries: int = 0, timeout: float = 30) -> AsyncAnthropic:
        """Anthropic's SDK. What the SDK hides by trying again, a test should ask for."""
        client = AsyncAnthropic(api_key=self.key, base_url=self.anthropic_url, max_retries=max_retries, timeout=timeout)
        self.clients.append(client)
        return client

    def gpt(self, fake: FakeOpenAI | None = None, *, max_retries: int = 0, timeout: float = 30) -> AsyncOpenAI:
        """OpenAI's SDK; at `fake`, if one is named, instead of at this place."""
        url = fake.base_url if fake is not None else self.openai_url
        client = AsyncOpenAI(api_key=self.key, base_url=url, max_retries=max_retries, timeout=timeout)
        self.clients.append(client)
        return client

    async def close(self) -> None:
        """Clients keep connections on the loop that they were used in: it has to be this one."""
        for client in self.clients:
            await client.close()
        self.clients.clear()


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """For what happens in another thread or process."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it didn't happen"
        time.sleep(0.01)
