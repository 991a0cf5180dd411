"""The HTTP surface: POST /compress, GET /health, GET /metrics."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from compressor import __version__, guard, pool
from compressor.config import Settings
from compressor.engine import Job, Kept, Stop, left
from compressor.errors import CompressorError, EngineFailed, InvalidInput, TooLarge
from compressor.metrics import Metrics
from compressor.pool import Loaded, Pool
from compressor.schemas import CompressIn, CompressOut, HealthOut, ModelOut, QueueOut, SegmentOut
from compressor.waiting import Queue

log = logging.getLogger("compressor")
_T = TypeVar("_T")

_BYTES_PER_CHARACTER = 12
"""A character outside the basic plane, written as two JSON escapes."""
_OVERHEAD_BYTES = 1 << 20
"""Spans and the rest."""


class Service:
    """What the routes share."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pool = Pool()
        self.queue = Queue(settings.queue)
        self.metrics = Metrics()
        self.metrics.waiting.set_function(lambda: self.queue.waiting)
        self.metrics.ready.set_function(lambda: self.pool.ready)

    async def load(self) -> None:
        try:
            self.pool.loaded = await self.queue.load(lambda: pool.load(self.settings))
        except Exception as exc:  # whatever it is, /health has to say so
            self.pool.failed = str(exc) or type(exc).__name__
            log.exception("the models can't be loaded")
            return
        self.pool.ready = True
        log.info("ready: %s", ", ".join(self.pool.names))

    async def compress(self, request: Request) -> CompressOut:
        started = time.monotonic()
        guard.check(request.headers, self.settings)
        asked = _parse(await _body(request, self.settings.max_chars))
        job = asked.job()
        if job.characters > self.settings.max_chars:
            raise TooLarge(f"{job.characters} characters; at most {self.settings.max_chars} are taken")
        one = self.pool.choose(asked.engine, asked.model, asked.strict)
        spent = time.monotonic() - started
        stop = Stop(None if asked.deadline_ms is None else asked.deadline_ms / 1e3 - spent)
        answer = await _unless_left(request, self.queue.run(one, job, stop))
        return self._answer(one, job, answer, started)

    def _answer(self, one: Loaded, job: Job, answer: list[Kept], started: float) -> CompressOut:
        found = one.engine
        out = [
            SegmentOut(
                text=kept.text,
                kept=list(kept.kept),
                lost=list(kept.lost),
                tokens_before=kept.tokens_before,
                tokens_after=kept.tokens_after,
            )
            for kept in answer
        ]
        before, after = sum(s.tokens_before for s in out), sum(s.tokens_after for s in out)
        seconds = time.monotonic() - started
        self.metrics.tokens.labels("before").inc(before)
        self.metrics.tokens.labels("after").inc(after)
        self.metrics.seconds.labels(found.name, found.model).observe(seconds)
        return CompressOut(
            segments=out,
            tokens_before=before,
            tokens_after=after,
            engine=found.name,
            model=found.model,
            precision=found.precision,
            strict=found.strict,
            latency_ms=round(1e3 * seconds, 3),
        )

    def health(self) -> HealthOut:
        engines = [one.engine for one in self.pool.loaded]
        names = [engine.name for engine in engines]
        return HealthOut(
            status="failed" if self.pool.failed else "ok" if self.pool.ready else "loading",
            models=[ModelOut(model=e.model, precision=e.precision, engine=e.name, strict=e.strict) for e in engines],
            engine="fast" if "fast" in names else next(iter(names), None),
            queue=QueueOut(waiting=self.queue.waiting, limit=self.queue.limit),
            threads=self.settings.threads,
            version=__version__,
            error=self.pool.failed,
        )


def create_app(settings: Settings) -> FastAPI:
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(service.load())
        yield
        loading.cancel()
        service.queue.close()

    app = FastAPI(title="Athena compressor", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.service = service

    @app.post("/compress", response_model=CompressOut)
    async def compress(request: Request) -> Response:
        try:
            answer = _json(await service.compress(request))
            outcome = "ok"
        except CompressorError as exc:
            answer = _error(exc)
            outcome = exc.code
        service.metrics.requests.labels(outcome).inc()
        return answer

    @app.get("/health", response_model=HealthOut)
    async def health() -> Response:
        found = service.health()
        return _json(found) if found.status == "ok" else _json(found, 503, {"retry-after": "2"})

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        try:
            guard.check(request.headers, settings)
        except CompressorError as exc:
            return _error(exc)
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")

    @app.exception_handler(Exception)
    async def broken(_: Request, exc: Exception) -> Response:
        log.error("unexpected", exc_info=exc)
        return _error(EngineFailed("the compressor failed unexpectedly; its log says why"))

    return app


def _parse(body: bytes) -> CompressIn:
    try:
        return CompressIn.model_validate_json(body)
    except ValidationError as exc:
        error = exc.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in error["loc"])
        message = error["msg"].removeprefix("Value error, ")
        raise InvalidInput(f"{place}: {message}" if place else message) from exc


async def _body(request: Request, max_chars: int) -> bytes:
    """Raises `TooLarge` before more than the limit is in memory."""
    limit = _BYTES_PER_CHARACTER * max_chars + _OVERHEAD_BYTES
    parts = bytearray()
    try:
        async for part in request.stream():
            parts += part
            if len(parts) > limit:
                raise TooLarge(f"the body is over {limit} bytes")
    except ClientDisconnect as exc:
        raise left() from exc
    return bytes(parts)


async def _unless_left(request: Request, work: Coroutine[Any, Any, _T]) -> _T:
    """Raises `Cancelled`, the work ended, when the client goes."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise left()
        return working.result()
    finally:
        watching.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait({working})


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _json(content: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(content.model_dump_json(), status, headers, media_type="application/json")


def _error(exc: CompressorError) -> Response:
    headers = {"retry-after": str(exc.retry_after)} if exc.retry_after is not None else None
    return JSONResponse(exc.body(), exc.status, headers)
