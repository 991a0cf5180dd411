"""Health, metrics, keys and embedding generations over HTTP."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from athena import __version__, bootstrap
from athena.bootstrap import Athena
from athena.config import Settings
from athena.runtime import postgres
from athena.store.migrate import available
from tests.fakes.llama_server import llama_server
from tests.fakes.tiny_models import tiny_reasoner
from tests.integration.api_server import answered, client_of, free_port
from tests.integration.conftest import LlamaServer, built, settings_for


@pytest.fixture
def own_home() -> Iterator[Path]:
    """A home whose PostgreSQL the test starts and stops itself."""
    folder = Path(tempfile.mkdtemp(prefix="athena-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def http(athena: Athena) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(athena) as client:
        yield client


async def test_health_names_each_part(http: httpx.AsyncClient) -> None:
    health = (await answered(http, "/health", lambda answer: answer.json()["status"] == "up")).json()
    assert {name: part["state"] for name, part in health["parts"].items()} == {
        "postgres": "up",
        "embedding": "up",
        "reasoning": "down",
        "compressor": "down",
    }
    assert health["parts"]["reasoning"]["detail"]
    assert health["generation"]["dim"] == 32
    assert health["pending"] == 0
    assert (await http.get("/health/ready")).json() == {"status": "ready"}
    assert (await http.get("/health/live")).json() == {"status": "up"}


async def test_each_part_says_its_version_and_takes_it_along_when_it_goes(
    dsn: str, own_server: LlamaServer, test_home: Path
) -> None:
    own_server.start()
    async with llama_server(tiny_reasoner(test_home), role="reasoning") as url:
        settings = settings_for(dsn, own_server.url, test_home).model_copy(update={"reasoning_url": url})
        async with built(settings) as athena, client_of(athena) as http:
            health = (await answered(http, "/health", lambda answer: answer.json()["status"] == "up")).json()
            parts = health["parts"]
            async with athena.database.acquire() as connection:
                shown = await connection.fetchval("SHOW server_version")
                vector = await connection.fetchval("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
            assert health["version"] == __version__
            assert (parts["postgres"]["version"], parts["postgres"]["model"]) == (shown.split()[0], None)
            assert parts["postgres"]["about"] == {"pgvector": vector, "schema": str(available()[-1].version)}
            for name, model in (("embedding", "tiny-embedder-32"), ("reasoning", "tiny-reasoner.gguf")):
                assert re.match(r"b\d+", parts[name]["version"]), parts[name]
                assert parts[name]["model"] == model
            assert no_version(parts["compressor"])

            own_server.stop()
            down = await answered(http, "/health", lambda answer: answer.json()["status"] == "degraded")
            assert no_version(down.json()["parts"]["embedding"])


def no_version(part: dict[str, object]) -> bool:
    return (part["state"], part["version"], part["model"], part["about"]) == ("down", None, None, {})


async def test_with_the_embedding_server_away_athena_is_degraded_and_ready(dsn: str, test_home: Path) -> None:
    settings = settings_for(dsn, f"http://127.0.0.1:{free_port()}", test_home)
    async with built(settings, ready=False) as athena, client_of(athena) as http:
        await http.post("/tools/remember/execute", json={"content": "x"})
        health = await http.get("/health")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        embedding = health.json()["parts"]["embedding"]
        assert embedding["state"] == "down"
        assert embedding["detail"]
        assert embedding["hint"]
        assert (await http.get("/health/ready")).status_code == 200
        metrics = (await http.get("/metrics")).text
        assert 'athena_degraded{part="embedding"} 1.0' in metrics
        assert 'athena_degraded{part="postgres"} 0.0' in metrics


async def test_with_postgresql_away_all_say_503_and_it_mends_itself(
    own_home: Path, embedding_server: LlamaServer
) -> None:
    alone = Settings(home=own_home)
    settings = settings_for(postgres.dsn(alone), embedding_server.url, own_home)
    async with bootstrap.build(settings) as athena, client_of(athena) as http:
        away = (await http.get("/health")).json()
        assert away["status"] == "down"
        assert no_version(away["parts"]["postgres"])
        # The embedding server says what it is, whatever the store does.
        assert re.match(r"b\d+", away["parts"]["embedding"]["version"])
        async with postgres.ensure_running(alone):
            await answered(http, "/health/ready", lambda answer: answer.status_code == 200)
            assert (await http.post("/tools/remember/execute", json={"content": "coffee first"})).status_code == 200
        await answered(http, "/health", lambda answer: answer.status_code == 503)
        for answer in (
            await http.post("/tools/remember/execute", json={"content": "tea meanwhile"}),
            await http.post("/tools/recall/execute", json={"query": "coffee"}),
            await http.get("/api/v1/memories"),
            await http.get("/api/v1/embeddings"),
            await http.get("/health/ready"),
        ):
            assert answer.status_code == 503, answer.text
            assert answer.json()["error"]["source"] == "postgres"
            assert int(answer.headers["retry-after"]) >= 1
        assert (await http.get("/health/live")).status_code == 200
        assert 'athena_degraded{part="postgres"} 1.0' in (await http.get("/metrics")).text
        async with postgres.ensure_running(alone):
            await answered(http, "/health/ready", lambda answer: answer.status_code == 200)
            found = await http.post("/tools/recall/execute", json={"query": "coffee"})
            assert [each["content"] for each in found.json()["result"]["memories"]] == ["coffee first"]


async def test_metrics_count_what_was_done(http: httpx.AsyncClient) -> None:
    await http.post("/tools/remember/execute?wait=true", json={"content": "alice likes tea"})
    await http.post("/tools/recall/execute", json={"query": "tea"})
    answer = await http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    for line in (
        'athena_requests_total{method="POST",route="/tools/recall/execute",status="200"} 1.0',
        'athena_memory_operations_total{operation="remember"} 1.0',
        'athena_memory_operations_total{operation="recall"} 1.0',
        'athena_part_seconds_count{part="embedding"} 1.0',
        'athena_part_seconds_count{part="search"} 1.0',
        "athena_pending_embeddings 0.0",
    ):
        assert line in answer.text


async def test_a_key_opens_the_network_until_it_is_revoked(
    dsn: str, embedding_server: LlamaServer, test_home: Path
) -> None:
    settings = settings_for(dsn, embedding_server.url, test_home, exposure="network", host="0.0.0.0")
    async with built(settings, ready=False) as athena:
        key = await athena.keys.create("ada")
        async with client_of(athena) as http:
            assert (await http.get("/tools/list")).status_code == 401
            assert (await http.get("/health/live")).status_code == 200
        async with client_of(athena, authorization=f"Bearer {key}") as http:
            assert (await http.get("/tools/list")).status_code == 200
        await athena.keys.revoke("ada")
        async with client_of(athena, **{"x-api-key": key}) as http:
            assert (await http.get("/tools/list")).status_code == 401


async def test_idempotency_keys_of_two_principals_are_apart(
    dsn: str, embedding_server: LlamaServer, test_home: Path
) -> None:
    async with built(settings_for(dsn, embedding_server.url, test_home), ready=False) as athena:
        key = await athena.keys.create("ada")
        async with client_of(athena, **{"idempotency-key": "k"}) as http:
            assert (await http.post("/api/v1/memories", json={"content": "mine"})).status_code == 201
            hers = await http.post("/api/v1/memories", json={"content": "hers"}, headers={"x-api-key": key})
            assert hers.status_code == 201


async def test_the_embedding_model_is_changed_and_changed_back(
    http: httpx.AsyncClient, other_server: LlamaServer
) -> None:
    path = "/api/v1/embeddings"
    await http.post("/tools/remember/execute?wait=true", json={"content": "alice likes coffee"})
    await answered(http, "/health", lambda answer: answer.json()["status"] == "up")
    # Its server may still be loading the model.
    async with httpx.AsyncClient(base_url=other_server.url) as other:
        await answered(other, "/health", lambda answer: answer.status_code == 200)
    started = await http.post(f"{path}/migrate", json={"url": other_server.url})
    assert started.status_code == 202, started.text
    new = started.json()["id"]

    def serves(id: int, answer: httpx.Response) -> bool:
        return any(each["id"] == id and each["state"] == "serving" for each in answer.json()["generations"])

    generations = (await answered(http, path, lambda answer: serves(new, answer))).json()["generations"]
    assert [each["dim"] for each in generations] == [64, 32]
    found = (await http.post("/tools/recall/execute", json={"query": "coffee"})).json()["result"]
    assert (found["degraded"], len(found["memories"])) == ([], 1)
    back = await http.post(f"{path}/rollback")
    assert back.status_code == 200
    await answered(http, path, lambda answer: serves(back.json()["id"], answer))
    assert back.json()["dim"] == 32


async def test_a_migration_to_nowhere_changes_nothing(http: httpx.AsyncClient) -> None:
    await answered(http, "/health", lambda answer: answer.json()["generation"] is not None)
    before = (await http.get("/api/v1/embeddings")).json()
    nowhere = await http.post("/api/v1/embeddings/migrate", json={"url": f"http://127.0.0.1:{free_port()}"})
    assert nowhere.status_code == 503
    assert nowhere.json()["error"]["code"] == "model_server_unavailable"
    assert (await http.post("/api/v1/embeddings/migrate", json={"url": "ftp://x"})).status_code == 400
    assert (await http.post("/api/v1/embeddings/rollback")).status_code == 409
    assert (await http.get("/api/v1/embeddings")).json() == before
