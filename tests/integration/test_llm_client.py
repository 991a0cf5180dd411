"""The client against real llama-servers with tiny models: answers, limits, and servers that die and return."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

import athena
from athena.core.llm_client import LocalLLMClient
from athena.errors import AnswerCut, InputTooLong, ModelServerError, ModelServerUnavailable
from tests.fakes.tiny_models import tiny_embedder, tiny_reasoner

PACKAGE_PARENT = str(Path(athena.__file__).parents[1])
PNG = b"\x89PNG\r\n\x1a\n"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A llama-server in a process of its own, that can be killed and started again on its port."""

    model: Path
    flags: list[str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def launch(self) -> None:
        argv = [sys.executable, "-m", "athena.runtime.llama_child", "--model", str(self.model), *self.flags]
        argv += ["--port", str(self.port), "--threads", "1", "--threads-batch", "1"]
        env = {**os.environ, "PYTHONPATH": PACKAGE_PARENT, "OMP_WAIT_POLICY": "passive"}
        self.process = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self) -> Server:
        self.launch()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health", trust_env=False).status_code == 200:
                    return self
            time.sleep(0.05)
        raise AssertionError("llama-server didn't become healthy")

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


def embedding_flags(*more: str) -> list[str]:
    sizes = ["--ctx-size", "1024", "--parallel", "4", "--batch-size", "256", "--ubatch-size", "256"]
    return ["--alias", "tiny-embedder", "--embeddings", "--pooling", "mean", *sizes, *more]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def embedder(models: Path) -> Iterator[Server]:
    server = Server(tiny_embedder(models, dim=32), embedding_flags()).start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def reasoner(models: Path) -> Iterator[Server]:
    flags = ["--alias", "tiny-reasoner", "--ctx-size", "1024", "--parallel", "1", "--jinja"]
    server = Server(tiny_reasoner(models), flags).start()
    yield server
    server.kill()


@pytest.fixture
def llm(embedder: Server, reasoner: Server) -> LocalLLMClient:
    return LocalLLMClient(embedder.url, reasoner.url)


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


async def test_a_vector_is_the_servers_own_and_near_what_is_alike(llm: LocalLLMClient, embedder: Server) -> None:
    async with llm:
        coffee = await llm.embed("alice likes coffee")
        again = await llm.embed("alice likes coffee in the morning")
        other = await llm.embed("the project deadline is friday")
    async with httpx.AsyncClient(trust_env=False) as curl:
        answer = await curl.post(f"{embedder.url}/embedding", json={"content": "alice likes coffee"})
    assert cosine(coffee.embedding, answer.json()[0]["embedding"][0]) > 0.9999
    assert (coffee.dimension, coffee.model) == (32, "tiny-embedder")
    assert math.hypot(*coffee.embedding) == pytest.approx(1, abs=1e-3)
    assert cosine(coffee.embedding, again.embedding) > cosine(coffee.embedding, other.embedding)


async def test_many_texts_give_the_vectors_of_each_in_order(llm: LocalLLMClient) -> None:
    words = ["coffee", "tea", "dog", "berlin", "deadline", "vector", "meeting"]
    texts = [f"{words[n % 7]} {words[n % 5]} {n}" for n in range(150)]
    async with llm:
        batch = await llm.embed_many(texts)
        singles = [(await llm.embed(text)).embedding for text in texts[::17]]
        tokens = [await llm.count_tokens(text) for text in texts]
    assert len(batch.embeddings) == 150
    assert all(cosine(a, b) > 0.999 for a, b in zip(batch.embeddings[::17], singles, strict=True))
    assert batch.tokens == sum(tokens)


async def test_the_longest_input_is_told_exactly_and_one_token_more_is_refused(llm: LocalLLMClient) -> None:
    async with llm:
        info = await llm.model_info()
        longest = "cat " * (info.context_tokens - 2)
        assert await llm.count_tokens(longest) == info.context_tokens
        assert (await llm.embed(longest)).dimension == info.dim
        with pytest.raises(InputTooLong) as caught:
            await llm.embed_many(["dog"] * 20 + [longest + "cat"] + ["dog"] * 5)
    assert (info.model, info.dim, info.context_tokens) == ("tiny-embedder", 32, 256)
    assert (caught.value.tokens, caught.value.limit, caught.value.index) == (257, 256, 20)


async def test_a_physical_batch_below_the_context_is_the_longest_input(models: Path) -> None:
    server = Server(tiny_embedder(models, dim=32), embedding_flags("--ubatch-size", "96")).start()
    try:
        async with LocalLLMClient(server.url, server.url) as llm:
            info = await llm.model_info()
            assert info.context_tokens == 96
            assert (await llm.embed("cat " * 94)).dimension == 32
            with pytest.raises(InputTooLong):
                await llm.embed("cat " * 95)
    finally:
        server.kill()


async def test_a_server_that_does_not_pool_is_named_with_the_flag_it_needs(models: Path) -> None:
    server = Server(tiny_embedder(models, dim=32), embedding_flags("--pooling", "none")).start()
    try:
        async with LocalLLMClient(server.url, server.url) as llm:
            with pytest.raises(ModelServerError) as caught:
                await llm.embed("alice likes coffee")
    finally:
        server.kill()
    assert "--pooling mean" in (caught.value.hint or "")


async def test_a_schema_makes_the_answer_data(llm: LocalLLMClient) -> None:
    schema = {
        "type": "object",
        "properties": {"kind": {"enum": ["fact", "event"]}, "sure": {"type": "boolean"}},
        "required": ["kind", "sure"],
        "additionalProperties": False,
    }
    async with llm:
        result = await llm.reason("Which?", system="You sort.", max_tokens=500, json_schema=schema, temperature=0.5)
        assert result.data["kind"] in ("fact", "event")
        assert isinstance(result.data["sure"], bool)
        assert result.model == "tiny-reasoner"
        assert result.tokens_in > 0
        assert result.tokens_out > 0
        with pytest.raises(AnswerCut):
            await llm.reason("Which?", max_tokens=3, json_schema=schema)
        with pytest.raises(ModelServerError, match="400"):
            await llm.reason("Which?", json_schema={"type": "nonsense"})


