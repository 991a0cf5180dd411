"""The tool that asks the local reasoning model, against a real llama-server with a tiny model."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.tiny_models import tiny_reasoner
from tests.integration.api_server import answered, client_of, free_port
from tests.integration.conftest import built, settings_for


@pytest.fixture
async def http(dsn: str, test_home: Path) -> AsyncIterator[httpx.AsyncClient]:
    port = free_port()
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "athena.runtime.llama_child", "--model", str(tiny_reasoner(test_home))),
        *("--alias", "tiny-reasoner", "--port", str(port), "--threads", "1", "--threads-batch", "1"),
        *("--ctx-size", "1024", "--parallel", "1", "--jinja"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    settings = settings_for(dsn, f"http://127.0.0.1:{free_port()}", test_home).model_copy(update={"reasoning_url": url})
    try:
        async with httpx.AsyncClient(base_url=url) as model:
            await answered(model, "/health", lambda answer: answer.status_code == 200)
        async with built(settings, ready=False) as athena, client_of(athena) as client:
            yield client
    finally:
        server.kill()
        await server.wait()


async def test_it_answers_and_says_what_it_took(http: httpx.AsyncClient) -> None:
    answer = await http.post("/tools/reason/execute", json={"prompt": "hello", "max_tokens": 8})
    assert answer.status_code == 200, answer.text
    result = answer.json()["result"]
    assert result["model"] == "tiny-reasoner"
    assert 0 < result["tokens_out"] <= 8
    assert result["tokens_in"] > 0
    assert result["finish_reason"] in ("length", "stop")
    metrics = (await http.get("/metrics")).text
    assert 'athena_part_seconds_count{part="reasoning"} 1.0' in metrics


async def test_with_a_schema_the_answer_is_data(http: httpx.AsyncClient) -> None:
    schema = {
        "type": "object",
        "properties": {"sure": {"type": "boolean"}},
        "required": ["sure"],
        "additionalProperties": False,
    }
    answer = await http.post(
        "/tools/reason/execute", json={"prompt": "hello", "max_tokens": 300, "json_schema": schema}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["result"]["data"]["sure"] in (True, False)


async def test_more_than_the_context_is_a_400(http: httpx.AsyncClient) -> None:
    answer = await http.post("/tools/reason/execute", json={"prompt": "word " * 5_000})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "input_too_long"
