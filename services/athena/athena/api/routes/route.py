"""`/api/v1/route`: which model would answer, and the table that decisions come from."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from athena.api import routing
from athena.api.deps import Calling
from athena.api.openapi import errors
from athena.api.schemas.route import Explain, Explained, RouteTable

router = APIRouter(tags=["route"])
_EXAMPLE = {"text": "Write a function that parses CSV", "model": "auto"}


@router.get("/api/v1/route", responses=errors())
async def table(call: Calling) -> RouteTable:
    """Tiers with their models, prices, windows, credentials and states; aliases and task kinds."""
    return await routing.table(call)


@router.post("/api/v1/route/explain", responses=errors(413))
async def explain(call: Calling, asked: Annotated[Explain, Body(examples=[_EXAMPLE])]) -> Explained:
    """Decide as for a real request, say why, and send nothing."""
    return await routing.explain(call, asked)
