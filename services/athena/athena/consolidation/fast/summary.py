"""Words of a group's own: the sentence that says best what it is about, and for each member what speaks for it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from athena.consolidation.fast.words import content, is_filler

_SENTENCE = re.compile(r"[^.!?…。！？\n]*(?:[.!?…。！？]+(?=\s|$|[^\x00-\x7f])|\n|$|[.!?…。！？])", re.S)
_CLAUSE = re.compile(r"[^,;:—–()]+")
_LONG = 140
_SENTENCES = 40
_HEAD = 8000
_NAME = re.compile(
    r"https?://\S+|[\w.+-]+@[\w-]+\.\w+|\b[A-Z]{2,}[\w-]*\b|\b\w+(?:[._/-]\w+)*\d\w*\b|"
    r"(?<=[a-z,;:] )[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*"
)
_CALENDAR = frozenset(
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August "
    "September October November December I".split()
)


def sentences(text: str) -> list[str]:
    """Pieces of `text`, as they stand in it, without the white space around them."""
    found: list[str] = []
    for match in _SENTENCE.finditer(text[:_HEAD]):
        piece = match.group().strip()
        if piece:
            found.append(piece)
        if len(found) == _SENTENCES:
            break
    return _whole(found, text)


def _whole(pieces: list[str], text: str) -> list[str]:
    """A dot in "3.5" or "db.main" ends no sentence: its two sides stand together in the text."""
    joined: list[str] = []
    for piece in pieces:
        if joined and joined[-1][-1:] in ".!?" and (joined[-1] + piece) in text:
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def profile(texts: Sequence[str], worth: Mapping[str, float]) -> Mapping[str, float]:
    """How much of the group says each stem, times what the stem is worth; what only one says counts nothing."""
    counts = Counter(term for text in texts for term in content(text) if not is_filler(term))
    least = 2 if len(texts) > 1 else 1
    return {term: worth.get(term, 1.0) * count / len(texts) for term, count in counts.items() if count >= least}


def quote(text: str, weights: Mapping[str, float]) -> str:
    """The sentence of `text` with most of the profile in it, cut to a clause where it is long."""
    best = max(enumerate(sentences(text)), key=lambda item: (_worth(item[1], weights), -item[0]), default=(0, ""))[1]
    if len(best) <= _LONG:
        return best or text.strip()[:_LONG]
    return _clause(best, weights)


def _clause(sentence: str, weights: Mapping[str, float]) -> str:
    pieces = [match.span() for match in _CLAUSE.finditer(sentence)]
    scored = [(_worth(sentence[start:stop], weights), -start, start, stop) for start, stop in pieces]
    _, _, start, stop = max(scored, default=(0.0, 0, 0, _LONG))
    cut = sentence[start:stop].strip()
    if len(cut) <= _LONG:
        return cut
    return cut[:_LONG].rsplit(" ", 1)[0] if " " in cut[:_LONG] else cut[:_LONG]


def _worth(piece: str, weights: Mapping[str, float]) -> float:
    terms = content(piece)
    if not terms:
        return -1.0
    return float(sum(weights.get(term, 0.0) for term in terms) - 0.02 * len(terms))


def entities(texts: Sequence[str], limit: int = 5) -> tuple[str, ...]:
    """Names, codes and addresses that at least a third of the texts have, the most common first."""
    counts = Counter(name for text in texts for name in {match.strip(".,") for match in _NAME.findall(text[:_HEAD])})
    least = max(2, -(-len(texts) // 3))
    common = [(name, count) for name, count in counts.items() if count >= least and name not in _CALENDAR]
    return tuple(name for name, _ in sorted(common, key=lambda item: (-item[1], item[0]))[:limit])
