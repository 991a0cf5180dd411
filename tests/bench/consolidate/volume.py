"""Many events, quickly: half of them recurring in a few hundred ways, half said once; vectors that fit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
from pgvector import HalfVector

from athena.bootstrap import Athena
from athena.memory.types import Kind, NewMemory, Scope
from athena.store.sql import statements, with_generation
from tests.bench.world.texts import rare
from tests.bench.world.vectors import DIM

_SQL = statements("embedding")
_SIZES = statements("memory")["refresh_project_sizes"]
_BATCH = 1000
_START = datetime(2023, 1, 1, tzinfo=UTC)
_EACH = 25
_NOISE = 0.35
_OWED = """
SELECT m.id, m.project_id, m.metadata ->> 'topic' AS topic FROM embedding_todo t JOIN memory m ON m.id = t.memory_id
"""


def events(project: str, size: int) -> Iterator[NewMemory]:
    """`metadata.topic`: a number that events of one routine share."""
    chance = random.Random(size)
    routines = rare(max(size // (2 * _EACH), 1), seed=size)
    once = iter(rare(size, seed=size + 1))
    for number in range(size):
        if number % 2:
            topic = chance.randrange(len(routines))
            text = f"{routines[topic]} {chance.choice(('again', 'today', 'as usual', 'once more'))}"
        else:
            topic, text = len(routines) + number, next(once)
        yield NewMemory(
            text,
            Kind.EVENT,
            Scope(project, session_id=f"s{number // 20}"),
            occurred_at=_START + timedelta(minutes=37 * number),
            metadata={"topic": topic},
        )


async def load(athena: Athena, sizes: dict[str, int]) -> None:
    """One project per name. The database is empty before."""
    generation = await athena.generations.ensure_serving()
    for name, size in sizes.items():
        batch: list[NewMemory] = []
        for event in events(name, size):
            batch.append(event)
            if len(batch) == _BATCH:
                await athena.memory.remember(batch)
                batch = []
        if batch:
            await athena.memory.remember(batch)
    noise = np.random.default_rng(7)
    async with athena.database.acquire() as connection:
        owed = await connection.fetch(_OWED)
        await connection.copy_records_to_table(
            f"embedding_g{generation.id}",
            columns=["generation_id", "memory_id", "chunk", "project_id", "vec"],
            records=[(generation.id, r["id"], 0, r["project_id"], _vector(int(r["topic"]), noise)) for r in owed],
            timeout=120,
        )
        await connection.execute("TRUNCATE embedding_todo")
        await connection.execute("SET maintenance_work_mem = '1GB'")
        await connection.execute(
            with_generation(_SQL["create_vector_index"], generation.id, generation.dim), timeout=600
        )
        await connection.execute("RESET maintenance_work_mem")
        await connection.execute(_SIZES)
        await connection.execute("VACUUM ANALYZE", timeout=300)


def _vector(topic: int, noise: np.random.Generator) -> HalfVector:
    centre = np.random.default_rng(topic).standard_normal(DIM, dtype=np.float32)
    mixed = centre / np.linalg.norm(centre) + _NOISE / DIM**0.5 * noise.standard_normal(DIM, dtype=np.float32)
    return HalfVector(mixed / np.linalg.norm(mixed))
