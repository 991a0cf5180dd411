"""Cut a text that is longer than the embedder's context into pieces that fit; nothing is dropped.

Pieces end where a reader would pause: at a paragraph, else a line, a sentence, a word, and
only in a text with none of these between two characters.
"""

from __future__ import annotations

import re

_PAUSES = (
    re.compile(r"(?<=\n)\n+"),
    re.compile(r"(?<=\n)"),
    re.compile(r"(?<=[.!?…。！？])(?=\s|[^\x00-\x7f])"),
    re.compile(r"(?<=\s)(?=\S)"),
)


def chunks(text: str, size: int) -> list[str]:
    """Pieces of at most `size` characters that, joined, are `text` again."""
    if size < 1:
        raise ValueError("size must be positive")
    return _pack(text, size, 0)


def _pack(text: str, size: int, level: int) -> list[str]:
    if len(text) <= size:
        return [text]
    if level == len(_PAUSES):
        return [text[start : start + size] for start in range(0, len(text), size)]
    packed: list[str] = []
    for part in _split(text, _PAUSES[level]):
        for piece in _pack(part, size, level + 1):
            # Neighbours that fit together stay together, whatever level they came from.
            if packed and len(packed[-1]) + len(piece) <= size:
                packed[-1] += piece
            else:
                packed.append(piece)
    return packed


def _split(text: str, pause: re.Pattern[str]) -> list[str]:
    """The parts of `text` between pauses; a separator stays with the part before it."""
    ends = [match.end() for match in pause.finditer(text)]
    starts = [0, *ends]
    return [part for start, end in zip(starts, [*ends, len(text)], strict=True) if (part := text[start:end])]
