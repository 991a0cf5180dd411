"""How PostgreSQL carries out a recall among 100,000 memories: by which index, and how much that costs in recall."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import asyncpg
import numpy as np
import pytest
from numpy.typing import NDArray
from pgvector import HalfVector

from athena.memory.recall import EXACT_LIMIT
from athena.store.pool import Database
from athena.store.sql import statements, with_generation

if TYPE_CHECKING:
    from athena.store.pool import Connection

DIM = 384
LARGE, MEDIUM, SMALL = 1, 2, 3
SIZES = {LARGE: 90_000, MEDIUM: 9_500, SMALL: 500}
TOTAL = sum(SIZES.values())
NOTHING: list[Any] = [None] * 7

_EMBEDDING = statements("embedding")

# Five words each; low numbers are common, as with real words.
LOAD = """
WITH made AS MATERIALIZED (
    SELECT n, gen_random_uuid() AS uid,
           CASE WHEN n <= $1::int THEN 1 WHEN n <= $1::int + $2::int THEN 2 ELSE 3 END AS project_id,
           ARRAY(SELECT DISTINCT 'w' || floor(4000 * ((n * p % 99991) / 99991.0::float8) ^ 2)::int
                 FROM unnest(ARRAY[7919, 104729, 1299709, 15485863, 32452843]::bigint[]) p) AS words
    FROM generate_series(1, $1::int + $2::int + $3::int) n
),
stored AS (
    INSERT INTO memory (id, uid, project_id, user_id, kind, content, fingerprint, valid_from, importance, tags,
                        metadata, lineage, lexemes, words, context_words)
    SELECT n, uid, project_id, 'u' || n % 100, 'fact', array_to_string(words, ' '), decode(md5(n::text), 'hex'),
           now() - interval '1 day', 0.5, CASE WHEN n % 2 = 0 THEN ARRAY['even'] ELSE ARRAY[]::text[] END,
           '{}', uid, array_to_tsvector(words), 5, 0
    FROM made
)
INSERT INTO posting (project_id, lexeme, memory_id, tf, context_tf, words, context_words)
SELECT project_id, lexeme, n, 1, 0, 5, 0 FROM made, unnest(words) lexeme ORDER BY 1, 2, 3
"""


def _vectors(count: int, seed: int) -> NDArray[np.float32]:
    """In few directions out of many, as the vectors of real texts are."""
    latent = np.random.default_rng(seed).standard_normal((count, 24), dtype=np.float32)
    spread = np.random.default_rng(1).standard_normal((24, DIM), dtype=np.float32)
    vectors: NDArray[np.float32] = latent @ spread
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


async def _load(connection: Connection) -> int:
    """The generation that serves."""
    await connection.execute("INSERT INTO project (name) VALUES ('large'), ('medium'), ('small')")
    await connection.execute(LOAD, *SIZES.values(), timeout=120)
    generation = int(await connection.fetchval(_EMBEDDING["create_generation"], "m", DIM, "", "", 512, "serving", None))
    for name in ("create_partition", "create_project_index"):
        await connection.execute(with_generation(_EMBEDDING[name], generation, DIM))
    projects = np.repeat(list(SIZES), list(SIZES.values()))
    await connection.copy_records_to_table(
        f"embedding_g{generation}",
        columns=["generation_id", "memory_id", "chunk", "project_id", "vec"],
        records=(
            (generation, n + 1, 0, int(projects[n]), HalfVector(vector)) for n, vector in enumerate(_vectors(TOTAL, 2))
        ),
        timeout=120,
    )
    await connection.execute("SET maintenance_work_mem = '512MB'")
    index = with_generation(_EMBEDDING["create_vector_index"], generation, DIM)
    await connection.execute(index, timeout=240)
    await connection.execute(statements("memory")["refresh_project_sizes"])
    await connection.execute("VACUUM (ANALYZE) memory, posting, embedding, project", timeout=120)
    return generation


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)


async def _plan(connection: Connection, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    """The steps that were really carried out."""
    text = await connection.fetchval(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", *parameters)
    return [node for node in _nodes(json.loads(text)[0]["Plan"]) if node["Actual Loops"] > 0]


def _parameters(project: int, vector: NDArray[np.float32], words: str, **scope: Any) -> list[Any]:
    """$1 to $13."""
    user, tags = scope.get("user"), scope.get("tags")
    return [project, None, user, None, None, tags, None, None, datetime.now(UTC), None, words, HalfVector(vector), 10]


def _scanned_whole(nodes: list[dict[str, Any]]) -> set[str]:
    return {n["Relation Name"] for n in nodes if n["Node Type"].endswith("Seq Scan")} - {"project", "session"}


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_plans_and_recall_among_a_hundred_thousand(database: Database) -> None:
    async with database.acquire() as connection:
        generation = await _load(connection)
        recall = with_generation(statements("recall")["recall"], generation, DIM)
        by_vector = await connection.fetchval(
            "SELECT indexname FROM pg_indexes WHERE tablename = $1 AND indexdef LIKE '%USING hnsw%'",
            f"embedding_g{generation}",
        )
        await _check_large(connection, recall, by_vector)
        await _check_small(connection, recall, by_vector)
        await _check_overlap(connection, recall)


async def _check_large(connection: Connection, recall: str, by_vector: str) -> None:
    for scope in ({}, {"tags": ["even"]}):
        parameters = _parameters(LARGE, _vectors(1, 3)[0], "w5 w700", **scope)
        nodes = await _plan(connection, recall, *parameters, EXACT_LIMIT)
        assert by_vector in {node.get("Index Name") for node in nodes}, scope
        assert _scanned_whole(nodes) == set(), scope


async def _check_small(connection: Connection, recall: str, by_vector: str) -> None:
    for project in (SMALL, MEDIUM):
        nodes = await _plan(connection, recall, *_parameters(project, _vectors(1, 4)[0], "w5 w700"), EXACT_LIMIT)
        assert by_vector not in {node.get("Index Name") for node in nodes}
        # A whole small project is all of its own index, never all of a table.
        assert _scanned_whole(nodes) == set()
        [scope] = [node for node in nodes if node.get("Index Name") == "memory_project"][:1]
        assert (scope["Node Type"], scope["Heap Fetches"]) == ("Index Only Scan", 0)
    one_user = _parameters(LARGE, _vectors(1, 4)[0], "w5 w700", user="u7")
    nodes = await _plan(connection, recall, *one_user, EXACT_LIMIT)
    assert by_vector not in {node.get("Index Name") for node in nodes}
    assert _scanned_whole(nodes) == set()


async def _check_overlap(connection: Connection, recall: str) -> None:
    common, asked = 0, 0
    for n, vector in enumerate(_vectors(10, 5)):
        scope = {"tags": ["even"]} if n % 2 else {}
        parameters = _parameters(LARGE, vector, f"w{n * 6} w{n * 300}", **scope)
        exact = await connection.fetch(recall, *parameters, TOTAL)
        by_index = await connection.fetch(recall, *parameters, EXACT_LIMIT)
        assert (exact[0]["is_exact"], by_index[0]["is_exact"]) == (True, False)
        common += len(_ids(exact) & _ids(by_index))
        asked += len(exact)
    assert asked == 100
    assert common / asked >= 0.98


def _ids(rows: list[asyncpg.Record]) -> set[str]:
    return {str(row["uid"]) for row in rows}
