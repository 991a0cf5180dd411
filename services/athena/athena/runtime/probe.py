"""Does a server on this machine answer? Asked many times a second while it starts."""

from __future__ import annotations

import httpx

from athena import http


async def answers(url: str) -> bool:
    """True for a 200; False for anything else, and for silence of two seconds."""
    # Loading the certificates for a client costs more than all the rest of a question on loopback.
    transport = httpx.AsyncHTTPTransport(verify=False)
    try:
        async with http.client(connect_s=0.5, read_s=2.0, transport=transport) as client:
            return (await client.get(url)).status_code == 200
    except httpx.HTTPError:
        return False
