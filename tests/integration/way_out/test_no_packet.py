"""With local-only mode on no packet leaves, whatever is asked; with it off the same questions do send some."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from athena.config import Settings
from athena.runtime.environment import environment, package_path
from tests.integration.stack_home import stack_settings
from tests.integration.way_out.namespace import RESOLVER, Plan

ENTER = ["unshare", "--net", "--mount", "--propagation", "private"]
# A cloud that is named by its address, so that what gets past the gate needs no resolver to show.
OPENAI = "198.51.100.7"
WITH_KEY = {"x-api-key": "KEY"}
WITH_BEARER = {"authorization": "Bearer KEY"}
PICTURE = {"type": "image", "source": {"type": "url", "url": "http://198.51.100.9/cat.png"}}


def message(model: str, headers: dict[str, str] = WITH_KEY, **more: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": "Hello?"}, *more.pop("parts", [])]
    body = {"model": model, "max_tokens": 16, "messages": [{"role": "user", "content": content}], **more}
    return {"method": "POST", "path": "/v1/messages?beta=true", "headers": headers, "body": body}


def chat(model: str, headers: dict[str, str] = WITH_BEARER, **more: Any) -> dict[str, Any]:
    body = {"model": model, "max_tokens": 16, "messages": [{"role": "user", "content": "Hello?"}], **more}
    return {"method": "POST", "path": "/v1/chat/completions", "headers": headers, "body": body}


def tool(name: str, **arguments: Any) -> dict[str, Any]:
    return {"method": "POST", "path": f"/tools/{name}/execute", "body": arguments}


def get(path: str, **headers: str) -> dict[str, Any]:
    return {"method": "GET", "path": path, "headers": headers}


# What is meant for a cloud: answered by this machine or refused while the mode is on, sent while it is off.
FOR_THE_CLOUD = [
    message("claude-opus-5-5"),
    message("claude-sonnet-5-5", stream=True, thinking={"type": "adaptive"}),
    message("claude-opus-5-5", {"x-api-key": "sk-ant-api03-own"}),
    message("openai/gpt-5.2", stream=True),
    message("opus"),
    chat("openai/gpt-5.2"),
    chat("google/gemini-3.8-flash", stream=True),
    chat("gpt-5.2", {"authorization": "Bearer sk-proj-own"}),
    chat("claude-opus-5-5"),
    chat("pro"),
    {**message("claude-opus-5-5"), "path": "/v1/messages/count_tokens"},
]
# What this machine answers by itself, or may.
FOR_THIS_MACHINE = [
    message("auto"),
    message("local"),
    message("anthropic/claude-haiku-5-5", parts=[PICTURE]),
    chat("auto"),
    chat("ollama/gpt-oss:120b-cloud"),
    chat("local-brain"),
    {"method": "POST", "path": "/v1/embeddings", "headers": WITH_BEARER, "body": {"model": "x", "input": "a"}},
    get("/v1/models?limit=1000", **WITH_KEY, **{"anthropic-version": "2023-06-01"}),
    get("/v1/models", **WITH_BEARER),
    get("/health"),
    get("/metrics"),
    get("/openapi.json"),
    tool("remember", content="The cat sleeps.", memory_type="fact"),
    tool("recall", query="Who sleeps?"),
    tool("reason", prompt="Say yes.", max_tokens=4),
    tool("compress", context="A long text. " * 200, compression_ratio=0.5),
    {"method": "PUT", "path": "/api/v1/nothing", "body": {}},
]
COMMANDS = [
    ["pull", "nomic"],
    ["pull", "all-minilm-l6-v2"],
    ["pull", "--defaults"],
    ["embeddings", "migrate", "--to", "nomic"],
    ["doctor"],
    ["status"],
    ["local", "status"],
    ["recall", "Who sleeps?"],
]


@pytest.fixture
def may_observe() -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None or not Path("/dev/net/tun").exists():
        pytest.skip("a network namespace and a TUN device need root, unshare and /dev/net/tun")


@pytest.fixture
def settings() -> Iterator[Settings]:
    with stack_settings() as settings:
        yield settings


async def observed(settings: Settings, folder: Path, *, on: bool) -> dict[str, Any]:
    plan = Plan(
        environment={
            **environment(settings),
            "PYTHONPATH": package_path(),
            "ANTHROPIC_API_KEY": "sk-ant-api03-operator",
            "OPENAI_API_KEY": "sk-operator",
            "GEMINI_API_KEY": "operator",
            "ATHENA_OPENAI_URL": f"http://{OPENAI}/v1",
            # A proxy that would take everything.
            "HTTPS_PROXY": "http://198.51.100.8:3128",
            "HTTP_PROXY": "http://198.51.100.8:3128",
            "ALL_PROXY": "http://198.51.100.8:3128",
            "LLAMA_ARG_HF_REPO": "somebody/something",
        },
        before=[["local-only", "on" if on else "off"]],
        commands=COMMANDS if on else COMMANDS[:1],
        requests=[*FOR_THE_CLOUD, *FOR_THIS_MACHINE],
        requests_s=60 if on else 5,
    )
    file = folder / "plan.json"
    file.write_text(json.dumps(asdict(plan)))
    process = await asyncio.create_subprocess_exec(
        *(*ENTER, sys.executable, "-m", "tests.integration.way_out.namespace", str(file)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([package_path(), str(Path(__file__).parents[3])])},
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()[-3000:]
    outcome: dict[str, Any] = json.loads(out)
    up = next(each for each in outcome["ran"] if each["words"] == ["up"])
    assert up["code"] == 0, up
    return outcome


@pytest.mark.slow
@pytest.mark.usefixtures("may_observe")
async def test_nothing_leaves_while_it_is_on(settings: Settings, tmp_path: Path) -> None:
    outcome = await observed(settings, tmp_path, on=True)
    assert outcome["packets"] == []
    for request, answer in zip(FOR_THE_CLOUD, outcome["answers"], strict=False):
        if answer["status"] == 200:
            assert str(answer["model"]).startswith("local/"), (request, answer)
        else:
            assert answer["status"] == 503, (request, answer)
            assert "local-only" in answer["text"], (request, answer)
    pulled = {each["words"][-1]: each for each in outcome["ran"] if each["words"][0] == "pull"}
    assert all(each["code"] == 1 and "local-only" in each["err"] for each in pulled.values()), pulled
    paths = [request["path"] for request in FOR_THIS_MACHINE]
    answered = dict(zip(paths, outcome["answers"][len(FOR_THE_CLOUD) :], strict=True))
    assert answered["/tools/recall/execute"]["status"] == 200
    assert answered["/health"]["status"] == 200


@pytest.mark.slow
@pytest.mark.usefixtures("may_observe")
async def test_the_same_questions_do_leave_while_it_is_off(settings: Settings, tmp_path: Path) -> None:
    """So that the other test can fail."""
    outcome = await observed(settings, tmp_path, on=False)
    seen = set(outcome["packets"])
    assert f"{RESOLVER} 53" in seen, "names were asked for"
    assert f"{OPENAI} 80" in seen, "a provider was"
    assert not any(each.startswith("198.51.100.8 ") for each in seen), "no proxy variable leads anything elsewhere"
