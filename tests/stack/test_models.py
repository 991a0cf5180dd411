"""No model files: nothing crashes, everything says what is missing, and what comes is taken up by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from athena.runtime import catalogue
from tests.fakes.hub import FakeHub
from tests.stack.conftest import add_models
from tests.stack.relay import relay
from tests.stack.stack import Stack, network_gateway, run, wait

_MODEL_SERVERS = ("llamacpp-embeddings", "llamacpp-reasoning", "compressor")
_LOOK_S = 15.0
_VOLUME = "llamacpp_models"


@pytest.fixture(scope="module")
def bare(new_stack: Callable[..., Stack]) -> Stack:
    made = new_stack()
    made.up()
    made.wait_healthy("postgres", "athena")
    return made


def said(stack: Stack, service: str) -> str:
    log = stack.inspect(service)["State"]["Health"]["Log"]
    return str(log[-1]["Output"]) if log else ""


def test_without_models_athena_is_up_degraded_and_remembers(bare: Stack) -> None:
    report = bare.report()
    assert report["status"] == "degraded"
    assert {name: part["state"] for name, part in report["parts"].items()} == {
        "postgres": "up",
        "embedding": "down",
        "reasoning": "down",
        "compressor": "down",
    }
    assert bare.remember("Anna waits for the model")["embedding"] == "pending"
    found = bare.tool("recall", query="who waits?")
    assert found["memories"][0]["content"] == "Anna waits for the model"
    assert "embedding" in found["degraded"]


def test_the_model_servers_wait_and_say_what_for(bare: Stack) -> None:
    wait(lambda: all("models volume" in said(bare, each) for each in _MODEL_SERVERS), "said what is missing", 20)
    assert "tiny-embedder-32.gguf" in said(bare, "llamacpp-embeddings")
    assert "make models" in said(bare, "llamacpp-reasoning")
    time.sleep(_LOOK_S)
    for service in _MODEL_SERVERS:
        state = bare.inspect(service)
        assert state["State"]["Running"]
        assert state["RestartCount"] == 0
        logs = run(["sh", "-c", f"docker logs {bare.container(service)} 2>&1"]).splitlines()
        assert len(logs) == 1, "it is said once, not every second"


def test_a_file_that_is_no_model_is_named(bare: Stack) -> None:
    damaged = bare.models / "tiny-embedder-32.gguf"
    damaged.write_bytes(b"<html>not found</html>")
    wait(lambda: "is no GGUF file" in said(bare, "llamacpp-embeddings"), "said that it is damaged", 20)
    damaged.unlink()
    assert bare.inspect("llamacpp-embeddings")["RestartCount"] == 0


def test_models_that_come_later_are_taken_up_with_no_restart(bare: Stack, tiny_models: Path) -> None:
    before = {service: bare.container(service) for service in _MODEL_SERVERS}
    add_models(bare, tiny_models)
    bare.wait_healthy(*_MODEL_SERVERS)
    assert {service: bare.container(service) for service in _MODEL_SERVERS} == before
    wait(lambda: bare.report()["status"] == "up", "Athena up", 30)
    wait(lambda: bare.report()["pending"] == 0, "what was remembered is embedded", 30)
    assert bare.tool("recall", query="who waits?")["degraded"] == []


def test_stopping_who_waits_takes_no_ten_seconds(new_stack: Callable[..., Stack]) -> None:
    waiting = new_stack()
    waiting.up("--no-deps", "llamacpp-embeddings", "compressor")
    wait(lambda: "models volume" in said(waiting, "compressor"), "waits", 20)
    started = time.monotonic()
    waiting.compose("stop", "--timeout", "30")
    assert time.monotonic() - started < 8


async def test_models_fetched_into_the_volume_are_taken_up_with_no_restart(
    new_stack: Callable[..., Stack], tiny_models: Path
) -> None:
    volumes = run(["docker", "volume", "ls", "-q"]).split()
    assert _VOLUME not in volumes, f"{_VOLUME} is somebody's: run this on an engine of its own"
    model = catalogue.load().find("qwen3-embedding-0.6b")
    stack = new_stack(EMBEDDINGS_MODEL=model.file)
    del stack.settings["ATHENA_MODELS_DIR"]
    try:
        await asyncio.to_thread(stack.up, "--no-deps", "llamacpp-embeddings")
        container = await asyncio.to_thread(stack.container, "llamacpp-embeddings")
        gateway = network_gateway(stack, "access")
        async with FakeHub() as hub, relay(gateway, hub.endpoint) as endpoint, relay(gateway, hub.storage) as storage:
            hub.storage = storage
            hub.add(str(model.repo), model.file, (tiny_models / "tiny-embedder-32.gguf").read_bytes())
            stack.settings["HF_ENDPOINT"] = endpoint
            await asyncio.to_thread(stack.compose, "run", "--rm", "models", model.name)
        await asyncio.to_thread(stack.wait_healthy, "llamacpp-embeddings")
        assert await asyncio.to_thread(stack.container, "llamacpp-embeddings") == container
    finally:
        await asyncio.to_thread(stack.down)
        await asyncio.to_thread(run, ["docker", "volume", "rm", "-f", _VOLUME])
