"""`/api/v1/preferences`: compression, memory and capture, by key and by project."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path

from athena.api.deps import Call, Calling
from athena.api.openapi import errors
from athena.api.schemas.fields import Name
from athena.api.schemas.preferences import (
    KeyChanges,
    KeyChoices,
    PreferenceList,
    ProjectChanges,
    ProjectChoices,
)
from athena.errors import Forbidden, NotFound
from athena.store.preferences import UNSAID

router = APIRouter(tags=["preferences"], prefix="/api/v1/preferences")
_Key = Annotated[Name, Path(description="The name of an Athena key.")]
_Project = Annotated[Name, Path(description="A project, which need not hold anything yet.")]


@router.get("", responses=errors())
async def listing(call: Calling) -> PreferenceList:
    """What keys and projects have chosen."""
    chosen = await call.athena.preferences.current()
    mine = {name: each for name, each in chosen.keys.items() if call.principal in ("", name)}
    return PreferenceList(
        keys=[KeyChoices.of(name, each) for name, each in mine.items()],
        projects=[ProjectChoices.of(name, each) for name, each in chosen.projects.items()],
    )


@router.get("/keys/{name:path}", responses=errors(404))
async def show_key(call: Calling, name: _Key) -> KeyChoices:
    """What a key has chosen."""
    _own(call, name)
    if not await call.athena.preferences.has_key(name):
        raise NotFound(f"there is no key named {name}", hint="athena keys list")
    return KeyChoices.of(name, (await call.athena.preferences.current()).keys.get(name, UNSAID))


@router.patch("/keys/{name:path}", responses=errors(404, 413))
async def change_key(
    call: Calling, name: _Key, wanted: Annotated[KeyChanges, Body(examples=[{"project": "kitchen", "capture": True}])]
) -> KeyChoices:
    """Choose for a key. In effect everywhere within two seconds, for what hasn't been sent yet."""
    _own(call, name)
    return KeyChoices.of(name, await call.athena.preferences.change_key(name, wanted.changes()))


@router.get("/projects/{name:path}", responses=errors())
async def show_project(call: Calling, name: _Project) -> ProjectChoices:
    """What was chosen for a project."""
    return ProjectChoices.of(name, (await call.athena.preferences.current()).projects.get(name, UNSAID))


@router.patch("/projects/{name:path}", responses=errors(413))
async def change_project(
    call: Calling, name: _Project, wanted: Annotated[ProjectChanges, Body(examples=[{"memory_tokens": 400}])]
) -> ProjectChoices:
    """Choose for a project. In effect everywhere within two seconds, for what hasn't been sent yet."""
    return ProjectChoices.of(name, await call.athena.preferences.change_project(name, wanted.changes()))


@router.delete("/projects/{name:path}", responses=errors(404))
async def clear_project(call: Calling, name: _Project) -> ProjectChoices:
    """Take all choices for a project back."""
    if not await call.athena.preferences.clear_project(name):
        raise NotFound(f"nothing was chosen for the project {name}", hint="athena projects list")
    return ProjectChoices.of(name, UNSAID)


def _own(call: Call, name: str) -> None:
    if call.principal not in ("", name):
        raise Forbidden("a key chooses for itself and for projects only", hint="ask without a key, on this machine")
