"""The only place that creates an HTTP client, and so the only way out of the process.

Everything that leaves goes through `client()` or `channel()`: one place to set time-outs, to keep proxy
variables from leading traffic elsewhere, and to stop it: both stand behind `gate`, which local-only mode
closes. Other modules use `httpx` for its types and errors alone.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import cache

import certifi
import httpx

from athena import __version__
from athena.http.channel import Channel
from athena.http.dial import dial
from athena.http.gate import FORCED, ON, Gate, LocalOnly
from athena.http.gated import GatedTransport
from athena.http.mirror import default_rule

__all__ = ["FORCED", "ON", "USER_AGENT", "Channel", "LocalOnly", "channel", "client", "gate", "listens"]

USER_AGENT = f"athena/{__version__}"

gate = Gate(default_rule)


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
    limits = httpx.Limits(max_connections=max_connections, max_keepalive_connections=max_connections)
    inner = transport or httpx.AsyncHTTPTransport(verify=_tls(), limits=limits, trust_env=False)
    return httpx.AsyncClient(
        base_url=base_url,
        timeout=httpx.Timeout(read_s, connect=connect_s, pool=read_s),
        headers={"user-agent": USER_AGENT, **(headers or {})},
        transport=GatedTransport(inner, gate),
        trust_env=False,
    )


def channel(*, max_connections: int = 512) -> Channel:
    """For requests by the thousand with streamed answers: a sixth of a client's CPU time, and none of its comforts."""
    return Channel(gate, _tls, max_connections=max_connections)


async def listens(url: str, *, within_s: float) -> bool:
    """Does anybody take a connection there? Raises `LocalOnly`."""
    target = httpx.URL(url)
    host = target.raw_host.decode("ascii")
    await gate.admit(host)
    try:
        async with asyncio.timeout(within_s):
            (await dial(host, target.port or (443 if target.scheme == "https" else 80))).close()
    except (OSError, TimeoutError):
        return False
    return True


@cache
def _tls() -> ssl.SSLContext:
    """The well-known authorities and the machine's own (SSL_CERT_FILE too): a company's proxy signs with its own."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    context.set_alpn_protocols(["http/1.1"])
    return context
