"""Counting what becomes of each line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from athena.memory.transfer.report import Imported, LeftOut, Why

if TYPE_CHECKING:
    from uuid import UUID

_NAMED = 100


@dataclass(slots=True)
class Tally:
    memories: int = 0
    created: int = 0
    known: int = 0
    superseded: int = 0
    duplicates: int = 0
    forgotten: int = 0
    conflicts: int = 0
    tombstones: int = 0
    evidence: int = 0
    twins: int = 0
    reviews: int = 0
    rejections: int = 0
    missing: int = 0
    _left_out: list[LeftOut] = field(default_factory=list)

    def left_out(self, line: int, id: UUID | None, why: Why) -> None:
        if why == "duplicate":
            self.duplicates += 1
        elif why == "forgotten":
            self.forgotten += 1
        elif why == "missing":
            self.missing += 1
        else:
            self.conflicts += 1
        if len(self._left_out) < _NAMED:
            self._left_out.append(LeftOut(line, str(id or ""), why))

    def report(self, *, dry_run: bool) -> Imported:
        return Imported(
            memories=self.memories,
            created=self.created,
            known=self.known,
            superseded=self.superseded,
            duplicates=self.duplicates,
            forgotten=self.forgotten,
            conflicts=self.conflicts,
            tombstones=self.tombstones,
            evidence=self.evidence,
            twins=self.twins,
            reviews=self.reviews,
            rejections=self.rejections,
            missing=self.missing,
            left_out=tuple(self._left_out),
            dry_run=dry_run,
        )
