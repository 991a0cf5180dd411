"""What the memory needs from the rest of the house."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from athena.core.types import EmbeddingBatch, ModelInfo

if TYPE_CHECKING:
    from athena.store.pool import Connection


class Embedder(Protocol):
    """An embedding server. Errors: `ModelServerUnavailable`, `InputTooLong`, `ModelServerError`."""

    async def embed_many(self, texts: list[str]) -> EmbeddingBatch:
        """One vector per text, in order; the caller has added the generation's prefix."""
        ...

    async def count_tokens(self, text: str) -> int:
        """How many tokens the model makes of `text`, special tokens included."""
        ...

    async def model_info(self) -> ModelInfo:
        """Which model the server serves, its dimension and its longest input."""
        ...


@runtime_checkable
class Wake(Protocol):
    """Tells the worker, when and only when the transaction of `connection` commits, that there is work."""

    async def __call__(self, connection: Connection) -> None: ...


class Sent(Protocol):
    """What was sent in conversations, as it was sent."""

    async def forget_texts(
        self, connection: Connection, project: str, texts: Sequence[str], *, dry_run: bool = False
    ) -> int:
        """Forget, in the transaction of `connection`, what holds any of these texts; how much that is, or would be."""
        ...


@dataclass(frozen=True, slots=True)
class Traits:
    """What has to be known of an embedding model beyond what its server says.

    `dims`: the sizes that its vectors may be shortened to (Matryoshka), the full one included;
    empty: only the full one.
    """

    name: str
    prefix_document: str = ""
    prefix_query: str = ""
    dims: tuple[int, ...] = ()
    context_tokens: int | None = None


class Describe(Protocol):
    """The traits of the model that a server names `model`; an unknown one has no prefixes."""

    def __call__(self, model: str) -> Traits: ...


class Embedders(Protocol):
    """The client of the embedding server at `url` (None: the configured one); one per address, kept."""

    def __call__(self, url: str | None) -> Embedder: ...
