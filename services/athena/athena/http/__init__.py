"""The only place that creates an HTTP client, and so the only way out of the process.

Everything that leaves goes through a client from `client()`: one place to set
time-outs, to keep proxy variables from leading traffic elsewhere, and to count
what left. Other modules use `httpx` for its types and errors alone.
"""

from __future__ import annotations

import ssl
from functools import cache

import certifi
import httpx

from athena import __version__

USER_AGENT = f"athena/{__version__}"


def client(
    *,
    base_url: str = "",
    connect_s: float = 2.0,
    read_s: float = 30.0,
    max_connections: int = 32,
    headers: dict[str, str] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """An async client with bounded time-outs (seconds) and one connection pool.

    `transport` is for tests (`httpx.MockTransport`, ASGI). Redirects are not
    followed: a caller that expects one says so per request.
    """
    return httpx.AsyncClient(
        base_url=base_url,
        timeout=httpx.Timeout(read_s, connect=connect_s, pool=read_s),
        limits=httpx.Limits(max_connections=max_connections, max_keepalive_connections=max_connections),
        headers={"user-agent": USER_AGENT, **(headers or {})},
        transport=transport,
        verify=_tls(),
        trust_env=False,
    )


@cache
def _tls() -> ssl.SSLContext:
    """The well-known authorities and the machine's own (SSL_CERT_FILE too): a company's proxy signs with its own."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context
