"""Whether a model server is up, still loading, or down, and why."""

from __future__ import annotations

import asyncio
import time

from athena.core.embedding import build_of, served_model
from athena.core.transport import ModelServer
from athena.core.types import ServerHealth
from athena.errors import AthenaError, ModelServerUnavailable

# A server at work answers this at once from another thread.
_TIMEOUT_S = 3.0


async def server_health(server: ModelServer) -> ServerHealth:
    """Never raises: a server that can't be reached is an answer too. Takes three seconds at most."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return await _asked(server)
    except TimeoutError:
        detail = f"no answer within {_TIMEOUT_S:.0f} s"
        return ServerHealth("down", server.shown_url, None, _TIMEOUT_S * 1000, detail, None)


async def _asked(server: ModelServer) -> ServerHealth:
    started = time.perf_counter()
    model: str | None = None
    version: str | None = None
    detail: str | None = None
    state = "up"
    try:
        answer = await server.once("/health", _TIMEOUT_S)
        if not isinstance(answer, dict) or answer.get("status") != "ok":
            state, detail = "down", f"what listens at {server.shown_url} isn't a model server"
    except AthenaError as exc:
        loading = isinstance(exc, ModelServerUnavailable) and "loading" in exc.message
        state, detail = ("loading" if loading else "down"), exc.message
    latency_ms = (time.perf_counter() - started) * 1000
    if state == "up":
        named, version = await asyncio.gather(_model(server), _version(server))
        model, detail = named
    return ServerHealth(state, server.shown_url, model, latency_ms, detail, version)


async def _model(server: ModelServer) -> tuple[str | None, str | None]:
    """Its name, or why there is none."""
    try:
        return served_model(await server.once("/v1/models", _TIMEOUT_S)), None
    except AthenaError as exc:
        return None, f"doesn't name its model: {exc.message}"


async def _version(server: ModelServer) -> str | None:
    """Servers that aren't llama-server needn't say."""
    try:
        return build_of(await server.once("/props", _TIMEOUT_S))
    except AthenaError:
        return None
