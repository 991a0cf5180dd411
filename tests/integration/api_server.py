"""Athena's API in a test: its app asked without a socket, or its server as a process of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx

from athena.api.app import create_app
from athena.bootstrap import Athena

_READY_S = 60.0
_POLL_S = 0.05


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def client_of(athena: Athena, **headers: str) -> httpx.AsyncClient:
    """Asks the app itself, by the name that a loopback client uses."""
    transport = httpx.ASGITransport(app=create_app(athena))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60, headers=headers)


async def answered(
    http: httpx.AsyncClient, path: str, wanted: Callable[[httpx.Response], bool], seconds: float = _READY_S
) -> httpx.Response:
    """The first answer that is as wanted."""
    give_up_at = time.monotonic() + seconds
    while True:
        answer: httpx.Response | None = None
        try:
            answer = await http.get(path)
            if wanted(answer):
                return answer
        except httpx.TransportError:
            pass
        said = answer.text if answer is not None else "nothing"
        assert time.monotonic() < give_up_at, f"{path} last said: {said}"
        await asyncio.sleep(_POLL_S)


@asynccontextmanager
async def server_process(environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m athena.server` with nothing in its environment but this and what Python needs."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "athena.server"),
        env=kept | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
