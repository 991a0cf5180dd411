"""Who may come in.

How far Athena is exposed is declared (`ATHENA_EXPOSURE`), never inferred from the
peer's address: inside a container every caller comes from the bridge.

- `loopback`: a request is open when it names a loopback host and no foreign web
  page sent it. A page that rebinds its own name to 127.0.0.1 shows in Host, one
  that posts across sites in Origin or Sec-Fetch-Site. Anything else needs a key.
- `published`: the same, in a container that listens on its own addresses; who runs it publishes the port on
  loopback only. Host and Origin are the browser's and the client's own, whichever way the request came.
- `network`: every request needs a key, but for the liveness probe.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from athena.api.credentials import Credentials
from athena.api.errors import render
from athena.config import Exposure as Declared
from athena.errors import AthenaError, Forbidden, Unauthorized

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
_ALWAYS_OPEN = frozenset({"/health/live"})
# These must answer while PostgreSQL, which knows the keys, is away.
_WITHOUT_STORE = frozenset({"/health", "/health/live", "/health/ready", "/metrics"})
_HINT = "athena keys create NAME, then send it as: Authorization: Bearer KEY"

Verify = Callable[[str], Awaitable[str | None]]


class Exposure:
    """Lets a request in, with the name of its key as the principal (empty when it came without), or refuses it."""

    def __init__(self, app: ASGIApp, declared: Declared, verify: Verify) -> None:
        self._app = app
        self._declared = declared
        self._credentials = Credentials(verify)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            scope["athena.principal"] = await self._principal(scope["path"], Headers(scope=scope))
        except AthenaError as refused:
            if scope["type"] == "websocket":
                # Closed before it was accepted: the client sees a 403.
                await send({"type": "websocket.close", "code": 1008, "reason": refused.message})
            else:
                await render(refused, scope=scope)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _principal(self, path: str, headers: Headers) -> str:
        if path in _ALWAYS_OPEN:
            return ""
        closed = self._why_closed(headers)
        if closed is None and path in _WITHOUT_STORE:
            return ""
        key = _presented(headers)
        if key is not None:
            name = await self._credentials.principal(key)
            if name is not None:
                return name
            raise Unauthorized("this key isn't known, or was revoked", hint=_HINT)
        if closed is not None:
            raise closed
        return ""

    def _why_closed(self, headers: Headers) -> AthenaError | None:
        """Why this request needs a key; None if it needs none."""
        if self._declared == "network":
            return Unauthorized("a key is needed", hint=_HINT)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or _host(hosts[0]) not in _LOOPBACK:
            return Forbidden("without a key, only requests to localhost are answered", hint=_HINT)
        if "forwarded" in headers or "x-forwarded-for" in headers:
            return Forbidden("without a key, nothing that a proxy passes on is answered", hint=_HINT)
        origins = headers.getlist("origin")
        if any(not _loopback_origin(origin) for origin in origins):
            return Forbidden("without a key, no page of another site may send requests", hint=_HINT)
        if headers.get("sec-fetch-site", "none").lower() == "cross-site":
            return Forbidden("without a key, no page of another site may send requests", hint=_HINT)
        return None


def _presented(headers: Headers) -> str | None:
    """The Athena key in the request, if any; other credentials there are meant for somebody else."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    # A header of its own for clients that send their provider's key in the usual places.
    for candidate in (headers.get("x-athena-key", "").strip(), bearer, headers.get("x-api-key", "").strip()):
        if candidate.startswith(Credentials.PREFIX):
            return candidate
    return None


def _host(value: str) -> str:
    """The name in a Host header, without its port."""
    name, colon, port = value.strip().lower().rpartition(":")
    return name if colon and port.isdigit() else value.strip().lower()


def _loopback_origin(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and parts.hostname in _LOOPBACK and parts.username is None
    except ValueError:
        return False