async def test_limits_of_the_reasoning_server_are_told(llm: LocalLLMClient) -> None:
    async with llm:
        with pytest.raises(InputTooLong) as caught:
            await llm.reason("word " * 3000)
        assert (caught.value.source, caught.value.limit) == ("reasoning", 1024)
        with pytest.raises(ModelServerError) as blind:
            await llm.reason("What is this?", images=[PNG])
        assert "--mmproj" in (blind.value.hint or "")


async def test_a_reasoning_server_in_the_embedding_servers_place_is_recognised(reasoner: Server) -> None:
    async with LocalLLMClient(reasoner.url, reasoner.url) as llm:
        with pytest.raises(ModelServerError) as caught:
            await llm.embed("x")
    assert "--embeddings" in (caught.value.hint or "")


async def test_health_of_what_is_there_and_what_is_not(embedder: Server) -> None:
    async with LocalLLMClient(embedder.url, f"http://127.0.0.1:{free_port()}") as llm:
        health = await llm.health()
    assert (health["embedding"].state, health["embedding"].model) == ("up", "tiny-embedder")
    assert health["reasoning"].state == "down"
    assert "can't be reached: connection refused" in (health["reasoning"].detail or "")


async def test_the_reason_is_the_operating_systems_also_for_a_name_with_two_addresses() -> None:
    address = f"http://localhost:{free_port()}"
    async with LocalLLMClient(address, address, retry_for_s=0) as llm:
        with pytest.raises(ModelServerUnavailable, match="connection refused"):
            await llm.embed("x")


def test_a_client_can_be_used_by_one_event_loop_after_another(embedder: Server) -> None:
    llm = LocalLLMClient(embedder.url, embedder.url)
    vectors = [asyncio.run(llm.embed_many(["coffee"] * 100)).embeddings[0] for _ in range(3)]
    assert cosine(vectors[0], vectors[2]) > 0.9999


async def test_a_server_that_is_killed_and_returns_needs_no_new_client(models: Path) -> None:
    server = Server(tiny_embedder(models, dim=32), embedding_flags()).start()
    try:
        async with LocalLLMClient(server.url, server.url, retry_for_s=0.3) as llm:
            before = await llm.embed("alice likes coffee")
            bulk = asyncio.create_task(llm.embed_many(["the dog and the cat " * 20] * 5000))
            await asyncio.sleep(0.2)
            server.kill()
            with pytest.raises(ModelServerUnavailable) as caught:
                await bulk
            assert caught.value.source == "embedding"
            assert (await llm.health())["embedding"].state == "down"
            server.start()
            assert (await llm.health())["embedding"].state == "up"
            after = await llm.embed("alice likes coffee")
        assert cosine(before.embedding, after.embedding) > 0.9999
    finally:
        server.kill()


async def test_a_call_bridges_a_restart_within_its_deadline(models: Path) -> None:
    server = Server(tiny_embedder(models, dim=32), embedding_flags()).start()
    try:
        async with LocalLLMClient(server.url, server.url, retry_for_s=30) as llm:
            await llm.embed("x")
            server.kill()
            call = asyncio.create_task(llm.embed("alice likes coffee"))
            await asyncio.sleep(0.2)
            assert not call.done()
            server.launch()
            assert (await call).dimension == 32
    finally:
        server.kill()


async def test_a_cancelled_call_leaves_the_client_usable_and_no_connection_behind(
    llm: LocalLLMClient, embedder: Server
) -> None:
    def connections() -> int:
        inet = psutil.Process().net_connections(kind="tcp")
        return sum(1 for c in inet if c.status == psutil.CONN_ESTABLISHED and c.raddr.port == embedder.port)

    before = connections()
    for _ in range(5):
        calls = [asyncio.create_task(llm.embed_many(["the dog and the cat " * 20] * 300)) for _ in range(4)]
        await asyncio.sleep(0.05)
        for call in calls:
            call.cancel()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in ended)
    assert (await llm.embed("x")).dimension == 32
    assert connections() <= before + 8
    closing = asyncio.create_task(llm.embed_many(["the dog and the cat " * 20] * 300))
    await asyncio.sleep(0.05)
    await llm.aclose()
    with pytest.raises(ModelServerUnavailable):
        await closing
    assert connections() <= before


def test_the_setup_guides_script_runs_with_compression_switched_off(embedder: Server, reasoner: Server) -> None:
    script = f"""
from athena.core.llm_client import LocalLLMClient
import asyncio

async def main():
    client = LocalLLMClient(
        embedding_url="{embedder.url}",
        reasoning_url="{reasoner.url}",
        enable_compression=False
    )
    result = await client.embed("semantic search query")
    print(f"Embedding: {{result.embedding[:5]}}...")
    analysis = await client.reason(
        prompt="Analyze these patterns",
        system="You are a consolidation engine",
        max_tokens=100
    )
    print(f"Analysis: {{analysis.text}}")
    compressed = await client.compress_prompt(
        context="Large memory context",
        instruction="Extract patterns",
        compression_ratio=0.5
    )
    print(f"Compressed: {{compressed.original_tokens}} → {{compressed.compressed_tokens}}")

asyncio.run(main())
"""
    env = {**os.environ, "PYTHONPATH": PACKAGE_PARENT, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Embedding: [" in done.stdout
    assert "Compressed: 3 → 3" in done.stdout
