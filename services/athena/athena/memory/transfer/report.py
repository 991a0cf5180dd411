"""What became of an import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Why = Literal["duplicate", "forgotten", "different", "diverged", "remembered", "missing"]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A line that changed nothing here, or not all that it says.

    `duplicate`: another memory here says the same. `forgotten`: it was forgotten here. `different`: another memory
    has its id here. `diverged`: it was superseded here by another one; both lines of versions are kept.
    `remembered`: a tombstone of a memory that is still here. `missing`: it speaks of a memory, `id`, that isn't here.
    """

    line: int
    id: str
    why: Why


@dataclass(frozen=True, slots=True)
class Imported:
    """Counts of memories, by version. `superseded`: known here, and brought up to date. Of `evidence`, `twins`,
    `reviews`, `rejections`, what is new here; `missing`: how many of these speak of what isn't here.

    `left_out` names the first of what was left out.
    """

    memories: int
    created: int
    known: int
    superseded: int
    duplicates: int
    forgotten: int
    conflicts: int
    tombstones: int
    evidence: int
    twins: int
    reviews: int
    rejections: int
    missing: int
    left_out: tuple[LeftOut, ...]
    dry_run: bool
