"""Text in, shorter text out. Pure: no store, no provider; `README.md` beside this file says how it decides."""

from athena.compression.compress import compress
from athena.compression.protect import protect
from athena.compression.segment import segment
from athena.compression.tokens import estimate
from athena.compression.types import Block, Compressed, Elision, Kind, Ranker, Segment, Span, Squeezed, Squeezer

__all__ = [
    "Block",
    "Compressed",
    "Elision",
    "Kind",
    "Ranker",
    "Segment",
    "Span",
    "Squeezed",
    "Squeezer",
    "compress",
    "estimate",
    "protect",
    "segment",
]
