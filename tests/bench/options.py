"""How much is measured. The defaults are what the bars are judged by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """`rows`: memories in the large project of the SQL part, which has a tenth as many beside them.
    `delay_ms`: beside mem0 everything is measured twice: with a stub embedder that answers at once, and with one
    that takes so long for each request: as long as MiniLM takes for one text on two cores.
    """

    locomo: Path | None = None
    rows: int = 100_000
    repeats: int = 5
    floor_texts: int = 320
    batch_texts: int = 1000
    peer_adds: int = 100
    peer_rows: int = 6000
    queries: int = 200
    delay_ms: int = 15
    minilm_rows: int = 300
    minilm_queries: int = 60
    scale_queries: int = 40
    requests: int = 10_000
