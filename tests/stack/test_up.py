"""From nothing to all healthy, and what the setup guide then tells a user to type."""

from __future__ import annotations

import json
import re

from athena.store.migrate import available
from tests.stack.stack import SERVING, Stack, run


def curl(url: str, body: dict[str, object] | None = None) -> str:
    argv = ["curl", "-s", "-f", url]
    if body is not None:
        argv += ["-X", "POST", "-H", "Content-Type: application/json", "-d", json.dumps(body)]
    return run(argv)


def test_everything_is_healthy_and_athena_says_so(stack: Stack) -> None:
    for service in SERVING:
        assert stack.health(service) == "healthy"
        assert stack.inspect(service)["RestartCount"] == 0
    report = stack.report()
    assert report["status"] == "up"
    assert {name: part["state"] for name, part in report["parts"].items()} == {
        "postgres": "up",
        "embedding": "up",
        "reasoning": "up",
        "compressor": "up",
    }
    assert report["generation"]["dim"] == 32


def test_every_version_is_visible(stack: Stack) -> None:
    """What each part says of itself is what runs in its container."""
    report = stack.report()
    parts = report["parts"]
    assert report["version"] == stack.exec("athena", "athena", "--version").split()[-1]
    assert stack.exec("postgres", "postgres", "--version").split()[2] == parts["postgres"]["version"]
    extension = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
    installed = stack.exec("postgres", "psql", "-U", "athena", "-d", "athena", "-Atc", extension)
    assert parts["postgres"]["about"] == {"pgvector": installed.strip(), "schema": str(available()[-1].version)}
    for name, service in (("embedding", "llamacpp-embeddings"), ("reasoning", "llamacpp-reasoning")):
        [build] = re.findall(r"^b?(\d+)", parts[name]["version"])
        assert build in stack.exec(service, "sh", "-c", "/app/llama-server --version 2>&1")
    assert parts["embedding"]["model"] == "tiny-embedder-32.gguf"
    assert parts["reasoning"]["model"] == "tiny-reasoner.gguf"
    url = f"http://localhost:{stack.settings['COMPRESSOR_PORT']}/health"
    said = json.loads(curl(url))
    assert (parts["compressor"]["version"], parts["compressor"]["model"]) == (said["version"], "mbert")
    assert parts["compressor"]["about"] == {"engine": said["engine"]}


def test_the_guides_commands_work_as_written(stack: Stack) -> None:
    of = stack.settings
    assert json.loads(curl(f"http://localhost:{of['EMBEDDINGS_PORT']}/health"))["status"] == "ok"
    assert json.loads(curl(f"http://localhost:{of['REASONING_PORT']}/health"))["status"] == "ok"
    assert stack.exec("postgres", "psql", "-U", "athena", "-d", "athena", "-c", "SELECT 1").split()[-3:-2] == ["1"]
    embedded = curl(f"http://localhost:{of['EMBEDDINGS_PORT']}/embedding", {"content": "hello world"})
    assert len(json.loads(embedded)[0]["embedding"][0]) == 32
    asked = {"prompt": "What is 2+2?", "n_predict": 8, "temperature": 0.7}
    answer = json.loads(curl(f"http://localhost:{of['REASONING_PORT']}/completion", asked))
    assert 1 <= answer["tokens_predicted"] <= 8
    stored = curl(f"{stack.url}/tools/remember/execute", {"content": "test memory", "memory_type": "fact"})
    assert json.loads(stored)["result"]["status"] == "created"
    found = json.loads(curl(f"{stack.url}/tools/recall/execute", {"query": "which memory is a test?", "limit": 3}))
    assert "test memory" in [memory["content"] for memory in found["result"]["memories"]]
    assert found["result"]["degraded"] == []


def test_a_text_is_compressed_by_the_compressor(stack: Stack) -> None:
    text = "The boat is moored in the harbour until spring. " * 40
    answer = json.loads(
        curl(f"http://localhost:{stack.settings['COMPRESSOR_PORT']}/compress", {"text": text, "ratio": 0.5})
    )
    assert answer["tokens_after"] < answer["tokens_before"]


def test_down_and_up_again_keeps_what_was_remembered(stack: Stack) -> None:
    kept = stack.remember("Anna keeps the blue boat in Lisbon", memory_type="fact")
    stack.compose("down", "--timeout", "20")
    stack.up()
    stack.wait_healthy()
    assert kept["id"] in [memory["id"] for memory in stack.recall("where is the blue boat?")]
    stack.compose("restart", "athena")
    stack.wait_healthy("athena")
    assert kept["id"] in [memory["id"] for memory in stack.recall("where is the blue boat?")]


def test_up_again_changes_nothing(stack: Stack) -> None:
    before = {service: stack.container(service) for service in SERVING}
    stack.up()
    assert {service: stack.container(service) for service in SERVING} == before


def test_logs_are_structured_and_rotated(stack: Stack) -> None:
    lines = run(["sh", "-c", f"docker logs {stack.container('athena')} 2>&1"]).splitlines()
    assert lines
    assert all(json.loads(line)["event"] for line in lines)
    for service in SERVING:
        assert stack.inspect(service)["HostConfig"]["LogConfig"]["Config"]["max-size"] == "10m"
