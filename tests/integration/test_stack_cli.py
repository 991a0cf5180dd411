"""The stack from the outside: `athena run | up | status | logs | down | local` with real parts."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from athena.config import Settings
from athena.runtime import control
from tests.integration.stack_home import athena, parts, processes_of, stack_settings, start_athena


@pytest.fixture
async def settings() -> AsyncIterator[Settings]:
    with stack_settings() as made:
        yield made
        await athena(made, "down")


async def until_parts(settings: Settings, wanted: Callable[[dict[str, Any]], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not wanted(await parts(settings)):
            await asyncio.sleep(0.1)


async def test_up_starts_every_part_once_and_down_leaves_nothing(settings: Settings) -> None:
    up = await athena(settings, "up", "--json")
    assert up.code == 0, up.err
    first = {part["name"]: part for part in json.loads(up.out)["parts"]}
    ready = dict.fromkeys(("postgres", "embeddings", "reasoning", "api"), "ready")
    assert {name: part["state"] for name, part in first.items()} == {**ready, "compressor": "absent"}
    again = await athena(settings, "run")
    assert again.code == 0
    assert "already runs" in again.out
    assert {name: part["pid"] for name, part in (await parts(settings)).items()} == {
        name: part["pid"] for name, part in first.items()
    }
    logs = await athena(settings, "logs", "embeddings", "-n", "1000")
    assert f"listening on http://127.0.0.1:{settings.embeddings_port}" in logs.out
    down = await athena(settings, "down")
    assert (down.code, down.out.strip()) == (0, "stopped")
    assert not processes_of(settings.home)
    assert (await athena(settings, "status")).code == 1


async def test_run_checks_itself_stays_and_ends_with_ctrl_c(settings: Settings) -> None:
    run = await start_athena(settings, "run")
    assert run.stdout is not None
    said = ""
    async with asyncio.timeout(60):
        while "Ctrl-C stops all" not in said:
            line = await run.stdout.readline()
            assert line, f"it ended early: {said}"
            said += line.decode()
    assert "self-check: 2 sentences remembered" in said
    assert "both forgotten again" in said
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.port}") as client:
        listed = await client.post("/tools/list/execute", json={"project": "athena-selfcheck"})
    assert listed.json()["result"]["memories"] == []
    run.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(run.wait(), 30) == 0
    assert not processes_of(settings.home)


async def test_a_killed_host_takes_its_parts_with_it_and_the_next_start_works(settings: Settings) -> None:
    assert (await athena(settings, "up")).code == 0
    host = next(pid for pid, words in processes_of(settings.home).items() if "run --background" in words)
    os.kill(host, signal.SIGKILL)
    async with asyncio.timeout(20):
        while processes_of(settings.home):
            await asyncio.sleep(0.05)
    assert list(settings.run_dir.glob("*.json")), "the records are what a next start looks at"
    assert (await athena(settings, "up")).code == 0


@pytest.mark.parametrize("part", ["postgres", "embeddings", "api"])
async def test_a_killed_part_comes_back(settings: Settings, part: str) -> None:
    assert (await athena(settings, "up")).code == 0
    killed = (await parts(settings))[part]["pid"]
    os.kill(killed, signal.SIGKILL)
    await until_parts(
        settings,
        lambda now: now[part]["state"] == "ready" and now[part]["pid"] != killed and now["api"]["state"] == "ready",
    )
    assert (await parts(settings))[part]["restarts"] >= 1
    stored = await athena(settings, "remember", "the part came back")
    assert stored.code == 0, stored.err


async def test_a_taken_port_is_one_line_with_the_mending_command(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", settings.embeddings_port)):
        up = await athena(settings, "up")
        assert up.code == 0
        embeddings = (await parts(settings))["embeddings"]
    assert embeddings["state"] == "failed"
    assert f"port {settings.embeddings_port} is taken" in embeddings["detail"]
    assert "ATHENA_EMBEDDINGS_PORT" in embeddings["hint"]
    await athena(settings, "up")
    assert (await parts(settings))["embeddings"]["state"] == "ready"


async def test_the_api_without_its_port_ends_the_stack_in_one_line(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", settings.port)):
        up = await athena(settings, "up")
    assert up.code == 1
    assert f"athena: port {settings.port} is taken by another program" in up.err
    assert "Traceback" not in up.err
    assert not processes_of(settings.home)


async def test_a_damaged_model_is_named_and_the_rest_serves(settings: Settings) -> None:
    model = Path(settings.reasoning_model or "")
    model.write_bytes(model.read_bytes()[:2000])
    assert (await athena(settings, "up")).code == 0
    now = await parts(settings)
    assert now["reasoning"]["state"] == "failed"
    assert str(model) in now["reasoning"]["detail"]
    assert now["api"]["state"] == "ready"
    assert (await athena(settings, "local", "doctor")).code == 1


async def test_local_serve_needs_no_stack_and_goes_when_stopped(settings: Settings) -> None:
    served = await athena(settings, "local", "serve", "--json")
    assert served.code == 0, served.err
    assert json.loads(served.out)["state"] == "ready"
    assert (await parts(settings))["postgres"]["state"] == "stopped"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.reasoning_port}") as client:
        models = (await client.get("/v1/models")).json()
        other_site = await client.get("/props", headers={"origin": "https://elsewhere.example"})
    assert models["data"][0]["id"] == Path(settings.reasoning_model or "").stem
    assert "access-control-allow-origin" not in other_site.headers
    assert (await athena(settings, "local", "stop")).out.strip() == "stopped"
    assert not processes_of(settings.home)


async def test_the_control_socket_is_private_and_takes_a_second_embedder(settings: Settings) -> None:
    assert (await athena(settings, "up")).code == 0
    mode = stat.S_IMODE(control.socket_path(settings).stat().st_mode)
    assert (mode, stat.S_IMODE(settings.run_dir.stat().st_mode)) == (0o600, 0o700)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    reply = await control.call(settings, "start-embeddings", path=settings.embedding_model, port=port)
    assert {part["name"]: part["state"] for part in reply["parts"]}["embeddings-next"] == "ready"
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"http://127.0.0.1:{port}/v1/embeddings", json={"input": "coffee"})
    assert len(answer.json()["data"][0]["embedding"]) == 32
    for wrong in ({"do": "dance"}, {"do": "ensure"}):
        with pytest.raises(control.StackError):
            await control.call(settings, **wrong)
