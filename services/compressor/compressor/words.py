"""Tokens made words, for the fast engine: every character of the text lies in a word or is white space."""

from __future__ import annotations

import bisect
import math
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from compressor.architecture import MARK
from compressor.engine import Job, Segment
from compressor.spans import Span, merged, trimmed, uncovered
from compressor.tokens import Encoded, Tokens

_WITHOUT_BLANKS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "BOPOMOFO")


@dataclass(slots=True)
class Word:
    """`first` and `last` index the segment's tokens (`last` is not part of it). Forced words have no price in score."""

    start: int
    end: int
    first: int
    last: int
    forced: bool = False
    score: float = math.nan

    @property
    def tokens(self) -> int:
        return max(1, self.last - self.first)


def words(segment: Segment, encoded: Encoded, tokens: Tokens, job: Job) -> list[Word]:
    """In the text's order. What the tokenizer doesn't know, or drops, is a forced word: it can't be judged."""
    unknown = tokens.id(tokens.architecture.unk)
    found: list[Word] = []
    for index, (token, span) in enumerate(zip(encoded.tokens, encoded.offsets, strict=True)):
        start, end = trimmed(segment.text, span)
        if token == MARK:  # standing alone it is given the place of the character after it
            end = start
        if found and (not _begins(token, tokens) or found[-1].end == found[-1].start):
            found[-1].end = max(end, found[-1].end)
            found[-1].last = index + 1
        else:
            found.append(Word(start, max(end, start), index, index + 1))
        found[-1].forced |= encoded.ids[index] == unknown
    found.extend(_dropped(segment.text, found, len(encoded.tokens)))
    found.sort(key=lambda word: (word.start, word.end))
    _force(found, segment, job)
    return found


def _begins(token: str, tokens: Tokens) -> bool:
    architecture = tokens.architecture
    if not architecture.heads_marked:
        return not token.startswith("##")
    return token.startswith("▁") or token in string.punctuation or _is_word_of_its_own(token[:1])


def _is_word_of_its_own(character: str) -> bool:
    """In scripts without blanks the package takes a whole sentence for one word."""
    return character > "\u0e00" and unicodedata.name(character, "").startswith(_WITHOUT_BLANKS)


def _dropped(text: str, found: Sequence[Word], end: int) -> list[Word]:
    """Characters that the tokenizer's normalizer removes, such as control characters."""
    return [Word(*span, end, end, forced=True) for span in uncovered(text, ((word.start, word.end) for word in found))]


def _force(found: Sequence[Word], segment: Segment, job: Job) -> None:
    forced = {token.strip() for token in job.forced_tokens} - {""}
    starts = [start for start, _ in segment.protected]
    for word in found:
        text = segment.text[word.start : word.end]
        word.forced |= (
            text in forced
            or text.strip(string.punctuation) in forced
            or (job.force_digits and any(character.isdecimal() for character in text))
            or _touches(word, segment.protected, starts)
        )


def _touches(word: Word, protected: Sequence[Span], starts: Sequence[int]) -> bool:
    at = bisect.bisect_left(starts, max(word.end, word.start + 1)) - 1
    return at >= 0 and protected[at][1] > word.start


def choose(candidates: Sequence[Word], budget: int) -> list[Word]:
    """The forced ones, then the best in score (of equals the first) while their tokens fit into what is left."""
    kept = [word for word in candidates if word.forced]
    left = budget - sum(word.tokens for word in kept)
    for word in sorted((w for w in candidates if not w.forced), key=lambda w: -w.score):
        if word.tokens > left:
            break
        kept.append(word)
        left -= word.tokens
    return kept


def spans(segment: Segment, kept: Sequence[Word]) -> list[Span]:
    return merged([*((word.start, word.end) for word in kept), *segment.protected])
