"""What the rooms of compression hand to each other. Offsets are Unicode code points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

Kind = Literal[
    "prose", "code", "json", "yaml", "log", "diff", "table", "markup", "tool_output", "quoted", "chat", "blank"
]

# What may lose whole sentences or lines to a question. Everything else carries exact meaning in each of its lines.
ELIDABLE: frozenset[Kind] = frozenset({"prose", "chat", "log", "tool_output", "quoted"})


class Block(NamedTuple):
    """`text[start:end]` is of one kind; blocks follow each other without gaps."""

    kind: Kind
    start: int
    end: int


class Span(NamedTuple):
    """`text[start:end]` must not be cut or altered; `kind` says why ("number", "path", …)."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Elision:
    """`id`: the first 12 hex digits of the SHA-256 of `text`, which is what was left out, unaltered."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Compressed:
    """`engines`: what did the work, in order; empty if the text came back as it was.

    `reached`: the target was kept to. `floor_tokens`: what must stay needs this many.
    `degraded`: what was wanted and couldn't be had, each with its reason.
    """

    text: str
    original_tokens: int
    compressed_tokens: int
    engines: tuple[str, ...]
    elisions: tuple[Elision, ...]
    reached: bool
    floor_tokens: int
    latency_ms: float
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """A text for the token-level engine, with the offsets it must leave alone."""

    text: str
    protected: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Squeezed:
    """`kept`: the spans of the segment's text that `text` is made of, in order."""

    text: str
    kept: tuple[tuple[int, int], ...] = ()


class Ranker(Protocol):
    """Scores sentences by meaning (cosines)."""

    async def score(self, query: str, sentences: Sequence[str], /) -> Sequence[float]:
        """One number per sentence; fewer if it ran out of time: then those of the first ones.

        It is cancelled when the budget is spent.
        """
        ...


class Squeezer(Protocol):
    """Drops words (LLMLingua-2)."""

    async def squeeze(
        self, segments: Sequence[Segment], /, *, target_tokens: int, deadline_ms: int
    ) -> Sequence[Squeezed]:
        """One result per segment, `target_tokens` for all together. Any exception means: not done."""
        ...
