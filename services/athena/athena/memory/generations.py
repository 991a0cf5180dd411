"""Embedding generations: which model's vectors answer, which are being built, how one takes over.

A generation is one model, dimension and pair of prefixes. One serves; while another is
being built every write owes a vector to both, so the cut-over is one row's change of state
and the way back is the same.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from athena.core.types import EmbeddingBatch, ModelInfo
from athena.errors import AthenaError, Conflict, DimensionMismatch, InvalidInput, NotFound
from athena.memory.ports import Describe, Embedder, Embedders, Wake
from athena.memory.types import Generation, GenerationState
from athena.store.pool import Database
from athena.store.sql import statements, with_generation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from athena.store.pool import Connection

_SQL = statements("embedding")
# A project of this size is about to be searched by index (`recall.EXACT_LIMIT`).
INDEX_FROM = 10_000
# Another replica may have cut over: a retired set still answers rightly for this long.
_CACHE_S = 1.0


@dataclass(frozen=True, slots=True)
class Active:
    """The generations that writes owe vectors to. No generation at all before the first embedding server was seen."""

    serving: Generation | None
    building: Generation | None

    def __iter__(self) -> Any:
        return iter([g for g in (self.serving, self.building) if g is not None])


class Generations:
    """Reads, creates and switches generations. `dim`: the dimension that the settings demand, if any."""

    def __init__(
        self, database: Database, embedders: Embedders, describe: Describe, wake: Wake, *, dim: int | None = None
    ) -> None:
        self._database = database
        self._embedders = embedders
        self._describe = describe
        self._wake = wake
        self._dim = dim
        self._cached: tuple[float, Active] | None = None

    async def active(self) -> Active:
        """Cached for a second."""
        if self._cached is not None and time.monotonic() - self._cached[0] < _CACHE_S:
            return self._cached[1]
        async with self._database.acquire() as connection:
            rows = [_generation(row) for row in await connection.fetch(_SQL["active"])]
        by_state = {generation.state: generation for generation in rows}
        active = Active(by_state.get("serving"), by_state.get("building"))
        self._cached = (time.monotonic(), active)
        return active

    async def list(self) -> list[Generation]:
        """All of them, oldest first, with how many memories each has embedded."""
        async with self._database.acquire() as connection:
            return [_generation(row) for row in await connection.fetch(_SQL["all"])]

    def embedder(self, generation: Generation) -> Embedder:
        """The client of its server; vectors of another model raise `DimensionMismatch`, whenever it was swapped."""
        return _Faithful(generation, self._embedders(generation.server_url), self._describe)

    async def check(self, generation: Generation) -> ModelInfo:
        """What serves `generation` now; raises `DimensionMismatch` when it is another model: vectors of two
        models are never mixed."""
        info = await self.embedder(generation).model_info()
        traits = self._describe(info.model)
        _ensure_own(generation, traits.name)
        if generation.server_url is None and self._dim not in (None, generation.dim, info.dim, *traits.dims):
            raise DimensionMismatch(
                f"LLAMACPP_EMBEDDING_DIM is {self._dim}, the memory's vectors have {generation.dim} dimensions",
                hint="unset LLAMACPP_EMBEDDING_DIM, or serve a model of that dimension: athena embeddings migrate",
            )
        if info.dim < generation.dim:
            raise DimensionMismatch(
                f"the embedding server returns {info.dim} dimensions, the memory has {generation.dim}",
                hint="athena embeddings migrate",
            )
        return info

    async def reach(self) -> ModelInfo:
        """What serves now; raises what keeps the serving generation's model, or the configured server's, from it."""
        serving = (await self.active()).serving
        if serving is not None:
            return await self.check(serving)
        info = await self._embedders(None).model_info()
        self._dimension(info, self._dim)
        return info

    async def ensure_serving(self) -> Generation:
        """The serving generation; the first embedding server ever seen makes it."""
        active = await self.active()
        if active.serving is not None:
            return active.serving
        info = await self._embedders(None).model_info()
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["lock_generations"])
            if not any(row["state"] == "serving" for row in await connection.fetch(_SQL["active"])):
                id = await self._create(connection, info, "serving", None, None)
                await connection.execute(_SQL["owe"], id)
        self._cached = None
        serving = (await self.active()).serving
        if serving is None:
            raise Conflict("the first embedding generation was removed while it was made")
        return serving

    async def migrate(
        self,
        *,
        url: str | None,
        model: str | None = None,
        dim: int | None = None,
        prefix_document: str | None = None,
        prefix_query: str | None = None,
    ) -> Generation:
        """Begin to build the set of vectors of the model that `url` serves (None: the configured server).

        The old set answers until the new one is complete. `dim` shortens vectors of a model
        that allows it (Matryoshka).
        """
        info = await self._embedders(url).model_info()
        traits = self._describe(info.model)
        if model is not None and self._describe(model).name != traits.name:
            raise Conflict(f"{url or 'the embedding server'} serves {traits.name}, not {model}")
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["lock_generations"])
            rows = {row["state"]: row for row in await connection.fetch(_SQL["active"])}
            if "building" in rows:
                raise Conflict(
                    f"generation {rows['building']['id']} ({rows['building']['model']}) is being built",
                    hint="wait for it (athena embeddings list), or: athena embeddings rollback",
                )
            prefixes = (prefix_document, prefix_query)
            serving = rows.get("serving")
            if serving is not None and self._same(serving, traits.name, dim or info.dim, prefixes):
                raise Conflict(f"{traits.name} with {dim or info.dim} dimensions is what serves already")
            id = await self._create(connection, info, "building", url, dim, prefixes)
        # Not in the transaction above: a new partition locks out every recall until it commits.
        await self._owe(id)
        return await self._one(id)

    async def rollback(self) -> Generation:
        """Give up the generation that is being built, or go back to the one that served before.

        Going back builds what was written meanwhile first, and cuts over like any migration. Raises
        `DimensionMismatch` or `ModelServerUnavailable`, and changes nothing, if its model isn't served.
        """
        if (await self.active()).building is None:
            await self._ensure_way_back()
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["lock_generations"])
            rows = {row["state"]: row for row in await connection.fetch(_SQL["active"])}
            if "building" in rows:
                id = rows["building"]["id"]
                if rows["building"]["served_since"] is None:
                    await self._discard(connection, id)
                else:
                    await connection.execute(_SQL["retire"], id)
                    await connection.execute(_SQL["forget_retired_work"])
                id = rows["serving"]["id"] if "serving" in rows else id
            else:
                previous = await connection.fetchval(_SQL["previous_generation"])
                if previous is None:
                    raise Conflict("there is no earlier generation to go back to", hint="athena embeddings list")
                id = previous
                await connection.execute(_SQL["build_again"], id, None)
                await connection.execute(_SQL["owe"], id)
                await self._wake(connection)
        return await self._one(id)

    async def _ensure_way_back(self) -> None:
        async with self._database.acquire() as connection:
            previous = await connection.fetchval(_SQL["previous_generation"])
        if previous is not None:
            await self.check(await self._one(previous))

    async def move(self, id: int, url: str | None) -> Generation:
        """Have a generation's texts embedded by another server with the same model (None: the configured one)."""
        found = next((each for each in await self.list() if each.id == id), None)
        if found is None:
            raise NotFound(f"there is no generation {id}", hint="athena embeddings list")
        await self.check(replace(found, server_url=url))
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["set_server"], id, url)
        return await self._one(id)

    async def cut_over_if_complete(self) -> bool:
        """Let the building generation serve if it has a vector of each memory that the serving one has one of.

        What neither has yet holds up nothing: with writes going on, there is always some.
        One transaction: readers see the old set or the new one.
        """
        building = (await self.active()).building
        if building is None:
            return False
        await self._owe(building.id)
        if await self._is_missing_some(building.id) or not await self.ensure_indexes():
            return False
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["lock_generations"])
            rows = {row["state"]: row for row in await connection.fetch(_SQL["active"])}
            if rows.get("building", {"id": None})["id"] != building.id:
                # Given up meanwhile, or another worker was faster.
                return False
            if await connection.fetchval(_SQL["missing"], building.id):
                # Written while the index was built.
                return False
            await connection.execute(_SQL["retire_serving"])
            await connection.execute(_SQL["serve"], building.id)
            await connection.execute(_SQL["forget_retired_work"])
        self._cached = None
        return True

    async def _owe(self, id: int) -> None:
        async def once(connection: Connection) -> None:
            await connection.execute(_SQL["owe"], id)
            await self._wake(connection)

        await self._database.in_transaction(once)

    async def _is_missing_some(self, id: int) -> bool:
        async with self._database.acquire() as connection:
            return bool(await connection.fetchval(_SQL["missing"], id))

    async def ensure_indexes(self) -> bool:
        """Build the vector index of each active generation once a project is so large that it is searched by it.

        False: another process is building just now.

        Below that every search is exact, and an index would only slow down writing. Built without
        a lock on anything; until it is there a large search is exact, too, and slower.
        """
        async with self._database.acquire() as connection:
            if await connection.fetchval(_SQL["largest_project"]) < INDEX_FROM:
                return True
        connection = await self._database.connect()
        try:
            if not await connection.fetchval(_SQL["index_builder"]):
                return False
            for generation in await self.active():
                literals = (generation.id, generation.dim)
                valid = await connection.fetchval(with_generation(_SQL["vector_index"], *literals))
                if valid:
                    continue
                if valid is False:
                    await connection.execute(with_generation(_SQL["drop_vector_index"], *literals))
                await connection.execute(_SQL["room_to_build"])
                await connection.execute(with_generation(_SQL["create_vector_index"], *literals))
            return True
        finally:
            await connection.close(timeout=2)

    async def owe_missing(self) -> None:
        """Find memories that the outbox doesn't know of and that lack a vector; drop what a write that
        overlapped a cut-over still owed to the generation before."""
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["forget_retired_work"])
        for generation in await self.active():
            await self._owe(generation.id)

    async def _create(
        self,
        connection: Connection,
        info: ModelInfo,
        state: GenerationState,
        url: str | None,
        dim: int | None,
        prefixes: tuple[str | None, str | None] = (None, None),
    ) -> int:
        traits = self._describe(info.model)
        # What a caller asks for is the caller's mistake, what the settings demand is a mismatch.
        wanted = (
            self._dimension(info, dim, InvalidInput)
            if dim
            else self._dimension(info, self._dim if state == "serving" else None)
        )
        document, query = prefixes
        id = await connection.fetchval(
            _SQL["create_generation"],
            traits.name,
            wanted,
            traits.prefix_document if document is None else document,
            traits.prefix_query if query is None else query,
            min(info.context_tokens, traits.context_tokens or info.context_tokens),
            state,
            url,
        )
        await connection.execute(_SQL["be_brief"])
        for name in ("create_partition", "create_project_index"):
            await connection.execute(with_generation(_SQL[name], id, wanted))
        return int(id)

    def _dimension(self, info: ModelInfo, wanted: int | None, mistake: type[AthenaError] = DimensionMismatch) -> int:
        """The dimension to use of this model; None asks for its own. `mistake` is raised if it can't have it."""
        traits = self._describe(info.model)
        if wanted is None or wanted in (info.dim, *traits.dims):
            return wanted or info.dim
        allowed = ", ".join(str(d) for d in (traits.dims or (info.dim,)))
        raise mistake(
            f"{traits.name} gives vectors of {info.dim} dimensions, not {wanted} (possible: {allowed})",
            hint="unset LLAMACPP_EMBEDDING_DIM, or serve a model of that dimension",
        )

    async def _discard(self, connection: Connection, id: int) -> None:
        await connection.execute(_SQL["be_brief"])
        await connection.execute(with_generation(_SQL["drop_partition"], id, 0))
        await connection.execute(_SQL["discard"], id)

    def _same(self, row: Mapping[str, Any], model: str, dim: int, prefixes: tuple[str | None, str | None]) -> bool:
        current = (row["prefix_document"], row["prefix_query"])
        return (
            row["model"] == model
            and row["dim"] == dim
            and all(new in (None, old) for new, old in zip(prefixes, current, strict=True))
        )

    async def _one(self, id: int) -> Generation:
        self._cached = None
        found = next((generation for generation in await self.list() if generation.id == id), None)
        if found is None:
            raise NotFound(f"generation {id} was given up", hint="athena embeddings list")
        return found


