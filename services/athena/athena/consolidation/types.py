"""What consolidation reads and finds: plain frozen values.

Times are seconds since the epoch in columns, timezone-aware datetimes elsewhere. `uncertainty` is 0 (sure) to 1
(a guess).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray


class PatternType(StrEnum):
    """`routine`: what happens again and again. `theme`: what is said again and again, without a rhythm.
    `change`: one statement took another's place. `fact`: what the local model concluded, and its evidence bears out."""

    ROUTINE = "routine"
    THEME = "theme"
    CHANGE = "change"
    FACT = "fact"


@dataclass(frozen=True, slots=True)
class Events:
    """Memories as columns, oldest first; all of one length n. Order: `at`, then `ids`.

    `vectors` is (n, d), float32, rows of length 1; a row of zeros has no vector. `sessions` and `scopes` are codes:
    equal numbers, equal session (-1: none) or equal user and agent. `kinds` are the names of memory kinds.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    kinds: tuple[str, ...]
    at: NDArray[np.float64]
    sessions: NDArray[np.int32]
    scopes: NDArray[np.int32]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of a cluster. `rhythm`: a few words such as "on Tuesdays around 07:00", or None; `regularity` 0..1: how well the
    gaps between occurrences fit it. `together`: what happens in the same sessions more often than by chance, `then`:
    what follows within a day, each as (index of the other candidate in `Analysis.candidates`, share of occurrences)."""

    support: int
    days: int
    sessions: int
    first: datetime
    last: datetime
    per_week: float
    regularity: float
    rhythm: str | None
    cohesion: float
    entities: tuple[str, ...] = ()
    together: tuple[tuple[int, float], ...] = ()
    then: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may become a pattern. `members` index into the events, oldest first; `quotes` holds for each the words of it
    that speak for the statement. `exemplar`: the member whose words the statement is taken from."""

    type: PatternType
    statement: str
    members: tuple[int, ...]
    exemplar: int
    quotes: Mapping[int, str]
    statistics: Statistics
    uncertainty: float


@dataclass(frozen=True, slots=True)
class Change:
    """`new` contradicts `old` (indexes): both can't be true at once. `about` says of what, in their words."""

    old: int
    new: int
    about: str
    uncertainty: float


@dataclass(frozen=True, slots=True)
class Twin:
    """`index` says what `original` said before it, in nearly the same words."""

    index: int
    original: int
    likeness: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the fast system found. `candidates` are sure enough or not: whoever reads it looks at their uncertainty."""

    candidates: tuple[Candidate, ...] = ()
    changes: tuple[Change, ...] = ()
    twins: tuple[Twin, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """An event as the local model sees it: nothing but its words and its time."""

    id: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the local model proposed and the code bore out. `quotes`: event id to words that stand in it; support and
    confidence are computed from the events that passed, never taken from the model. Of a contradiction, `old` and
    `new` are event ids."""

    type: PatternType
    statement: str
    quotes: Mapping[str, str]
    confidence: float
    old: str | None = None
    new: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something wasn't taken: `reason` for people, `code` for counting, `retry` whether another try may help."""

    code: str
    reason: str
    event_ids: tuple[str, ...]
    retry: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The slow system's answer for one cluster."""

    proposals: tuple[Proposal, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    asked: int = 0
    tokens: int = 0
    model: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
