"""Whether a text is what was recalled, come back.

It is when nearly all of it stands in recalled memories, sentence by sentence, and the little that doesn't can't
change what they say: no number, no negation, no name, no day. What was only joined, listed, quoted or cut short is
recognised; what was said in other words isn't, and is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from athena.memory.words import Text

# A shorter text may be anybody's.
LEAST_WORDS = 8
_SHARE = 0.9
# Three words may stand in very many memories; the longest of so many will do.
_MOST_PLACES = 64
_THREE = 3


@dataclass(frozen=True, slots=True)
class Source:
    """A memory that was recalled. `days`: when it happened and was recorded, by which lists of memories are dated."""

    text: Text
    days: frozenset[date]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Words `begin` to `end` of the text, which are those from `start` on of a source."""

    begin: int
    end: int
    source: int
    start: int

    @property
    def stop(self) -> int:
        return self.start + self.end - self.begin


def origin(text: Text, sources: Sequence[Source]) -> int | None:
    """The source that most of `text` comes from; None where the text isn't an echo of them."""
    total = len(text.words) - len(text.framing)
    if total < LEAST_WORDS or not text.whole:
        return None
    pieces = _pieces(text, sources)
    if not pieces:
        return None
    new = 0
    for left, right in zip([None, *pieces], [*pieces, None], strict=True):
        own = _new_between(text, sources, left, right)
        if own is None:
            return None
        new += own
    if new > total * (1 - _SHARE) + 1e-9:
        return None
    shares: dict[int, int] = {}
    for piece in pieces:
        shares[piece.source] = shares.get(piece.source, 0) + piece.end - piece.begin
    return max(shares, key=lambda source: (shares[source], -source))


def same(text: Text, sources: Sequence[Source]) -> int | None:
    """The source that says nothing but this, in the same words."""
    own = text.own
    if len(own) < _THREE or not text.whole:
        return None
    return next((place for place, source in enumerate(sources) if source.text.own == own), None)


def _pieces(text: Text, sources: Sequence[Source]) -> list[_Piece]:
    """What of the text stands in the sources, in order; the longest first."""
    wanted = set(_threes(text.words))
    places: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for source, known in enumerate(sources):
        for start, three in enumerate(_threes(known.text.words)):
            if three in wanted and len(found := places.setdefault(three, [])) < _MOST_PLACES:
                found.append((source, start))
    pieces: list[_Piece] = []
    short = {known.text.words: place for place, known in enumerate(sources) if 0 < len(known.text.words) < _THREE}
    begin = 0
    while begin < len(text.words):
        found = places.get(text.words[begin : begin + _THREE], [])
        if found:
            best = max((_grown(text, sources, begin, *place) for place in found), key=lambda p: _worth(p, sources))
        else:
            # A memory of a word or two, told between others.
            lengths = (length for length in (2, 1) if text.words[begin : begin + length] in short)
            length = next(lengths, 0)
            if not length:
                begin += 1
                continue
            best = _Piece(begin, begin + length, short[text.words[begin : begin + length]], 0)
        pieces.append(best)
        begin = best.end
    return pieces


def _threes(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    return list(zip(words, words[1:], words[2:], strict=False))


def _grown(text: Text, sources: Sequence[Source], begin: int, source: int, start: int) -> _Piece:
    words, known = text.words, sources[source].text.words
    length, room = _THREE, min(len(words) - begin, len(known) - start)
    while length < room and words[begin + length] == known[start + length]:
        length += 1
    return _Piece(begin, begin + length, source, start)


def _worth(piece: _Piece, sources: Sequence[Source]) -> tuple[int, bool, bool]:
    begins = sources[piece.source].text.begins
    return piece.end - piece.begin, piece.stop in begins, piece.start in begins


def _new_between(text: Text, sources: Sequence[Source], left: _Piece | None, right: _Piece | None) -> int | None:
    """How much is new between two pieces, in words; None where it makes a statement another one."""
    begin = left.end if left else 0
    end = right.begin if right else len(text.words)
    own = [place for place in range(begin, end) if place not in text.framing]
    # Behind the last word of a memory a new sentence begins, with a capital and whatever stands between.
    starts = left is not None and left.stop in sources[left.source].text.begins
    if any(text.decides(place, begins=starts and place == begin) for place in own):
        return None
    if not _is_dated(text, sources, begin, end, right):
        return None
    smooth = True
    if left is not None and left.end - 1 not in text.cut:
        known = sources[left.source].text
        behind = _until_break(known, left.stop)
        smooth = not behind
        if any(known.decides(place) for place in behind):
            return None
    if right is not None:
        known = sources[right.source].text
        before = _since_break(known, right.start)
        smooth = smooth and not before
        if any(known.decides(place) for place in before):
            return None
    if smooth or (not own and (left is None or right is None)):
        return len(own)
    # In the middle of a sentence each new word makes three new threes.
    return len(own) + 2


def _is_dated(text: Text, sources: Sequence[Source], begin: int, end: int, right: _Piece | None) -> bool:
    """Whether the dates that introduce a piece are those of its source."""
    dates = [written for place, written in text.dates.items() if begin <= place < end]
    if not dates:
        return True
    if right is None:
        return False
    # The same may have been told on several days.
    place = slice(right.start, right.stop)
    said = sources[right.source].text.words[place]
    days = {day.isoformat() for source in sources if source.text.words[place] == said for day in source.days}
    return days.issuperset(dates)


def _until_break(text: Text, place: int) -> range:
    end = place
    while end not in text.begins:
        end += 1
    return range(place, end)


def _since_break(text: Text, place: int) -> range:
    start = place
    while start not in text.begins:
        start -= 1
    return range(start, place)
