"""The middleware around every request: its size, its name, its line in the log, the last net."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI, Request

from athena import logs
from athena.api.limits import BodyLimit
from athena.api.metrics import Metrics
from athena.api.request_log import RequestLog
from athena.config import Settings

SECRET = "ath_" + "s" * 43


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[io.StringIO]:
    out = io.StringIO()
    logs.configure(Settings(home=tmp_path, log_format="json"), out)
    yield out
    structlog.reset_defaults()


def app(limit: int = 1000) -> tuple[FastAPI, Metrics]:
    api, metrics = FastAPI(), Metrics()

    @api.post("/things/{name}")
    async def thing(name: str, request: Request) -> dict[str, int]:
        body = await request.body()
        request.scope["athena.timings"]["embedding"] = 1.23456
        if name == "broken":
            raise RuntimeError(f"a fault that tells {SECRET} and postgresql://ada:hunter2@db/x")
        return {"bytes": len(body)}

    from athena.api import errors

    errors.install(api)
    api.add_middleware(BodyLimit, limit=limit)
    api.add_middleware(RequestLog, metrics=metrics)
    return api, metrics


def client(api: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=api), base_url="http://localhost")


def entries(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


async def test_a_request_leaves_one_line_with_its_latencies(lines: io.StringIO) -> None:
    api, metrics = app()
    async with client(api) as http:
        answer = await http.post(f"/things/a?secret={SECRET}", content=b"hello", headers={"x-request-id": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    (line,) = entries(lines)
    assert line["event"] == "request"
    assert (line["path"], line["status"], line["request_id"]) == ("/things/a", 200, "mine-1")
    assert line["embedding_ms"] == 1.23
    assert line["latency_ms"] >= 0
    assert SECRET not in lines.getvalue()
    text = metrics.exposition().decode()
    assert 'athena_requests_total{method="POST",route="/things/{name}",status="200"} 1.0' in text
    assert 'athena_part_seconds_count{part="embedding"} 1.0' in text


async def test_an_unsafe_request_id_is_replaced(lines: io.StringIO) -> None:
    api, _ = app()
    async with client(api) as http:
        answer = await http.post("/things/a", headers={"x-request-id": "a b\tc"})
    assert answer.headers["x-request-id"] != "a b\tc"
    assert len(answer.headers["x-request-id"]) == 32


async def test_a_fault_is_a_500_that_tells_nothing_and_a_trace_in_the_log(lines: io.StringIO) -> None:
    api, _ = app()
    async with client(api) as http:
        answer = await http.post("/things/broken")
    assert answer.status_code == 500
    error = answer.json()["error"]
    assert error["code"] == "internal"
    assert answer.headers["x-request-id"] in error["message"]
    assert "RuntimeError" not in answer.text
    logged = lines.getvalue()
    assert "RuntimeError" in logged
    assert SECRET not in logged
    assert "hunter2" not in logged


async def test_unknown_paths_and_methods_keep_the_form_and_the_labels_few(lines: io.StringIO) -> None:
    api, metrics = app()
    async with client(api) as http:
        missing = await http.get("/nothing/here")
        wrong = await http.request("BREW", "/things/a")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "POST"
    text = metrics.exposition().decode()
    assert "nothing/here" not in text
    assert "BREW" not in text


async def test_a_body_over_the_limit_is_a_413_declared_or_streamed(lines: io.StringIO) -> None:
    api, _ = app(limit=1000)

    async def stream(size: int) -> AsyncIterator[bytes]:
        for _ in range(size // 100):
            yield b"x" * 100

    async with client(api) as http:
        assert (await http.post("/things/a", content=b"x" * 1000)).json() == {"bytes": 1000}
        declared = await http.post("/things/a", content=b"x" * 1001)
        assert (await http.post("/things/a", content=stream(1000))).status_code == 200
        streamed = await http.post("/things/a", content=stream(1100))
    for answer in (declared, streamed):
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "too_large"
        assert "1000 bytes" in answer.json()["error"]["message"]


def test_pretty_logs_are_for_the_eye_and_keep_secrets_too(tmp_path: Path) -> None:
    out = io.StringIO()
    logs.configure(Settings(home=tmp_path, log_format="pretty"), out)
    structlog.get_logger("t").info("asked", reasoning_ms=12.5, key=SECRET, url="http://u:pw12345@h/")
    structlog.reset_defaults()
    assert "reasoning_ms" in out.getvalue()
    assert SECRET not in out.getvalue()
    assert "pw12345" not in out.getvalue()
    assert not out.getvalue().startswith("{")


def test_lines_of_libraries_take_the_same_form(lines: io.StringIO) -> None:
    import logging

    logging.getLogger("somebody.else").warning("pool of %s", f"postgresql://ada:hunter2@{'db'}/x")
    (line,) = entries(lines)
    assert line["level"] == "warning"
    assert line["logger"] == "somebody.else"
    assert "hunter2" not in line["event"]
