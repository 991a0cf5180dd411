"""`/api/v1/sessions`: conversations that pass through the gateway, and the model each is pinned to."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query

from athena.api import conversing
from athena.api.deps import Calling
from athena.api.openapi import errors
from athena.api.schemas.fields import Name
from athena.api.schemas.sessions import Pin, SessionList, SessionView

router = APIRouter(tags=["sessions"], prefix="/api/v1/sessions")
_Id = Annotated[
    str, Path(pattern=r"^[\x21-\x7e]{1,256}$", description="As in x-athena-session, or as the listing shows it.")
]
_Key = Annotated[
    Name | None, Query(description="Whose, by the name of their key. Without a key of your own: everybody's.")
]


@router.get("", responses=errors())
async def listing(call: Calling, key: _Key = None, limit: Annotated[int, Query(ge=1, le=500)] = 20) -> SessionList:
    """The sessions used last, newest first."""
    return await conversing.listing(call, key, limit)


@router.get("/{session_id:path}", responses=errors(404, 409))
async def show(call: Calling, session_id: _Id, key: _Key = None) -> SessionView:
    """One session: what it is pinned to, what answered last and why, and what it has used."""
    return await conversing.show(call, session_id, key)


@router.put("/{session_id:path}", responses=errors(409, 413))
async def pin(
    call: Calling,
    session_id: _Id,
    wanted: Annotated[Pin, Body(examples=[{"model": "anthropic/claude-sonnet-5-5"}])],
    key: _Key = None,
) -> SessionView:
    """Pin a model to a session, or take the pin away. It holds from the next request on."""
    return await conversing.pin(call, session_id, key, wanted.model)
