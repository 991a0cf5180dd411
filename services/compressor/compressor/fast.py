"""Our own runner, as it is meant to be used.

Differs from the package where the package errs: the architecture's own special tokens, pieces that end at
words and never lose one, one budget over the whole request, protected spans seen by the model as context,
and what the tokenizer doesn't know is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from compressor.architecture import MAX_TOKENS, ModelName, Precision
from compressor.engine import EngineName, Job, Kept, Segment, Stop
from compressor.runner import Row, Runner
from compressor.spans import Span, with_separators
from compressor.tokens import Encoded, Tokens
from compressor.words import Word, choose, spans, words

_ROOM = MAX_TOKENS - 2
_TRIES = 3
_SENTENCE_ENDS = ".!?。！？;:"


class FastEngine:
    name: EngineName = "fast"
    strict = False

    def __init__(self, tokens: Tokens, runner: Runner, precision: Precision) -> None:
        self._tokens = tokens
        self._runner = runner
        self.model: ModelName = tokens.architecture.name
        self.precision: Precision = precision

    def count(self, text: str) -> int:
        return len(self._tokens.plain(text).ids)

    def compress(self, job: Job, stop: Stop) -> list[Kept]:
        """Words of all segments compete for one budget."""
        encoded = [self._tokens.plain(segment.text) for segment in job.segments]
        found = [words(s, e, self._tokens, job) for s, e in zip(job.segments, encoded, strict=True)]
        total = sum(word.tokens for of_one in found for word in of_one)
        share = job.share(total)
        if share >= 1.0:
            return [Kept.whole(segment.text) for segment in job.segments]
        stop.check()
        self._score(job.segments, encoded, found, stop)
        return self._within(job.segments, found, round(total * share))

    def _within(self, segments: Sequence[Segment], found: Sequence[list[Word]], target: int) -> list[Kept]:
        """Words with other neighbours can be other tokens, so what came out is counted, and chosen anew if need be."""
        every = [word for of_one in found for word in of_one]
        budget = target
        for _ in range(_TRIES):
            chosen = {id(word) for word in choose(every, budget)}
            kept = [
                Kept.of(s.text, with_separators(s.text, spans(s, [word for word in of_one if id(word) in chosen])))
                for s, of_one in zip(segments, found, strict=True)
            ]
            over = sum(self.count(of_one.text) for of_one in kept) - target
            if over <= 0 or all(word.forced for word in every if id(word) in chosen):
                break
            budget -= over
        return kept

    def _score(
        self, segments: Sequence[Segment], encoded: Sequence[Encoded], found: Sequence[list[Word]], stop: Stop
    ) -> None:
        ranges = [cut(s.text, of_one, len(e.ids)) for s, e, of_one in zip(segments, encoded, found, strict=True)]
        cls, sep = (self._tokens.id(name) for name in (self._tokens.architecture.cls, self._tokens.architecture.sep))
        rows = [
            Row([cls, *one.ids[first:last], sep])
            for one, pieces in zip(encoded, ranges, strict=True)
            for first, last in pieces
        ]
        probabilities = iter(self._runner.keep_probabilities(rows, stop))
        for of_one, pieces in zip(found, ranges, strict=True):
            by_token = [next(probabilities)[1:-1] for _ in pieces]
            _set_scores(of_one, np.concatenate(by_token) if by_token else np.empty(0, np.float32))


def _set_scores(found: Sequence[Word], by_token: NDArray[np.float32]) -> None:
    for word in found:
        if word.last > word.first:
            word.score = float(by_token[word.first : word.last].mean())


def cut(text: str, found: Sequence[Word], tokens: int) -> list[Span]:
    """Ranges of tokens, each at most what the model takes, that together are all tokens.

    A range ends after a sentence or a line if there is one in its second half, else after a word, else
    (a word longer than the model) inside it.
    """
    ends = {word.last: _rank(text, word) for word in found if word.last > word.first}
    result: list[Span] = []
    first = 0
    while tokens - first > _ROOM:
        furthest = first + _ROOM
        last = max(range(first + 1, furthest + 1), key=lambda end: (ends.get(end, 0) * (end > first + _ROOM // 2), end))
        if last not in ends:
            last = max((end for end in ends if first < end <= furthest), default=furthest)
        result.append((first, last))
        first = last
    return [*result, (first, tokens)] if tokens > first else result


def _rank(text: str, word: Word) -> int:
    """How good an end a word is: 3 of a line, 2 of a sentence, 1 of a word."""
    if "\n" in text[word.end : word.end + 2]:
        return 3
    return 2 if text[word.end - 1 : word.end] in _SENTENCE_ENDS else 1
