"""Which sentence of a text matters: people greet, complain of the weather and say goodbye around what they say.

What others say in a like text is what this one is about, too. A text that is like no other stays as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from athena.consolidation.fast.words import Words, content, is_filler
from athena.consolidation.types import Events

# A question stays with its answer: "my phone? the old one".
_END = re.compile(r"(?<=[.!…])\s+(?=\S)|\n+")
_READ = 600
_CLEARLY = 0.5

Indexes = NDArray[np.int64]


def matters(events: Events, words: Words, groups: Sequence[Sequence[Indexes]]) -> tuple[str, ...]:
    """The texts, each from the first of its sentences on that says about as much of the matter as any."""
    worth = dict(zip(words.vocabulary, words.weights.tolist(), strict=True))
    texts = list(events.texts)
    for members in (members for scope in groups for members in scope):
        split = {index: _sentences(texts[index]) for index in members.tolist()}
        if all(len(pieces) < 2 for pieces in split.values()):
            continue
        counts = Counter(term for pieces in split.values() for term in {term for piece in pieces for term in piece[1]})
        profile = {term: worth.get(term, 1.0) * count / len(members) for term, count in counts.items() if count > 1}
        for index, pieces in split.items():
            texts[index] = texts[index][_start(pieces, profile) :]
    return tuple(texts)


def _sentences(text: str) -> list[tuple[int, list[str]]]:
    """(where it starts, its stems)."""
    head = text[:_READ]
    starts = [0, *(match.end() for match in _END.finditer(head))]
    pieces = [head[start:stop] for start, stop in zip(starts, [*starts[1:], len(head)], strict=True)]
    return [
        (start, [term for term in content(piece) if not is_filler(term)])
        for start, piece in zip(starts, pieces, strict=True)
    ]


def _start(pieces: list[tuple[int, list[str]]], profile: dict[str, float]) -> int:
    scores = [sum(profile.get(term, 0.0) for term in terms) for _, terms in pieces]
    best = max(scores)
    return next(start for (start, _), score in zip(pieces, scores, strict=True) if score >= _CLEARLY * best)
