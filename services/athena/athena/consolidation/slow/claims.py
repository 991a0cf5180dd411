"""What the model said, read strictly: each claim by itself, so that a broken one doesn't take the others along."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from athena.consolidation.slow.faults import Unfit
from athena.consolidation.slow.text.folding import fold

# The schema allows six at most; a server without grammars may let more through.
_MOST_CLAIMS = 8
_LONGEST = 2_000


class Kind(StrEnum):
    PATTERN = "patterns"
    FACT = "facts"
    CONTRADICTION = "contradictions"


@dataclass(frozen=True, slots=True)
class Claim:
    """`citations`: (name of an event, words of it), as the model gave them. None: nothing was cited, because the
    statement isn't the model's; the code looks for its evidence."""

    kind: Kind
    statement: str
    citations: tuple[tuple[str, str], ...] | None


class _Citation(BaseModel):
    model_config = ConfigDict(strict=True)

    event: str = Field(max_length=16)
    quote: str = Field(max_length=_LONGEST)


class _Said(BaseModel):
    model_config = ConfigDict(strict=True)

    statement: str = Field(max_length=_LONGEST)
    citations: list[_Citation] = Field(max_length=32)


def claims(data: Any) -> tuple[list[Claim], int]:
    """The claims that can be read, and how many can't. Raises `Unfit` if the answer as a whole isn't of the shape."""
    if not isinstance(data, dict) or not any(kind in data for kind in Kind):
        raise Unfit("nonsense", "the answer isn't of the shape that was asked for")
    found: dict[tuple[Kind, str], Claim] = {}
    broken = 0
    for kind in Kind:
        listed = data.get(kind, [])
        if not isinstance(listed, list):
            broken += 1
            continue
        broken += max(0, len(listed) - _MOST_CLAIMS)
        for each in listed[:_MOST_CLAIMS]:
            claim = _claim(kind, each)
            if claim is None:
                broken += 1
            else:
                found.setdefault((kind, fold(claim.statement)), claim)
    return list(found.values()), broken


def _claim(kind: Kind, said: Any) -> Claim | None:
    try:
        read = _Said.model_validate(said)
    except (ValidationError, RecursionError):
        return None
    return Claim(kind, read.statement, tuple((cited.event, cited.quote) for cited in read.citations))
