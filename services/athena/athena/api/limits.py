"""How much one request may send."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from athena.api.errors import render
from athena.errors import TooLarge

# A client that is still sending sees a broken connection rather than the answer,
# so what comes is read and dropped for a while before the answer goes out.
_DRAIN_FACTOR = 4


class BodyLimit:
    """413 for a body over `limit` bytes, declared by Content-Length or found while it streams in."""

    def __init__(self, app: ASGIApp, limit: int, longer: Mapping[str, int] | None = None) -> None:
        """`longer`: the limits of paths whose bodies are never held as a whole."""
        self._app = app
        self._limit = limit
        self._longer = longer or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._longer.get(scope["path"], self._limit)
        declared = _content_length(scope)
        if declared is not None and declared > limit:
            await self._drain(receive)
            await render(TooLarge(_line(limit)), scope=scope)(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                if message.get("more_body"):
                    await self._drain(receive)
                raise HTTPException(413, _line(limit))
            return message

        await self._app(scope, counted, send)

    async def _drain(self, receive: Receive) -> None:
        dropped, more = 0, True
        while more and dropped < self._limit * _DRAIN_FACTOR:
            message = await receive()
            dropped += len(message.get("body", b""))
            more = message["type"] == "http.request" and message.get("more_body", False)


def _line(limit: int) -> str:
    return f"the body is larger than {limit} bytes"


def _content_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 20 else None
    return None
