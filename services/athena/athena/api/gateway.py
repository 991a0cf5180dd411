"""The gateway's requests, taken before the framework sees them: it would cost each more than all the rest does."""

from __future__ import annotations

import asyncio
import re
from types import SimpleNamespace

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from athena.api.errors import MethodNotAllowed, unexpected
from athena.errors import AthenaError, NotFound, TooLarge
from athena.gateway.flow.reply import Reply
from athena.gateway.service import Asked, Gateway
from athena.gateway.surfaces import errors
from athena.gateway.surfaces.headers import lowered
from athena.gateway.surfaces.paths import LISTED, Endpoint, find
from athena.gateway.surfaces.paths import asked as asked_path

# Well under the 300 s of silence after which agents give a stream up, and the 60 s of most proxies.
PULSE_S = 15.0

_log = structlog.get_logger("athena.gateway")
_ID = "x-athena-request-id"
_UNSAFE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]+")
_PREFIXES = ("/v1", "/p/")
_LABELS = {
    "generate": {"anthropic": "/v1/messages", "openai": "/v1/chat/completions"},
    "count_tokens": {"anthropic": "/v1/messages/count_tokens"},
    "embeddings": {"openai": "/v1/embeddings"},
    "models": {"anthropic": "/v1/models", "openai": "/v1/models"},
}


class Front:
    """An ASGI middleware. A client that leaves cancels what is done for it; a silent stream gets pings."""

    def __init__(self, app: ASGIApp, gateway: Gateway, pulse_s: float = PULSE_S) -> None:
        self._app = app
        self._gateway = gateway
        self._pulse_s = pulse_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not (scope["path"].startswith(_PREFIXES) or scope["path"] == "/"):
            await self._app(scope, receive, send)
            return
        headers = lowered(scope["headers"])
        endpoint = find(scope["method"], asked_path(scope["path"], scope.get("raw_path") or b""), headers)
        if endpoint is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = SimpleNamespace(path=_LABELS.get(endpoint.operation, {}).get(endpoint.wire, "/v1"))
        raw = await self._body(endpoint, scope, receive, send)
        if raw is None:
            return
        asked = Asked(
            endpoint,
            raw,
            headers,
            scope["query_string"].decode("latin-1"),
            scope.get("athena.principal", ""),
            scope["athena.request_id"],
            scope["athena.timings"],
        )
        gone = _Gone(receive)
        try:
            await self._answer(asked, scope, send)
        except asyncio.CancelledError:
            if not gone.left():
                raise
        finally:
            await gone.stop()

    async def _body(self, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> bytes | None:
        """All of it, or None when the client is gone or has been answered."""
        parts: list[bytes] = []
        try:
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
        except HTTPException as exc:
            reply = _refused(TooLarge(str(exc.detail)), endpoint, scope)
            reply.headers.append((_ID, scope["athena.request_id"]))
            await _send_whole(reply, scope, send)
            return None

    async def _answer(self, asked: Asked, scope: Scope, send: Send) -> None:
        try:
            reply = await self._reply(asked, scope)
        except AthenaError as error:
            reply = _refused(error, asked.endpoint, scope)
        except Exception:
            _log.exception("unexpected error", path=scope["path"])
            reply = _refused(unexpected(asked.request_id), asked.endpoint, scope)
        reply.headers.append((_ID, asked.request_id))
        if reply.chunks is None:
            await _send_whole(reply, scope, send)
        else:
            await self._send_stream(reply, send)

    async def _reply(self, asked: Asked, scope: Scope) -> Reply:
        endpoint = asked.endpoint
        if endpoint.operation == "unknown":
            raise NotFound(f"there is nothing at {scope['path']}; what is served: {', '.join(LISTED)}")
        if scope["method"] not in endpoint.methods:
            raise MethodNotAllowed(f"{scope['method']} is not possible at {scope['path']}, {endpoint.methods[0]} is")
        return await self._gateway.reply(asked)

    async def _send_stream(self, reply: Reply, send: Send) -> None:
        assert reply.chunks is not None
        pulse = _Pulse(send, reply.ping, self._pulse_s)
        try:
            await send({"type": "http.response.start", "status": reply.status, "headers": _raw(reply.headers)})
            pulse.start()
            async for chunk in reply.chunks:
                pulse.beat()
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            pulse.stop()
            await send({"type": "http.response.body", "body": b""})
        finally:
            pulse.stop()
            await reply.chunks.aclose()


class _Gone:
    """Cancels the task it was made in when the client hangs up."""

    def __init__(self, receive: Receive) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._left = False
        self._watch = asyncio.create_task(self._wait(receive))

    def left(self) -> bool:
        """Whether it was the client; the cancellation is over then."""
        if self._left:
            self._task.uncancel()
        return self._left

    async def stop(self) -> None:
        self._watch.cancel()

    async def _wait(self, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self._left = True
                self._task.cancel()
                return


class _Pulse:
    """Sends `ping` after each `every_s` without anything else. Only whole events are ever sent, so it can't land
    inside one."""

    def __init__(self, send: Send, ping: bytes, every_s: float) -> None:
        self._send = send
        self._ping = ping
        self._every_s = every_s
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._sending: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._ping:
            self._timer = self._loop.call_later(self._every_s, self._look)

    def beat(self) -> None:
        self._last = self._loop.time()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._sending is not None:
            self._sending.cancel()

    def _look(self) -> None:
        left = self._last + self._every_s - self._loop.time()
        if left <= 0:
            # One at a time: a client that reads nothing must not gather them.
            if self._sending is None or self._sending.done():
                self._sending = self._loop.create_task(self._say())
            left = self._every_s
            self.beat()
        self._timer = self._loop.call_later(left, self._look)

    async def _say(self) -> None:
        await self._send({"type": "http.response.body", "body": self._ping, "more_body": True})


async def _send_whole(reply: Reply, scope: Scope, send: Send) -> None:
    headers = [*reply.headers, ("content-length", str(len(reply.body)))]
    await send({"type": "http.response.start", "status": reply.status, "headers": _raw(headers)})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else reply.body})


def _refused(error: AthenaError, endpoint: Endpoint, scope: Scope) -> Reply:
    request_id = scope["athena.request_id"]
    headers = errors.headers(error)
    if isinstance(error, MethodNotAllowed):
        headers.append(("allow", ", ".join(endpoint.methods)))
    return Reply(error.status, headers, errors.encoded(error, endpoint.wire, request_id))


def _raw(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Values may hold what clients named: no line end of theirs ends a header of ours."""
    return [(name.encode("latin-1"), _UNSAFE.sub(b" ", value.encode("latin-1", "replace"))) for name, value in headers]
