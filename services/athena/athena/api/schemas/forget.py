"""What is asked when something is to be forgotten: ids, or everything that fits a description."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from athena.api.schemas.fields import MAX_BATCH, Flag, ForgetLimit, MemoryId, Name, Query
from athena.api.schemas.memories import Where
from athena.memory.types import DEFAULT_PROJECT

_IDS = ("id", "ids")
_DESCRIBING = (
    "query",
    "project",
    "user_id",
    "agent_id",
    "session_id",
    "memory_type",
    "tags",
    "since",
    "until",
    "as_of",
    "known_at",
)


class ForgetQuery(Where):
    """By `id` or `ids`, at once; or by words, scope, kind, tags, time: that only counts until `dry_run` is false."""

    id: MemoryId | None = None
    ids: Annotated[list[MemoryId], Field(min_length=1, max_length=MAX_BATCH)] | None = None
    query: Query | None = Field(None, description="Only those that contain every word of this, as written.")
    project: Name = DEFAULT_PROJECT
    limit: ForgetLimit = Field(1_000, description="At most this many, newest first.")
    purge_conversations: Flag = Field(
        False,
        description="Also forget how this project's conversations were rewritten when they were sent. What is sent of "
        "them from then on differs: the provider's cache and thinking that is bound to it are lost.",
    )
    ledger: Flag = Field(
        False,
        description="Also forget what was sent in conversations of the project where it holds any of this, as said or "
        "as a recalled note. What is sent of these conversations from then on differs, as with purge_conversations.",
    )
    dry_run: Flag | None = Field(None, description="Only say what would be forgotten: the default, but for ids.")

    # Said here and not in the schema: clients of models refuse one with alternatives at its top.
    @model_validator(mode="after")
    def _named(self) -> Self:
        given = {name for name in self.model_fields_set if getattr(self, name)}
        by_id, by_description = given & set(_IDS), given & set(_DESCRIBING)
        if not by_id and not by_description:
            raise ValueError(f"say what to forget: one of {', '.join((*_IDS, *_DESCRIBING))}")
        if len(by_id) == 2 or (by_id and by_description - {"project"}):
            raise ValueError("give id, or ids, or a description, not several of them")
        if by_id and (self.purge_conversations or "limit" in self.model_fields_set):
            raise ValueError("limit and purge_conversations are for forgetting by description")
        if by_id and self.dry_run:
            raise ValueError("dry_run is for forgetting by description; an id is one memory, `get` shows it")
        return self

    def chosen(self) -> list[str]:
        """The ids that were named; empty when a description was given."""
        return [str(self.id)] if self.id is not None else [str(each) for each in self.ids or ()]
