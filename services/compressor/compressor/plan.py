"""What the package (llmlingua 0.2.2) does to a text before and after the model, step by step, its quirks included,
with the place in the original of every word. Needed to keep exactly the same words, and to say what is lost.

The quirks: chunks are turned into text and tokenized again, which cuts words at borders; a chunk can be one
token too long and then lose its separator; XLM-R gets the unknown token where its special tokens belong; tokens
that map to unknown are dropped; each chunk has its own threshold.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from compressor.architecture import MARK, MAX_TOKENS, MBERT, PLACEHOLDERS, Architecture
from compressor.counter import Counter
from compressor.mapped import Mapped, rejoined
from compressor.runner import Row
from compressor.spans import Span, trimmed
from compressor.tokens import Encoded, Tokens

_DIGIT = re.compile(r"\d")


@dataclass(slots=True)
class PlannedWord:
    """`positions` index the row. `certain`: forced text; `digits`: which of its tokens are kept for their digits."""

    text: str
    span: Span
    positions: list[int]
    certain: bool = False
    digits: list[bool] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Chunk:
    row: Row
    words: list[PlannedWord]


@dataclass(frozen=True, slots=True)
class Forced:
    """`stand_ins`: the placeholder for each forced text that isn't one token."""

    tokens: tuple[str, ...]
    stand_ins: dict[str, str]
    digits: bool

    @classmethod
    def of(cls, texts: Sequence[str], digits: bool, tokens: Tokens) -> Forced:
        stand_ins = {
            text: PLACEHOLDERS[index] for index, text in enumerate(texts) if len(tokens.as_package(text).ids) != 1
        }
        return cls(tuple(texts), stand_ins, digits)

    def names(self, pure: str) -> bool:
        return pure in self.tokens or pure in self.stand_ins.values()


def plan(text: str, start: int, forced: Forced, tokens: Tokens) -> list[Chunk]:
    """The chunks of a text that begins at `start` of the original."""
    mapped = Mapped.of(text, start)
    for old, new in forced.stand_ins.items():
        mapped = mapped.replaced(old, new)
    encoded = tokens.as_package(mapped.text)
    ends = {".", "\n"} | {forced.stand_ins[end] for end in (".", "\n") if end in forced.stand_ins}
    return [_chunk(mapped, encoded, first, last, forced, tokens) for first, last in _cut(encoded.tokens, ends)]


def _cut(tokens: Sequence[str], ends: set[str]) -> list[Span]:
    longest = MAX_TOKENS - 2
    result: list[Span] = []
    first = 0
    while first < len(tokens):
        if first + longest > len(tokens) - 1:
            result.append((first, len(tokens)))
            break
        last = first + longest
        for back in range(longest):
            if tokens[last - back] in ends:
                last -= back
                break
        result.append((first, last + 1))
        first = last + 1
    return result


def _chunk(mapped: Mapped, encoded: Encoded, first: int, last: int, forced: Forced, tokens: Tokens) -> Chunk:
    architecture = tokens.architecture
    pieces = encoded.tokens[first:last]
    surfaces = [piece if at == 0 else _surface(piece, architecture) for at, piece in enumerate(pieces)]
    surfaces = ["".join(surface.replace("▁", " ").split()) for surface in surfaces]
    spans = [mapped.span(*offset) for offset in encoded.offsets[first:last]]
    again = rejoined(tokens.joined(pieces), surfaces, spans)
    second = tokens.as_package(again.text)
    ids = [tokens.id("[CLS]"), *second.ids, tokens.id("[SEP]")][:MAX_TOKENS]
    names = ["[CLS]", *second.tokens, "[SEP]"]
    masked = tuple(at for at in range(len(ids)) if names[at] == "[PAD]")
    unknown = tokens.id(architecture.unk)
    readable = [
        (at, names[at], again.span(*_extent(names[at], second.offsets[at - 1])))
        for at in range(1, min(len(ids), len(second.ids) + 1))
        if ids[at] != unknown and names[at] not in architecture.special
    ]
    return Chunk(Row(ids, masked), _words(readable, forced, architecture))


def _extent(token: str, offset: Span) -> Span:
    """SentencePiece gives a mark that stands alone the place of the character after it."""
    return (offset[0], offset[0]) if token == MARK else offset


def _surface(token: str, architecture: Architecture) -> str:
    return token if architecture.heads_marked else token.removeprefix("##")


def _words(readable: Sequence[tuple[int, str, Span]], forced: Forced, architecture: Architecture) -> list[PlannedWord]:
    words: list[PlannedWord] = []
    for at, token, span in readable:
        pure = architecture.pure(token)
        if not words or _begins(token, pure, forced, architecture):
            shown = token
            for old, new in forced.stand_ins.items():
                shown = shown.replace(new, old)
            digit = forced.digits and bool(_DIGIT.search(shown))
            words.append(PlannedWord(shown, span, [at], forced.names(pure), [digit]))
        else:
            word = words[-1]
            word.text += pure
            word.span = (min(word.span[0], span[0]), max(word.span[1], span[1]))
            word.positions.append(at)
            word.digits.append(forced.digits and bool(_DIGIT.search(token)))
    return words


def _begins(token: str, pure: str, forced: Forced, architecture: Architecture) -> bool:
    if architecture is MBERT:
        return forced.names(pure) or not token.startswith("##")
    return token in string.punctuation or forced.names(token) or token.startswith("▁")


def scores(words: Sequence[PlannedWord], probabilities: NDArray[np.float32]) -> list[float]:
    """The mean over a word's tokens, in the package's own precision (forced words are Python's 1.0)."""
    result = []
    for word in words:
        by_token = [
            1.0 if digit or (word.certain and at == 0) else probabilities[position]
            for at, (position, digit) in enumerate(zip(word.positions, word.digits, strict=True))
        ]
        result.append(sum(by_token) / len(by_token))
    return result


def labels(words: Sequence[PlannedWord], by_word: Sequence[float], rate: float, counter: Counter) -> list[bool]:
    """Whether each word is kept. `rate`: the share to keep, at least 0.01 (the package breaks below)."""
    if not words:
        return []
    weighted = [score for word, score in zip(words, by_word, strict=True) for _ in counter.encode(word.text)]
    threshold = np.percentile(weighted, int(100 * max(0.0, 1 - rate) + 1))
    return [bool(score > threshold or (threshold == 1.0 and score == threshold)) for score in by_word]


def word_span(text: str, word: PlannedWord) -> Span:
    return trimmed(text, word.span)
