"""How much is measured. The defaults are what the bars are judged by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """`histories`: files to score instead of the generators' own histories. `rows`: how many events the largest of
    three projects has; the others have a tenth and a hundredth."""

    histories: tuple[str, ...] = ()
    locomo: Path | None = None
    first_seed: int = 101
    seeds: int = 3
    size: int = 400
    rows: int = 100_000
