"""What consolidation needs from the rest of the house."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from athena.core.types import EmbeddingBatch, ReasoningResult
from athena.store.pool import Database

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from athena.store.pool import Connection


class Model(Protocol):
    """The local models; `LocalLLMClient` is one. Errors: `ModelServerUnavailable`, `InputTooLong`, `ModelServerError`,
    `AnswerCut`, `InvalidAnswer`."""

    async def reason(
        self,
        prompt: str,
        system: str | None = None,
        max_tokens: int = 1000,
        *,
        json_schema: Mapping[str, Any] | None = None,
        temperature: float | None = None,
    ) -> ReasoningResult:
        """With `json_schema` the answer's `.data` is JSON of that shape."""
        ...

    async def embed_many(self, texts: list[str]) -> EmbeddingBatch:
        """One vector per text, in order."""
        ...


@dataclass(frozen=True, slots=True)
class NewPattern:
    """A pattern on its way into the memory. `importance` 0..1; `first`, `last`: its oldest and newest evidence."""

    project: str
    user_id: str | None
    agent_id: str | None
    content: str
    is_fact: bool
    first: datetime
    last: datetime
    importance: float
    metadata: Mapping[str, Any]


class Bank(Protocol):
    """The memory, as far as consolidation may change it; what `athena.connect` gives is one."""

    @property
    def database(self) -> Database: ...

    async def put(self, connection: Connection, new: NewPattern) -> uuid.UUID | None:
        """Store it in the transaction of `connection`; None where these words are remembered already."""
        ...

    async def refine(self, connection: Connection, uid: uuid.UUID, new: NewPattern) -> uuid.UUID | None:
        """A new version of a pattern, which takes the place of `uid`; None where these words are remembered already."""
        ...
