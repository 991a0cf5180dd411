"""How much each unit has to say about the query, from its words and from where it stands.

The parts and their weights are those of the memory's recall, found on dialogue and round on purpose.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from athena.compression.extract import bm25, words
from athena.compression.extract.units import Unit

_BEFORE, _AFTER, _HEAD = 0.5, 0.25, 0.5
_SPEAKER, _LENGTH, _SECTION, _FIRST, _TROUBLE = 0.5, 0.5, 0.5, 0.1, 0.3
_DENSE, _NEIGHBOUR = 1.5, 1 / 3
# In a part as long as this, "the same part" says little: what is near does.
_LONG_SECTION = 60
_WINDOW = 16
_HALF_LENGTH = 16
_OWN_WORDS = 24
_REPEATED = 0.5
_TROUBLES = re.compile(
    r"\b(?:error|fail(?:ed|ure|s)?|exception|traceback|fatal|panic|critical|denied|refused|timed? ?out|warn(?:ing)?)\b",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"\d+|0x[0-9a-f]+")


def by_words(text: str, units: Sequence[Unit], query: str | None, kinds: Sequence[str]) -> list[float]:
    """`kinds`: of the block that each unit is in.

    Without a query, or with one that has no word of the text: by what the text itself is about.
    """
    own = [words.terms(text[unit.start : unit.end]) for unit in units]
    found = _bm25(units, own, Counter(words.terms(query))) if query else []
    if not any(found):
        found = _bm25(units, own, _own_topics(own))
    best = max(found, default=0.0) or 1.0
    found = [score / best for score in found]
    asked = frozenset(words.words(query)) if query else frozenset()
    speakers = {unit.label for unit in units if unit.label}
    total = []
    for unit, score, part, terms, kind in zip(units, found, _of_sections(units, found), own, kinds, strict=True):
        size = len(text[unit.start : unit.end].split())
        named = len(speakers) > 1 and unit.label and not asked.isdisjoint(words.words(unit.label))
        score += _LENGTH * size / (size + _HALF_LENGTH) + _SECTION * part
        score += _SPEAKER * bool(named) + _FIRST * unit.first
        if kind in ("log", "tool_output") and _TROUBLES.search(text, unit.start, unit.end):
            score += _TROUBLE
        total.append(score if terms else score / 2)
    _put_repeats_behind(text, units, kinds, total)
    return total


def with_meaning(units: Sequence[Unit], scores: list[float], cosines: Mapping[int, float]) -> list[float]:
    """Adds what an embedding model says. Units that weren't asked about count as the mean of those that were."""
    if not cosines or max(cosines.values()) <= 0:
        return scores
    mean = sum(cosines.values()) / len(cosines)
    full = [cosines.get(index, mean) for index in range(len(units))]
    near = [
        full[i] + _NEIGHBOUR * (_beside(units, full, i, i - 1) + _beside(units, full, i, i + 1))
        for i in range(len(full))
    ]
    best = max(near)
    return [score + _DENSE * cosine / best for score, cosine in zip(scores, near, strict=True)]


def _beside(units: Sequence[Unit], values: Sequence[float], at: int, other: int) -> float:
    inside = 0 <= other < len(units) and units[other].section == units[at].section
    return values[other] if inside else values[at]


def _bm25(units: Sequence[Unit], own: list[list[str]], wanted: Mapping[str, float]) -> list[float]:
    lengths = _with_context(units, [float(len(terms)) for terms in own])
    counts = {word: _with_context(units, [terms.count(word) for terms in own]) for word in wanted}
    return bm25.scores(counts, lengths, wanted)


def _with_context(units: Sequence[Unit], own: Sequence[float]) -> list[float]:
    """Each unit's own count, and parts of those of the units before and after it and of its heading."""
    found = list(own)
    for index, unit in enumerate(units):
        if unit.head >= 0:
            found[index] += _HEAD * own[unit.head]
        if index + 1 < len(units) and units[index + 1].section == unit.section and not unit.is_head:
            found[index] += _AFTER * own[index + 1]
            found[index + 1] += _BEFORE * own[index]
    return found


def _own_topics(own: list[list[str]]) -> dict[str, float]:
    """The words in most units, but for those in nearly all of them."""
    holding = Counter(word for terms in own for word in set(terms))
    usual = [(word, count) for word, count in holding.most_common(_OWN_WORDS * 2) if count <= 0.5 * len(own) + 1]
    return {word: 1.0 for word, _ in usual[:_OWN_WORDS]}


def _of_sections(units: Sequence[Unit], scores: list[float]) -> list[float]:
    """The best score around each unit: in its part, or near it where the part is long."""
    size = Counter(unit.section for unit in units)
    best: dict[int, float] = {}
    for unit, score in zip(units, scores, strict=True):
        best[unit.section] = max(best.get(unit.section, 0.0), score)
    return [
        best[unit.section]
        if size[unit.section] <= _LONG_SECTION
        else max(
            score
            for other, score in zip(
                units[max(0, i - _WINDOW) : i + _WINDOW + 1], scores[max(0, i - _WINDOW) : i + _WINDOW + 1], strict=True
            )
            if other.section == unit.section
        )
        for i, unit in enumerate(units)
    ]


def _put_repeats_behind(text: str, units: Sequence[Unit], kinds: Sequence[str], scores: list[float]) -> None:
    """The tenth line of a form tells less than the first: each repetition halves what is left."""
    seen: Counter[str] = Counter()
    for index, (unit, kind) in enumerate(zip(units, kinds, strict=True)):
        if kind in ("log", "tool_output"):
            form = _VARIABLE.sub("0", text[unit.start : unit.end])
            scores[index] *= max(_REPEATED ** seen[form], 0.05)
            seen[form] += 1
