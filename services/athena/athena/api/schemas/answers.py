"""What the memory answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from athena.memory.types import (
    Action,
    EmbeddingState,
    Forgotten,
    Generation,
    GenerationState,
    HistoryEntry,
    Hit,
    Kind,
    Known,
    Memory,
    Page,
    Recall,
    Receipt,
    Support,
    Unused,
)


class Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Stored(Answer):
    """`embedding`: pending until the vector is there; the text is found by its words at once. `reason`: "echo" where
    this came out of a recall: nothing was stored, and `id` is the memory that most of it comes from."""

    id: str
    status: Literal["created", "duplicate"]
    embedding: EmbeddingState
    reason: Literal["echo"] | None = None

    @classmethod
    def of(cls, receipt: Receipt) -> Self:
        return cls.model_validate(receipt)


class StoredBatch(Answer):
    receipts: list[Stored] = Field(description="One per memory, in the order given.")


class MemoryView(Answer):
    """One version of one memory."""

    id: str
    content: str
    memory_type: Kind
    project: str
    user_id: str | None
    agent_id: str | None
    session_id: str | None
    occurred_at: datetime | None
    valid_from: datetime
    valid_until: datetime | None
    recorded_at: datetime
    importance: float
    tags: list[str]
    metadata: dict[str, Any]
    source: str | None
    supersedes: str | None
    superseded_by: str | None
    times_seen: int
    embedding: EmbeddingState
    expires_at: datetime | None = Field(description="When it is forgotten by itself.")
    derived: bool = Field(description="Concluded from other memories, by consolidation.")
    recalls: int = Field(0, description="How often it was told to somebody; counted a second later.")
    last_recalled_at: datetime | None = None
    twin_of: str | None = Field(
        None, description="Of `get`: what said nearly the same before. Recall gives one of them."
    )

    @classmethod
    def of(cls, memory: Memory) -> Self:
        return cls(**_fields(memory))


class RecalledView(MemoryView):
    """A memory that was found. `score` orders one recall's hits; `explanation` holds its parts."""

    score: float
    explanation: dict[str, float]

    @classmethod
    def hit(cls, hit: Hit) -> Self:
        return cls(**_fields(hit.memory), score=hit.score, explanation=hit.explanation)


class KnownView(MemoryView):
    """What was concluded from memories that were found: `because` are their ids, the best first."""

    because: list[str]

    @classmethod
    def known(cls, known: Known) -> Self:
        return cls(**_fields(known.memory), because=list(known.because))


class Recalled(Answer):
    """`patterns`: what was concluded from the memories found, beside them. `degraded` names the parts that could not
    take part; `pending` counts memories without a vector yet."""

    memories: list[RecalledView]
    patterns: list[KnownView]
    degraded: list[str]
    pending: int

    @classmethod
    def of(cls, recall: Recall) -> Self:
        hits = [RecalledView.hit(hit) for hit in recall.hits]
        patterns = [KnownView.known(known) for known in recall.patterns]
        return cls(memories=hits, patterns=patterns, degraded=list(recall.degraded), pending=recall.pending)


class MemoryPage(Answer):
    memories: list[MemoryView]
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last one.")

    @classmethod
    def of(cls, page: Page) -> Self:
        return cls(memories=[MemoryView.of(each) for each in page.memories], next_cursor=page.next_cursor)


class UnusedPage(Answer):
    """What was recorded and never told to anybody, oldest first: `count` memories of `total`."""

    memories: list[MemoryView]
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last one.")
    count: int
    total: int
    share: float = Field(description="`count` of `total`.")
    oldest: datetime | None
    hint: str | None = Field(description="The command that forgets this page.")

    @classmethod
    def of(cls, unused: Unused) -> Self:
        ids = [each.id for each in unused.memories]
        return cls(
            memories=[MemoryView.of(each) for each in unused.memories],
            next_cursor=unused.next_cursor,
            count=unused.count,
            total=unused.total,
            share=round(unused.count / unused.total, 4) if unused.total else 0.0,
            oldest=unused.oldest,
            hint=f"athena forget {' '.join(ids)}" if ids else None,
        )


class Step(Answer):
    """`superseded`: this version took the place of the one before it. `replaced`: something that is no version of it
    did. `restored`: it stands again. `revised`: when it is true was changed."""

    id: str
    action: Action
    at: datetime = Field(description="Since when this is known here.")
    content: str | None = Field(description="A forgotten version keeps none.")
    valid_from: datetime | None = Field(description="Since when it was true, as believed from then on.")
    valid_until: datetime | None = Field(description="Until when it was true, as believed from then on.")
    replaced_by: str | None = Field(description="What took its place.")


class History(Answer):
    history: list[Step] = Field(description="Oldest first.")

    @classmethod
    def of(cls, entries: list[HistoryEntry]) -> Self:
        return cls(history=[Step.model_validate(entry) for entry in entries])


class SupportView(Answer):
    """A memory that something was concluded from."""

    id: str
    content: str
    quote: str = Field(description="The words there that speak for it.")
    occurred_at: datetime | None


class Evidence(Answer):
    evidence: list[SupportView] = Field(description="Oldest first; empty for what was told and not concluded.")

    @classmethod
    def of(cls, evidence: list[Support]) -> Self:
        return cls(evidence=[SupportView.model_validate(each) for each in evidence])


class ForgottenView(Answer):
    """What was forgotten or, with `dry_run`, what would be.

    `conversations`: of the project, that were rewritten when they were sent and lose their prefix with
    `purge_conversations`. `decisions`: texts of conversations that hold any of it, with `ledger`. `patterns_weaker`
    lose evidence, and say so; `patterns_forgotten` have none left.
    """

    ids: list[str]
    count: int
    dry_run: bool
    conversations: int = 0
    decisions: int = 0
    patterns_weaker: list[str] = []
    patterns_forgotten: list[str] = []

    @classmethod
    def of(cls, forgotten: Forgotten, conversations: int = 0) -> Self:
        return cls(
            ids=list(forgotten.ids),
            count=forgotten.count,
            dry_run=forgotten.dry_run,
            conversations=conversations,
            decisions=forgotten.decisions,
            patterns_weaker=list(forgotten.patterns_weaker),
            patterns_forgotten=list(forgotten.patterns_forgotten),
        )


class GenerationView(Answer):
    """One embedding model's set of vectors; `embedded` of `total` memories have theirs."""

    id: int
    model: str
    dim: int
    prefix_document: str
    prefix_query: str
    context_tokens: int
    state: GenerationState
    server_url: str | None
    embedded: int
    total: int
    created_at: datetime
    served_since: datetime | None

    @classmethod
    def of(cls, generation: Generation) -> Self:
        return cls.model_validate(generation)


def _fields(memory: Memory) -> dict[str, Any]:
    values = {name: getattr(memory, name) for name in MemoryView.model_fields if hasattr(memory, name)}
    scope = memory.scope
    return values | {
        "memory_type": memory.kind,
        "project": scope.project,
        "user_id": scope.user_id,
        "agent_id": scope.agent_id,
        "session_id": scope.session_id,
        "tags": list(memory.tags),
    }
