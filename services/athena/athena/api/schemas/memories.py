"""What is asked of the memory: bodies and tool arguments, turned into the memory's own values."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from athena.api.schemas.fields import (
    MAX_BATCH,
    Content,
    Cursor,
    Flag,
    Importance,
    MemoryId,
    Metadata,
    Moment,
    Name,
    PageLimit,
    Query,
    RecallLimit,
    Tags,
)
from athena.memory.types import DEFAULT_PROJECT, Filter, Kind, NewMemory, Scope

KINDS = ", ".join(Kind)
AS_OF = "What was true at this moment, as we know it today; superseded since or not."
KNOWN_AT = (
    "What was known at this moment: recorded by then, and nothing that was learnt later. A recall without `as_of` asks "
    "for what was held to be true then; a listing shows the versions that were current then."
)


class Body(BaseModel):
    """Base of what is read: a field that isn't known is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class Scoped(Body):
    project: Name = Field(DEFAULT_PROJECT, description="Name space. Nothing is ever found across projects.")
    user_id: Name | None = None
    agent_id: Name | None = None
    session_id: Name | None = None

    def scope(self) -> Scope:
        return Scope(self.project, self.user_id, self.agent_id, self.session_id)


class Fact(Body):
    """What all forms of writing a memory share."""

    content: Content
    occurred_at: Moment | None = Field(None, description="When it happened.")
    valid_from: Moment | None = Field(None, description="Since when it is true; unset: since it was recorded.")
    valid_until: Moment | None = Field(None, description="Until when it is true; unset: until it is superseded.")
    expires_at: Moment | None = Field(
        None,
        description="When it is forgotten by itself, a time to come; unset: it is kept, and a new version of something "
        "as long as that was to be.",
    )
    importance: Importance = 0.5
    tags: Tags = []
    metadata: Metadata = {}
    source: Name | None = Field(None, description="Where it comes from: a tool, a file, a person.")

    @model_validator(mode="after")
    def _interval(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("valid_until must not be earlier than valid_from")
        return self

    def memory(self, kind: Kind = Kind.FACT, scope: Scope | None = None) -> NewMemory:
        return NewMemory(
            content=self.content,
            kind=kind,
            scope=scope or Scope(),
            occurred_at=self.occurred_at,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            importance=self.importance,
            tags=tuple(self.tags),
            metadata=self.metadata,
            source=self.source,
            expires_at=self.expires_at,
        )


class Remember(Fact, Scoped):
    """One memory to store."""

    memory_type: Kind = Field(Kind.FACT, description=f"What sort of thing this is: {KINDS}.")

    def value(self) -> NewMemory:
        return self.memory(self.memory_type, self.scope())


class RememberBatch(Body):
    """Several memories, stored together or not at all."""

    memories: Annotated[list[Remember], Field(min_length=1, max_length=MAX_BATCH)]


class Where(Scoped):
    """Which memories are looked at. Every field that is given must hold."""

    memory_type: Kind | Annotated[list[Kind], Field(max_length=len(Kind))] | None = Field(
        None, description=f"One kind or several: {KINDS}."
    )
    tags: Tags = Field([], description="All of these.")
    since: Moment | None = Field(None, description="Happened (or, with no such time, recorded) at or after this.")
    until: Moment | None = Field(None, description="Happened (or, with no such time, recorded) before this.")
    as_of: Moment | None = Field(None, description=AS_OF)
    known_at: Moment | None = Field(None, description=KNOWN_AT)

    def filter(self) -> Filter:
        kinds = self.memory_type if isinstance(self.memory_type, list) else [self.memory_type]
        return Filter(
            scope=self.scope(),
            kinds=tuple(dict.fromkeys(kind for kind in kinds if kind is not None)),
            tags=tuple(self.tags),
            since=self.since,
            until=self.until,
            as_of=self.as_of,
            known_at=self.known_at,
        )


class RecallQuery(Where):
    """A question in plain words, and where to look."""

    query: Query
    limit: RecallLimit = 10


class Listing(Where):
    """A page of memories, newest first."""

    limit: PageLimit = 50
    cursor: Cursor | None = Field(None, description="`next_cursor` of the page before.")
    include_superseded: Flag = False


class OneMemory(Body):
    """One memory, by its id."""

    id: MemoryId
