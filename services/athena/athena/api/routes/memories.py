"""`/api/v1/memories`: the memory as resources."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from athena.api import operations
from athena.api.deps import Calling, IdempotencyKey, Wait
from athena.api.openapi import errors
from athena.api.schemas.answers import (
    Evidence,
    ForgottenView,
    History,
    MemoryPage,
    MemoryView,
    Recalled,
    Stored,
    StoredBatch,
    UnusedPage,
)
from athena.api.schemas.fields import MemoryId
from athena.api.schemas.forget import ForgetQuery
from athena.api.schemas.listing import ListQuery, UnusedQuery
from athena.api.schemas.memories import Fact, RecallQuery, Remember, RememberBatch

router = APIRouter(tags=["memories"])
_ROOT = "/api/v1/memories"
_KNOWN = "It was there already."

_example = Remember.model_validate(
    {"content": "Ada prefers tea to coffee", "memory_type": "preference", "project": "kitchen", "tags": ["drinks"]}
).model_dump(mode="json", exclude_defaults=True)


@router.post(_ROOT, status_code=201, responses={200: {"model": Stored, "description": _KNOWN}, **errors(409, 413)})
async def create(
    call: Calling,
    response: Response,
    memory: Annotated[Remember, Body(examples=[_example])],
    wait: Wait = False,
    idempotency_key: IdempotencyKey = None,
) -> Stored:
    """Store one memory. It is safe when this answers: 201, or 200 if it was there already."""
    stored = (await operations.remember(call, [memory], key=idempotency_key, wait=wait))[0]
    response.headers["location"] = f"{_ROOT}/{stored.id}"
    if stored.status == "duplicate":
        response.status_code = 200
    return stored


@router.post(
    f"{_ROOT}/batch",
    status_code=201,
    responses={200: {"model": StoredBatch, "description": "All of them were there already."}, **errors(409, 413)},
)
async def create_batch(
    call: Calling,
    response: Response,
    batch: Annotated[RememberBatch, Body(examples=[{"memories": [_example]}])],
    wait: Wait = False,
    idempotency_key: IdempotencyKey = None,
) -> StoredBatch:
    """Store up to 1,000 memories, all or none."""
    stored = await operations.remember(call, batch.memories, key=idempotency_key, wait=wait)
    if all(each.status == "duplicate" for each in stored):
        response.status_code = 200
    return StoredBatch(receipts=stored)


@router.post(f"{_ROOT}/search", responses=errors(413))
async def search(
    call: Calling,
    asked: Annotated[RecallQuery, Body(examples=[{"query": "what does Ada drink?", "project": "kitchen"}])],
) -> Recalled:
    """Find memories by meaning and by words, best first."""
    return await operations.recall(call, asked)


@router.get(_ROOT, responses=errors())
async def list_memories(call: Calling, asked: Annotated[ListQuery, Query()]) -> MemoryPage:
    """Page through memories, newest first."""
    return await operations.listing(call, asked.listing())


@router.get(f"{_ROOT}/unused", responses=errors())
async def unused(call: Calling, asked: Annotated[UnusedQuery, Query()]) -> UnusedPage:
    """Show what was never recalled, oldest first."""
    return await operations.unused(call, asked)


@router.post(f"{_ROOT}/forget", responses=errors(404, 413))
async def forget(
    call: Calling, asked: Annotated[ForgetQuery, Body(examples=[{"query": "tea", "project": "kitchen"}])]
) -> ForgottenView:
    """Forget what is named or described; a description only counts until `dry_run` is false."""
    return await operations.forget(call, asked)


@router.get(f"{_ROOT}/{{memory_id:uuid}}", responses=errors(404))
async def get(call: Calling, memory_id: MemoryId) -> MemoryView:
    """Show one memory, superseded or not."""
    return await operations.get(call, memory_id)


@router.post(f"{_ROOT}/{{memory_id:uuid}}/supersede", status_code=201, responses=errors(404, 409, 413))
async def supersede(
    call: Calling,
    response: Response,
    memory_id: MemoryId,
    memory: Annotated[Fact, Body(examples=[{"content": "Ada prefers coffee to tea"}])],
) -> Stored:
    """Put a new version in the place of a memory; the old one stays in its history. Scope and kind stay as they are."""
    stored = await operations.supersede(call, memory_id, memory)
    response.headers["location"] = f"{_ROOT}/{stored.id}"
    return stored


@router.post(f"{_ROOT}/{{memory_id:uuid}}/restore", responses=errors(404, 409))
async def restore(call: Calling, memory_id: MemoryId) -> MemoryView:
    """Undo what superseded a memory: it stands again, true when it was believed to be before. The version that took its
    place stays in its history, and can be restored in turn; another memory that replaced it goes on beside it."""
    return await operations.restore(call, memory_id)


@router.delete(f"{_ROOT}/{{memory_id:uuid}}", responses=errors(404))
async def delete(call: Calling, memory_id: MemoryId) -> ForgottenView:
    """Forget one memory for good."""
    return await operations.forget(call, ForgetQuery.model_validate({"id": memory_id}))


@router.get(f"{_ROOT}/{{memory_id:uuid}}/history", responses=errors(404))
async def history(call: Calling, memory_id: MemoryId) -> History:
    """How a memory came to be what it is: its versions, and what was believed of each; oldest first."""
    return await operations.history(call, memory_id)


@router.get(f"{_ROOT}/{{memory_id:uuid}}/evidence", responses=errors(404))
async def evidence(call: Calling, memory_id: MemoryId) -> Evidence:
    """What a memory was concluded from, with the words that speak for it; empty for what was told."""
    return await operations.evidence(call, memory_id)
