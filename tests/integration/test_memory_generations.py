"""Changing the embedder: one set of vectors answers until the other is complete, and they never mix."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from pgvector import HalfVector

from athena.bootstrap import Athena
from athena.core.llm_client import LocalLLMClient
from athena.errors import Conflict, DimensionMismatch, InvalidInput
from athena.jobs import queue
from athena.memory.embedding import EmbeddingWorker
from athena.memory.generations import Generations
from athena.memory.ports import Traits
from athena.memory.recall import Reader
from athena.memory.remember import Writer
from athena.memory.types import Filter, NewMemory
from athena.store.pool import Database
from tests.fakes.tiny_models import tiny_embedder
from tests.integration.conftest import LlamaServer, built, settings_for, until
from tests.integration.memories import recalled, told, value

LACKING = (
    "SELECT count(*) FROM memory m, generation g WHERE g.state = 'serving'"
    " AND NOT EXISTS (SELECT FROM embedding e WHERE e.memory_id = m.id AND e.generation_id = g.id)"
    " AND NOT EXISTS (SELECT FROM embedding_todo t WHERE t.memory_id = m.id AND t.generation_id = g.id)"
)


# What a write that overlapped a cut-over owes to the generation before is nobody's concern any more.
OWED = (
    "SELECT NOT EXISTS (SELECT FROM embedding_todo t JOIN generation g ON g.id = t.generation_id"
    " WHERE g.state <> 'retired')"
)


async def states(athena: Athena) -> list[str]:
    return [generation.state for generation in await athena.generations.list()]


async def test_the_first_server_seen_makes_the_first_generation(athena: Athena) -> None:
    [first] = await athena.generations.list()
    assert (first.model, first.dim, first.state, first.context_tokens) == ("tiny-embedder-32", 32, "serving", 512)
    await told(athena, "the red car", "the blue car")
    [first] = await athena.generations.list()
    assert (first.embedded, first.total) == (2, 2)


async def test_the_embedder_is_changed_while_writes_and_recalls_go_on(
    athena: Athena, other_server: LlamaServer
) -> None:
    await told(athena, *(f"the red car number {n}" for n in range(400)))
    done = asyncio.Event()
    recalls, written = 0, 0

    async def recall() -> None:
        nonlocal recalls
        while not done.is_set():
            answer = await athena.memory.recall("which red car is number 7", Filter())
            assert answer.degraded == ()
            assert answer.hits[0].memory.content == "the red car number 7"
            assert answer.hits[0].explanation["cosine"] > 0.3
            recalls += 1

    async def write() -> None:
        nonlocal written
        while not done.is_set():
            await athena.memory.remember([NewMemory(f"the green train number {written}")])
            written += 1
            await asyncio.sleep(0.02)

    async def watch() -> None:
        """Every look is one snapshot of the database: the cut-over is seen whole or not at all."""
        while not done.is_set():
            assert await value(athena, "SELECT count(*) FROM generation WHERE state = 'serving'") == 1
            assert await value(athena, LACKING) == 0
            await asyncio.sleep(0.02)

    async def migrate() -> None:
        building = await athena.generations.migrate(url=other_server.url)
        assert (building.dim, building.state) == (64, "building")
        await until(lambda: _are(athena, "retired", "serving"))
        done.set()

    async with asyncio.TaskGroup() as group:
        for job in (recall(), recall(), write(), watch(), migrate()):
            group.create_task(job)
    assert recalls > 5
    assert written > 5
    await until(lambda: _nothing_owed(athena))
    await athena.generations.owe_missing()
    assert await value(athena, "SELECT count(*) FROM embedding_todo") == 0
    old, new = await athena.generations.list()
    assert new.embedded == new.total == 400 + written
    assert old.embedded >= 400
    assert (await recalled(athena, "green train number 1"))[0] == "the green train number 1"


async def test_vectors_of_two_models_cannot_be_mixed(athena: Athena, other_server: LlamaServer) -> None:
    await told(athena, "the red car")
    second = await athena.generations.migrate(url=other_server.url)
    await until(lambda: _are(athena, "retired", "serving"))
    sizes = "SELECT array_agg(DISTINCT vector_dims(vec)) FROM embedding WHERE generation_id = $1"
    assert await value(athena, sizes, second.id) == [64]
    assert await value(athena, sizes, second.id - 1) == [32]
    wrong = "INSERT INTO embedding SELECT $1, id, 9, project_id, $2 FROM memory"
    with pytest.raises(asyncpg.CheckViolationError):
        await value(athena, wrong, second.id, HalfVector([1.0] * 32))
    with pytest.raises(asyncpg.CheckViolationError):
        await value(athena, wrong, 99, HalfVector([1.0] * 32))


async def test_going_back_builds_what_was_written_meanwhile(athena: Athena, other_server: LlamaServer) -> None:
    await told(athena, "the red car")
    await athena.generations.migrate(url=other_server.url)
    await until(lambda: _are(athena, "retired", "serving"))
    await told(athena, "the blue train", "the green house")
    assert (await athena.generations.list())[0].embedded == 1
    back = await athena.generations.rollback()
    assert (back.dim, back.state) == (32, "building")
    await until(lambda: _are(athena, "serving", "retired"))
    assert (await athena.generations.list())[0].embedded == 3
    assert set(await recalled(athena, "train house car")) == {"the red car", "the blue train", "the green house"}
    await told(athena, "the black dog")
    await athena.generations.rollback()
    await until(lambda: _are(athena, "retired", "serving"))
    assert (await athena.generations.list())[1].embedded == 4


async def test_giving_up_a_build_drops_it(athena: Athena, other_server: LlamaServer) -> None:
    await told(athena, *(f"the red car number {n}" for n in range(200)))
    other_server.stop()
    with pytest.raises(Exception, match="can't be reached"):
        await athena.generations.migrate(url=other_server.url)
    assert await states(athena) == ["serving"]
    other_server.start()
    building = await athena.generations.migrate(url=other_server.url)
    with pytest.raises(Conflict, match="is being built"):
        await athena.generations.migrate(url=other_server.url)
    writes = asyncio.gather(
        *(athena.memory.remember([NewMemory(f"written meanwhile {n}")]) for n in range(10)), return_exceptions=True
    )
    left = await athena.generations.rollback()
    assert left.dim == 32
    assert [r for r in await writes if isinstance(r, BaseException)] == []
    assert await states(athena) == ["serving"]
    assert await value(athena, "SELECT to_regclass($1)", f"embedding_g{building.id}") is None
    assert await value(athena, "SELECT count(*) FROM embedding_todo WHERE generation_id = $1", building.id) == 0
    await until(lambda: _nothing_owed(athena))
    with pytest.raises(Conflict, match="no earlier generation"):
        await athena.generations.rollback()


async def test_what_serves_already_is_not_built_again(athena: Athena) -> None:
    with pytest.raises(Conflict, match="serves already"):
        await athena.generations.migrate(url=None)
    with pytest.raises(Conflict, match="not nomic"):
        await athena.generations.migrate(url=None, model="nomic-embed-text-v1.5")
    again = await athena.generations.migrate(url=None, prefix_query="question: ")
    assert again.prefix_query == "question: "
    await until(lambda: _are(athena, "retired", "serving"))


async def test_a_building_server_that_is_away_holds_up_nothing_and_is_finished_later(
    athena: Athena, other_server: LlamaServer
) -> None:
    await told(athena, *(f"the red car number {n}" for n in range(150)))
    await athena.generations.migrate(url=other_server.url)
    other_server.stop()
    await told(athena, "the blue train")
    assert await states(athena) == ["serving", "building"]
    assert (await recalled(athena, "blue train"))[0] == "the blue train"
    other_server.start()
    await until(lambda: _are(athena, "retired", "serving"))


async def test_an_allowed_dimension_shortens_the_vectors(dsn: str, embedding_server: LlamaServer) -> None:
    async with _matryoshka(dsn, embedding_server.url, dim=16) as (database, generations):
        worker = EmbeddingWorker(database, generations)
        await Writer(database, queue.wake, worker.wake).remember([NewMemory("the red car"), NewMemory("a blue house")])
        while await worker.work():
            pass
        [first] = await generations.list()
        assert (first.dim, first.embedded) == (16, 2)
        best = (await Reader(database, generations).recall("the red car", Filter(), limit=1)).hits[0]
        assert best.explanation["cosine"] == pytest.approx(1, abs=0.01)
        with pytest.raises(InvalidInput, match="possible: 32, 16, 8"):
            await generations.migrate(url=None, dim=24)
        await generations.migrate(url=None, dim=8)
        while [g.state for g in await generations.list()] != ["retired", "serving"]:
            await worker.work()
        async with database.acquire() as connection:
            rows = await connection.fetch("SELECT vec FROM embedding ORDER BY memory_id, generation_id")
        assert [len(row["vec"].to_list()) for row in rows] == [16, 8, 16, 8]
        assert all(sum(x * x for x in row["vec"].to_list()) == pytest.approx(1, abs=0.01) for row in rows)


@asynccontextmanager
async def _matryoshka(dsn: str, url: str, dim: int) -> AsyncIterator[tuple[Database, Generations]]:
    """Over a model that is said to allow shorter vectors, as those of the manifest may."""
    database = Database(dsn, prepare=queue.install)
    async with LocalLLMClient(url, "http://127.0.0.1:9") as client:
        traits = Traits("tiny-embedder-32", dims=(32, 16, 8))
        yield database, Generations(database, lambda _: client, lambda _: traits, queue.wake, dim=dim)
    await database.close()


async def test_a_dimension_that_the_server_has_not_is_said_and_nothing_is_stored(
    dsn: str, embedding_server: LlamaServer, test_home: Path
) -> None:
    wrong = settings_for(dsn, embedding_server.url, test_home, embedding_dim=99)
    async with built(wrong, ready=False) as athena:
        await told(athena, "the red car", wait_s=0)
        health = (await athena.health())["embedding"]
        assert health.state == "down"
        assert "32 dimensions, not 99" in str(health.detail)
        assert "LLAMACPP_EMBEDDING_DIM" in str(health.hint)
        answer = await athena.memory.recall("red car", Filter())
        assert ([h.memory.embedding for h in answer.hits], answer.degraded) == (["pending"], ("embedding",))
        assert await athena.generations.list() == []
    async with built(settings_for(dsn, embedding_server.url, test_home, embedding_dim=32)) as athena:
        await until(lambda: _nothing_owed(athena))
        assert (await athena.memory.recall("red car", Filter())).degraded == ()
    async with built(wrong) as athena:
        await told(athena, "the blue car", wait_s=0)
        health = (await athena.health())["embedding"]
        assert (health.state, "LLAMACPP_EMBEDDING_DIM" in str(health.hint)) == ("down", True)
        await asyncio.sleep(0.5)
        assert (await athena.backlog()).pending == 1


async def test_another_model_of_the_same_size_is_not_used(dsn: str, own_server: LlamaServer, test_home: Path) -> None:
    impostor = LlamaServer(tiny_embedder(test_home, 32, name="impostor"))
    impostor.port, impostor.url = own_server.port, own_server.url
    own_server.start()
    async with built(settings_for(dsn, own_server.url, test_home)) as athena:
        await told(athena, "the red car")
        own_server.stop()
        try:
            # Nobody asked while the server was away: the change must show in what the new one answers.
            impostor.start()
            await told(athena, "the blue car", wait_s=0)
            answer = await athena.memory.recall("blue car", Filter())
            assert answer.degraded == ("embedding",)
            assert answer.hits[0].memory.content == "the blue car"
            health = (await athena.health())["embedding"]
            assert health.state == "down"
            assert "impostor-32" in str(health.detail)
            assert "tiny-embedder-32" in str(health.detail)
            await asyncio.sleep(1.0)
            assert await value(athena, "SELECT count(*) FROM embedding") == 1
            with pytest.raises(DimensionMismatch):
                await athena.generations.check((await athena.generations.list())[0])
        finally:
            impostor.stop()
        own_server.start()
        await until(lambda: _nothing_owed(athena))
        assert await value(athena, "SELECT max(attempts) FROM embedding_todo") is None
        await until(lambda: _recalls_by_vector(athena))


async def _are(athena: Athena, *expected: str) -> bool:
    return await states(athena) == list(expected)


async def _nothing_owed(athena: Athena) -> bool:
    with contextlib.suppress(asyncpg.PostgresError):
        return bool(await value(athena, OWED))
    return False


async def _recalls_by_vector(athena: Athena) -> bool:
    return (await athena.memory.recall("blue car", Filter())).degraded == ()
