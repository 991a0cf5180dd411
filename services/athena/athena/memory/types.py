"""What goes into the memory and comes out of it: plain frozen values.

Times are timezone-aware datetimes. Ids are UUID strings (version 7: they sort by
the time they were recorded).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal


class Kind(StrEnum):
    """What sort of thing is remembered."""

    FACT = "fact"
    EVENT = "event"
    PROCEDURE = "procedure"
    PREFERENCE = "preference"
    TASK = "task"
    PATTERN = "pattern"


DEFAULT_PROJECT = "default"

EmbeddingState = Literal["pending", "ready"]
Action = Literal["remembered", "superseded", "replaced", "restored", "revised", "forgotten"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose memory. None means "any" when reading and "nobody in particular" when writing."""

    project: str = DEFAULT_PROJECT
    user_id: str | None = None
    agent_id: str | None = None
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewMemory:
    """One thing to remember.

    `occurred_at` is when it happened, `valid_from`/`valid_until` when it was true;
    `importance` is 0..1. `expires_at`: forgotten from then on, by itself.
    """

    content: str
    kind: Kind = Kind.FACT
    scope: Scope = Scope()
    occurred_at: datetime | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    importance: float = 0.5
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    source: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one `NewMemory`: stored, or recognised as one that is already there. `reason`: "echo" where it
    says what was recalled lately; `id` is then the memory that most of it comes from."""

    id: str
    status: Literal["created", "duplicate"]
    embedding: EmbeddingState
    reason: Literal["echo"] | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """One version of one memory, as stored. `derived`: concluded from others by consolidation. `twin_of`: the memory
    that says nearly the same, and said it first."""

    id: str
    content: str
    kind: Kind
    scope: Scope
    occurred_at: datetime | None
    valid_from: datetime
    valid_until: datetime | None
    recorded_at: datetime
    importance: float
    tags: tuple[str, ...]
    metadata: dict[str, Any]
    source: str | None
    supersedes: str | None
    superseded_by: str | None
    times_seen: int
    embedding: EmbeddingState
    expires_at: datetime | None = None
    derived: bool = False
    recalls: int = 0
    last_recalled_at: datetime | None = None
    twin_of: str | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which memories are looked at. Every field that is set must hold.

    `tags`: all of them. `since`/`until` bound when it happened (or was recorded,
    where no such time was given); `as_of` asks for what was true then, as we know it today, `known_at` for what was
    known then. A recall without `as_of` asks for what is true now or was held to be true at `known_at`; a listing
    without it, for what was so at any time.
    """

    scope: Scope = Scope()
    kinds: tuple[Kind, ...] = ()
    tags: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    as_of: datetime | None = None
    known_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A memory that was recalled. `score` orders the hits of one recall; it is no probability.

    `explanation` holds the parts that the score is the sum of.
    """

    memory: Memory
    score: float
    explanation: dict[str, float]


@dataclass(frozen=True, slots=True)
class Known:
    """What was concluded from hits of a recall: `because` are their ids, the best first."""

    memory: Memory
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recall:
    """The answer to a recall. `patterns`: what was concluded from its hits, beside them. `degraded` names the parts
    that couldn't take part, `pending` counts memories in scope that have no vector yet."""

    hits: tuple[Hit, ...]
    degraded: tuple[str, ...]
    pending: int
    timings_ms: dict[str, float]
    patterns: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing, newest first. `next_cursor` is None on the last one."""

    memories: tuple[Memory, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One step in the life of a memory, oldest first. A forgotten version keeps no content and no times.

    `at`: since when it is known here. `superseded`: this version took the place of the one before it. `replaced`: a
    memory that isn't a version of this one did, `replaced_by`. `restored`: it stands again. `revised`: when it is true
    was changed. `valid_from` and `valid_until` are as they were believed to be from then on.
    """

    id: str
    action: Action
    at: datetime
    content: str | None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    replaced_by: str | None = None


@dataclass(frozen=True, slots=True)
class Support:
    """A memory that something was concluded from; `quote`: the words there that speak for it."""

    id: str
    content: str
    quote: str
    occurred_at: datetime | None


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was forgotten, or (with `dry_run`) what would be.

    `patterns_weaker` lost evidence by it, `patterns_forgotten` the last of it. `decisions`: so many texts of
    conversations that hold any of it lose what they were sent as.
    """

    ids: tuple[str, ...]
    count: int
    dry_run: bool
    patterns_weaker: tuple[str, ...] = ()
    patterns_forgotten: tuple[str, ...] = ()
    decisions: int = 0


@dataclass(frozen=True, slots=True)
class Unused:
    """A page of what was never recalled, oldest first: `count` of a project's `total` memories, since `oldest`."""

    memories: tuple[Memory, ...]
    next_cursor: str | None
    count: int
    total: int
    oldest: datetime | None


GenerationState = Literal["building", "serving", "retired"]


@dataclass(frozen=True, slots=True)
class Generation:
    """One embedding model's set of vectors. Vectors of two generations are never compared.

    `server_url` is None where the configured embedding server serves it.
    `embedded` and `total` count memories.
    """

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
