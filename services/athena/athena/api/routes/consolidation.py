"""`/api/v1/consolidation`: what has happened becomes what is known; every run of it can be looked at and undone."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response

from athena.api import consolidating
from athena.api.deps import Calling
from athena.api.openapi import errors
from athena.api.schemas.consolidation import (
    ChangePage,
    ChangesQuery,
    Consolidate,
    GivenEvents,
    LetterDropped,
    LetterPage,
    LetterRetried,
    PageQuery,
    PatternList,
    PreviewView,
    RunPage,
    RunView,
    Undo,
    UndoneView,
)

router = APIRouter(tags=["consolidation"], prefix="/api/v1/consolidation")
_Id = Annotated[int, Path(ge=1, le=2**63 - 1)]
_ALONE = Undo.model_validate({})
_EVENTS = [
    {"content": "Ran along the river before work", "occurred_at": f"2026-03-{day:02}T07:00:00Z"}
    for day in (2, 9, 16, 23)
]


@router.post(
    "/runs",
    responses={
        202: {"model": RunView, "description": "It goes on: ask for the run to see how."},
        **errors(404, 409, 413),
    },
)
async def run(
    call: Calling, response: Response, asked: Annotated[Consolidate, Body(examples=[{"project": "default"}])]
) -> RunView | PreviewView:
    """Consolidate what a project remembers, one run at a time; or, with `dry_run`, say what that would change."""
    done = await consolidating.run(call, asked)
    if isinstance(done, RunView) and done.state == "running":
        response.status_code = 202
    return done


@router.get("/runs", responses=errors())
async def list_runs(call: Calling, asked: Annotated[PageQuery, Query()]) -> RunPage:
    """The runs there were, newest first, and when the schedule brings the next."""
    return await consolidating.runs(call, asked)


@router.get("/runs/{run_id:int}", responses=errors(404))
async def show_run(call: Calling, run_id: _Id) -> RunView:
    """One run: how far it is, or what it came to."""
    return await consolidating.show(call, run_id)


@router.get("/runs/{run_id:int}/changes", responses=errors(404))
async def list_changes(call: Calling, run_id: _Id, asked: Annotated[ChangesQuery, Query()]) -> ChangePage:
    """Every change that a run made, in order."""
    return await consolidating.changes(call, run_id, asked)


@router.post("/runs/{run_id:int}/undo", responses=errors(404, 409, 413))
async def undo(
    call: Calling, run_id: _Id, asked: Annotated[Undo, Body(examples=[{"with_later": False}])] = _ALONE
) -> UndoneView:
    """Take a run back: all is as it was before, except what people changed since. Where later runs stand on it, a
    conflict names them."""
    return await consolidating.undo(call, run_id, with_later=asked.with_later)


@router.get("/letters", responses=errors())
async def list_letters(call: Calling, asked: Annotated[PageQuery, Query()]) -> LetterPage:
    """What could not be used and why, newest first."""
    return await consolidating.letters(call, asked)


@router.post("/letters/{letter_id:int}/retry", responses=errors(404))
async def retry_letter(call: Calling, letter_id: _Id) -> LetterRetried:
    """Have the next run try it again, whatever the model said before."""
    await call.athena.consolidation.retry_letter(letter_id)
    return LetterRetried(retried=letter_id)


@router.delete("/letters/{letter_id:int}", responses=errors(404))
async def drop_letter(call: Calling, letter_id: _Id) -> LetterDropped:
    """Throw a dead letter away."""
    await call.athena.consolidation.drop_letter(letter_id)
    return LetterDropped(dropped=letter_id)


@router.post("/patterns", responses=errors(413))
async def patterns(call: Calling, asked: Annotated[GivenEvents, Body(examples=[{"events": _EVENTS}])]) -> PatternList:
    """The patterns in events of yours. Nothing is stored."""
    return await consolidating.patterns(call, asked)
