"""`/api/v1/embeddings`: changing the embedding model while everything goes on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path

from athena.api.deps import Calling
from athena.api.openapi import errors
from athena.api.schemas.answers import GenerationView
from athena.api.schemas.embeddings import Generations, Migrate, Move

router = APIRouter(tags=["embeddings"])
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]
_ROOT = "/api/v1/embeddings"


@router.get(_ROOT, responses=errors())
async def list_generations(call: Calling) -> Generations:
    """All generations and how far each is."""
    found = await call.athena.generations.list()
    newest_first = sorted(found, key=lambda each: each.id, reverse=True)
    return Generations(generations=[GenerationView.of(each) for each in newest_first])


@router.post(f"{_ROOT}/migrate", status_code=202, responses=errors(409, 413, 502))
async def migrate(
    call: Calling, asked: Annotated[Migrate, Body(examples=[{"url": "http://localhost:8011"}])]
) -> GenerationView:
    """Start to embed everything anew beside what serves; the change-over comes by itself when all is there."""
    generation = await call.athena.generations.migrate(
        url=asked.url,
        model=asked.model,
        dim=asked.dim,
        prefix_document=asked.prefix_document,
        prefix_query=asked.prefix_query,
    )
    return GenerationView.of(generation)


@router.post(f"{_ROOT}/{{generation_id:int}}/server", responses=errors(404, 413, 502))
async def move(
    call: Calling, generation_id: Id, asked: Annotated[Move, Body(examples=[{"url": None}])]
) -> GenerationView:
    """Have a generation's texts embedded by another server with the same model; nothing is embedded anew."""
    return GenerationView.of(await call.athena.generations.move(generation_id, asked.url))


@router.post(f"{_ROOT}/rollback", responses=errors(409, 502))
async def rollback(call: Calling) -> GenerationView:
    """Go back to the generation that served before, or stop the one that is being built."""
    return GenerationView.of(await call.athena.generations.rollback())
