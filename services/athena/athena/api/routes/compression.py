"""`/api/v1/compress`: a text, shorter; `/api/v1/compression/{id}`: what was left out of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query

from athena.api import compressing
from athena.api.deps import Calling
from athena.api.openapi import errors
from athena.api.schemas.compression import Compress, CompressedView, OneElision, Original
from athena.api.schemas.fields import Name
from athena.memory.types import DEFAULT_PROJECT

router = APIRouter(tags=["compression"])
_EXAMPLE = {"context": "A long text …", "instruction": "What does it say about prices?", "compression_ratio": 0.5}
_Id = Annotated[str, Path(pattern=r"^[0-9a-f]{8,64}$", description="The id in a mark.")]


@router.post("/api/v1/compress", responses=errors(413))
async def compress(call: Calling, asked: Annotated[Compress, Body(examples=[_EXAMPLE])]) -> CompressedView:
    """Shorten a text, keeping what the instruction asks for. What carries exact meaning survives byte for byte."""
    return await compressing.compress(call, asked)


@router.get("/api/v1/compression/{elision_id}", responses=errors(404))
async def original(call: Calling, elision_id: _Id, project: Annotated[Name, Query()] = DEFAULT_PROJECT) -> Original:
    """The text that a mark stands for; for the key and project that left it out, and nobody else."""
    return await compressing.original(call, OneElision(id=elision_id, project=project))
