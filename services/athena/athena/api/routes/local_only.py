"""`/api/v1/local-only`: whether anything may leave for a host that isn't local."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from athena.api.deps import Calling
from athena.api.openapi import errors
from athena.api.schemas.local_only import LocalOnlyView, SetLocalOnly

router = APIRouter(tags=["local-only"])


@router.get("/api/v1/local-only", responses=errors())
async def read(call: Calling) -> LocalOnlyView:
    """What is in force in this process, and since when."""
    return LocalOnlyView.of(call.athena.local_only.state())


@router.put("/api/v1/local-only", responses=errors(409, 413))
async def switch(call: Calling, asked: Annotated[SetLocalOnly, Body(examples=[{"on": True}])]) -> LocalOnlyView:
    """Switch it for every replica: here before this answers, elsewhere within a second.

    Switching it on ends the answers that are being streamed from anywhere else.
    """
    return LocalOnlyView.of(await call.athena.local_only.set(asked.on, call.principal))
