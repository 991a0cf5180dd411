"""What the memory answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from athena.memory.types import (
    EmbeddingState,
    Forgotten,
    Generation,
    GenerationState,
    HistoryEntry,
    Hit,
    Kind,
    Memory,
    Page,
    Recall,
    Receipt,
)


class Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Stored(Answer):
    """`embedding`: pending until the vector is there; the text is found by its words at once."""

    id: str
    status: Literal["created", "duplicate"]
    embedding: EmbeddingState

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


class Recalled(Answer):
    """`degraded` names the parts that could not take part; `pending` counts memories without a vector yet."""

    memories: list[RecalledView]
    degraded: list[str]
    pending: int

    @classmethod
    def of(cls, recall: Recall) -> Self:
        hits = [RecalledView.hit(hit) for hit in recall.hits]
        return cls(memories=hits, degraded=list(recall.degraded), pending=recall.pending)


class MemoryPage(Answer):
    memories: list[MemoryView]
    next_cursor: str | None = Field(description="Ask with it for the next page; null on the last one.")

    @classmethod
    def of(cls, page: Page) -> Self:
        return cls(memories=[MemoryView.of(each) for each in page.memories], next_cursor=page.next_cursor)


class Step(Answer):
    id: str
    action: Literal["remembered", "superseded", "forgotten"]
    at: datetime
    content: str | None = Field(description="A forgotten version keeps none.")


class History(Answer):
    history: list[Step] = Field(description="Oldest first.")

    @classmethod
    def of(cls, entries: list[HistoryEntry]) -> Self:
        return cls(history=[Step.model_validate(entry) for entry in entries])


class ForgottenView(Answer):
    """What was forgotten or, with `dry_run`, what would be.

    `conversations`: of the project, that were rewritten when they were sent and lose their prefix with
    `purge_conversations`.
    """

    ids: list[str]
    count: int
    dry_run: bool
    conversations: int = 0

    @classmethod
    def of(cls, forgotten: Forgotten, conversations: int = 0) -> Self:
        return cls(
            ids=list(forgotten.ids),
            count=forgotten.count,
            dry_run=forgotten.dry_run,
            conversations=conversations,
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
