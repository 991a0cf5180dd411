"""Asks the local servers what they serve, again and again, beside the requests and never for one of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import httpx

from athena.config import Settings
from athena.core.failures import RouteMissing
from athena.core.transport import Limits, ModelServer
from athena.errors import ModelServerError
from athena.gateway.jsontext import readable
from athena.gateway.models import seen
from athena.gateway.models.seen import ServerSeen
from athena.gateway.types import Json

_log = logging.getLogger(__name__)

# What is up seldom changes; what is down is wanted back.
_EVERY_S, _EVERY_S_DOWN = 30.0, 5.0
_LIMITS = Limits(connect_s=1.0, read_s=5.0, retry_for_s=0.0, in_flight=4)
_COUNTING = Limits(connect_s=2.0, read_s=30.0, retry_for_s=0.0, in_flight=8)

Tell = Callable[[ServerSeen, ServerSeen], None]


class Live:
    """`tell` gets (llama-server, Ollama) after each round. One per process; `run` ends by cancellation."""

    def __init__(self, settings: Settings, tell: Tell, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._tell = tell
        self._llama = ModelServer(settings.reasoning_url, "reasoning", _LIMITS, transport=transport)
        self._ollama = ModelServer(settings.ollama_url, "reasoning", _LIMITS, transport=transport)
        self._counter = ModelServer(settings.reasoning_url, "reasoning", _COUNTING, transport=transport)
        self._wanted = asyncio.Event()

    async def refresh(self) -> bool:
        """Ask both now. Returns whether the llama-server is up."""
        llama, ollama = await asyncio.gather(seen.llama(self._llama), seen.ollama(self._ollama))
        self._tell(llama, ollama)
        return llama.state == "up"

    def wake(self) -> None:
        """Something was noticed that the next round should not wait for."""
        self._wanted.set()

    async def run(self) -> None:
        while True:
            self._wanted.clear()
            try:
                up = await self.refresh()
            except Exception:
                # A server that answers nonsense must not end the asking.
                _log.exception("asking the local model servers failed")
                up = False
            try:
                await asyncio.wait_for(self._wanted.wait(), _EVERY_S if up else _EVERY_S_DOWN)
            except TimeoutError:
                continue

    async def count(self, body: dict[str, Json]) -> int:
        """Prompt tokens that the llama-server makes of an OpenAI-style request, exactly: its template applied, tools
        and all. Raises `ModelServerUnavailable`, `ModelServerError`."""
        asked = readable({name: value for name, value in body.items() if name not in ("stream", "stream_options")})
        try:
            answer = await self._counter.post("/v1/chat/completions/input_tokens", asked)
            return int(answer["input_tokens"])
        except RouteMissing:
            return await self._count_by_template(asked)
        except (KeyError, TypeError, ValueError) as exc:
            raise ModelServerError("the llama-server counted no tokens", source="reasoning") from exc

    async def _count_by_template(self, asked: dict[str, Json]) -> int:
        """As servers of before 2026 can."""
        applied = await self._counter.post("/apply-template", asked)
        prompt = applied.get("prompt") if isinstance(applied, dict) else None
        if not isinstance(prompt, str):
            raise ModelServerError("the llama-server applied no template", source="reasoning")
        made = await self._counter.post("/tokenize", {"content": prompt, "add_special": True, "parse_special": True})
        tokens = made.get("tokens") if isinstance(made, dict) else None
        if not isinstance(tokens, list):
            raise ModelServerError("the llama-server made no tokens", source="reasoning")
        return len(tokens)

    async def aclose(self) -> None:
        for server in (self._llama, self._ollama, self._counter):
            await server.aclose()
