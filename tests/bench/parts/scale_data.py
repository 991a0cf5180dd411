"""A large database, made in minutes: written by Athena's own writer, the vectors copied in and indexed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector

from athena.bootstrap import Athena
from athena.memory.types import Filter, Generation, Kind, NewMemory, Scope
from athena.store.sql import statements, with_generation
from tests.bench.world.texts import rare
from tests.bench.world.vectors import Vector, vector

_SQL = statements("embedding")
_SIZES = statements("memory")["refresh_project_sizes"]
_BATCH = 1000
_SESSION = 25
_USERS = 100
_START = datetime(2023, 1, 1, tzinfo=UTC)

_UNEMBEDDED = """
SELECT m.id, m.project_id, m.content FROM embedding_todo t JOIN memory m ON m.id = t.memory_id ORDER BY m.id
"""


@dataclass(frozen=True, slots=True)
class Project:
    """What exact search needs to know. Row i: `texts[i]`, `vectors[i]`."""

    name: str
    texts: list[str]
    vectors: Vector

    @property
    def size(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True)
class Slice:
    """A filter twice: as Athena takes it, and as a mask over the rows of a project."""

    name: str
    where: Callable[[Project], Filter]
    mask: Callable[[Project], NDArray[np.bool_]]


def memories(name: str, texts: list[str]) -> Iterator[NewMemory]:
    for index, text in enumerate(texts):
        yield NewMemory(
            text,
            kind=Kind.FACT if index % 3 == 0 else Kind.EVENT,
            scope=Scope(name, user_id=f"u{index % _USERS}", session_id=f"s{index // _SESSION}"),
            occurred_at=_START + timedelta(hours=index // _SESSION),
            tags=("even",) if index % 2 == 0 else (),
        )


def _rows(project: Project) -> NDArray[np.int64]:
    return np.arange(project.size)


def _window(project: Project) -> tuple[int, int]:
    """The tenth of the sessions in the middle, as numbers of sessions."""
    sessions = project.size // _SESSION
    return sessions * 9 // 20, sessions * 11 // 20


def _within(project: Project) -> Filter:
    first, after = (_START + timedelta(hours=session) for session in _window(project))
    return Filter(Scope(project.name), since=first, until=after)


def _is_within(project: Project) -> NDArray[np.bool_]:
    first, after = _window(project)
    session = _rows(project) // _SESSION
    return (session >= first) & (session < after)


SLICES = (
    Slice("none", lambda p: Filter(Scope(p.name)), lambda p: _rows(p) >= 0),
    Slice("kind", lambda p: Filter(Scope(p.name), kinds=(Kind.FACT,)), lambda p: _rows(p) % 3 == 0),
    Slice("tag 50 %", lambda p: Filter(Scope(p.name), tags=("even",)), lambda p: _rows(p) % 2 == 0),
    Slice("time 10 %", _within, _is_within),
    Slice("user 1 %", lambda p: Filter(Scope(p.name, user_id="u7")), lambda p: _rows(p) % _USERS == 7),
    Slice("session", lambda p: Filter(Scope(p.name, session_id="s9")), lambda p: _rows(p) // _SESSION == 9),
)


async def load(athena: Athena, sizes: dict[str, int]) -> list[Project]:
    """One project per name. The database is empty before."""
    generation = await athena.generations.ensure_serving()
    projects = []
    for seed, (name, size) in enumerate(sizes.items()):
        texts = rare(size, seed)
        batch: list[NewMemory] = []
        for memory in memories(name, texts):
            batch.append(memory)
            if len(batch) == _BATCH:
                await athena.memory.remember(batch)
                batch = []
        if batch:
            await athena.memory.remember(batch)
        projects.append(Project(name, texts, np.stack([vector(text) for text in texts])))
    await _embed(athena, generation, projects)
    return projects


async def _embed(athena: Athena, generation: Generation, projects: list[Project]) -> None:
    """Pay the outbox in bulk."""
    by_text = {text: row for project in projects for text, row in zip(project.texts, project.vectors, strict=True)}
    async with athena.database.acquire() as connection:
        owed = await connection.fetch(_UNEMBEDDED)
        await connection.copy_records_to_table(
            f"embedding_g{generation.id}",
            columns=["generation_id", "memory_id", "chunk", "project_id", "vec"],
            records=[(generation.id, row[0], 0, row[1], HalfVector(by_text[row[2]])) for row in owed],
            timeout=120,
        )
        await connection.execute("TRUNCATE embedding_todo")
        await connection.execute("SET maintenance_work_mem = '1GB'")
        index = with_generation(_SQL["create_vector_index"], generation.id, generation.dim)
        await connection.execute(index, timeout=600)
        await connection.execute("RESET maintenance_work_mem")
        await connection.execute(_SIZES)
        await connection.execute("VACUUM ANALYZE", timeout=300)
