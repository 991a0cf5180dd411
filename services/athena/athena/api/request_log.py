"""One line and one count per request; the last net under what nobody caught."""

from __future__ import annotations

import re
import time
import uuid

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from athena.api.errors import render, unexpected
from athena.api.metrics import Metrics

_log = structlog.get_logger("athena.api")
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Probes come every few seconds: worth a line only when they fail.
_QUIET = ("/health", "/metrics")


class RequestLog:
    """Names each request (`x-request-id`, taken over from the caller if it's sane), times it and logs it.

    Neither query strings nor bodies nor headers are logged: they hold what users said, and keys.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["athena.request_id"] = request_id
        scope["athena.timings"] = {}
        status = 0
        started = time.perf_counter()

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, named)
            except Exception:
                _log.exception("unexpected error", method=scope["method"], path=scope["path"])
                if status:
                    raise
                await render(unexpected(request_id), scope=scope)(scope, receive, named)
            finally:
                self._record(scope, status, (time.perf_counter() - started) * 1e3)

    def _record(self, scope: Scope, status: int, latency_ms: float) -> None:
        timings: dict[str, float] = scope["athena.timings"]
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.request(method, route, status, latency_ms)
        for part, spent in timings.items():
            self._metrics.part(part, spent)
        # A client that hung up before the answer began leaves no status: 499, as proxies have it.
        level = "debug" if scope["path"].startswith(_QUIET) and status < 400 else "info"
        getattr(_log, level)(
            "request",
            method=method,
            path=scope["path"],
            status=status or 499,
            latency_ms=round(latency_ms, 2),
            **{f"{part}_ms": round(spent, 2) for part, spent in timings.items()},
            **({"key": scope["athena.principal"]} if scope.get("athena.principal") else {}),
        )


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _ID.fullmatch(given) else uuid.uuid4().hex
