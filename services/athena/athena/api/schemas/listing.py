"""The query string of a listing: the same filters as elsewhere, spelled for URLs (`tag` and `memory_type` repeat)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from athena.api.schemas.fields import Cursor, Moment, Name, Tags
from athena.api.schemas.memories import AS_OF, KNOWN_AT, Body, Listing, Scoped
from athena.memory.types import DEFAULT_PROJECT, Kind


class ListQuery(Scoped):
    memory_type: Annotated[list[Kind], Field(max_length=len(Kind))] = Field([], description="Any of these.")
    tag: Tags = Field([], description="All of these.")
    since: Moment | None = None
    until: Moment | None = None
    as_of: Moment | None = Field(None, description=AS_OF)
    known_at: Moment | None = Field(None, description=KNOWN_AT)
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    cursor: Cursor | None = Field(None, description="`next_cursor` of the page before.")
    include_superseded: bool = False

    def listing(self) -> Listing:
        values = self.model_dump(exclude={"tag", "memory_type"})
        return Listing(**values, tags=self.tag, memory_type=self.memory_type or None)


class UnusedQuery(Body):
    project: Name = DEFAULT_PROJECT
    older_than_days: Annotated[float, Field(ge=0, le=36_500)] = Field(30, description="Recorded at least so long ago.")
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    cursor: Cursor | None = Field(None, description="`next_cursor` of the page before.")