@dataclass(frozen=True, slots=True)
class _Faithful:
    """An embedder that gives one generation's vectors or none: each answer names the model that made it."""

    generation: Generation
    server: Embedder
    describe: Describe

    async def embed_many(self, texts: list[str]) -> EmbeddingBatch:
        batch = await self.server.embed_many(texts)
        # Servers older than that field are known by `check` alone.
        if batch.model:
            _ensure_own(self.generation, self.describe(batch.model).name)
        return batch

    async def count_tokens(self, text: str) -> int:
        return await self.server.count_tokens(text)

    async def model_info(self) -> ModelInfo:
        return await self.server.model_info()


def _ensure_own(generation: Generation, served: str) -> None:
    if served != generation.model:
        raise DimensionMismatch(
            f"the embedding server serves {served}, the memory was embedded with {generation.model}",
            hint=f"serve {generation.model} again, or: athena embeddings migrate --to {served}",
        )


def _generation(row: Mapping[str, Any]) -> Generation:
    counts = dict(row)
    return Generation(
        id=row["id"],
        model=row["model"],
        dim=row["dim"],
        prefix_document=row["prefix_document"],
        prefix_query=row["prefix_query"],
        context_tokens=row["context_tokens"],
        state=row["state"],
        server_url=row["server_url"],
        embedded=counts.get("embedded", 0),
        total=counts.get("total", 0),
        created_at=row["created_at"],
        served_since=row["served_since"],
    )
