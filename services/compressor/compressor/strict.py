"""The package's words from our own runner: the same plan, unpadded, on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compressor.architecture import ModelName, Precision
from compressor.counter import Counter
from compressor.engine import EngineName, Job, Kept, Segment, Stop
from compressor.plan import Chunk, Forced, labels, plan, scores, word_span
from compressor.runner import Runner
from compressor.spans import Span, merged, outside, uncovered, with_separators
from compressor.tokens import Tokens

LOWEST_RATE = 0.01


class StrictEngine:
    name: EngineName = "fast"
    strict = True

    def __init__(self, tokens: Tokens, runner: Runner, counter: Counter, precision: Precision) -> None:
        self._tokens = tokens
        self._runner = runner
        self._counter = counter
        self.model: ModelName = tokens.architecture.name
        self.precision: Precision = precision

    def count(self, text: str) -> int:
        return len(self._tokens.plain(text).ids)

    def compress(self, job: Job, stop: Stop) -> list[Kept]:
        """Each stretch between protected spans is a context of its own, as the package would be given it."""
        rate = package_rate(job, [self.count(segment.text) for segment in job.segments])
        if rate >= 1.0:
            return [Kept.whole(segment.text) for segment in job.segments]
        forced = Forced.of(job.forced_tokens, job.force_digits, self._tokens)
        planned = [planned_stretches(segment, forced, self._tokens) for segment in job.segments]
        chunks = [chunk for stretches in planned for stretch in stretches for chunk in stretch if chunk.words]
        probabilities = self._runner.keep_probabilities([chunk.row for chunk in chunks], stop)
        chosen = iter(
            labels(chunk.words, scores(chunk.words, by_token), rate, self._counter)
            for chunk, by_token in zip(chunks, probabilities, strict=True)
        )
        return [assembled(s, stretches, chosen) for s, stretches in zip(job.segments, planned, strict=True)]


def package_rate(job: Job, tokens: Sequence[int]) -> float:
    """The package's `rate` for a job; it can't take one below a hundredth."""
    return max(LOWEST_RATE, job.share(sum(tokens)))


def stretches(segment: Segment) -> list[Span]:
    """What isn't protected and has something in it."""
    return [span for span in outside(segment.protected, len(segment.text)) if segment.text[slice(*span)].strip()]


def planned_stretches(segment: Segment, forced: Forced, tokens: Tokens) -> list[list[Chunk]]:
    return [plan(segment.text[start:end], start, forced, tokens) for start, end in stretches(segment)]


def assembled(segment: Segment, planned: Sequence[Sequence[Chunk]], chosen: Iterator[Sequence[bool]]) -> Kept:
    """`chosen`: the labels of every chunk that has words, in order; what it has of this segment is taken."""
    text = segment.text
    kept: list[Span] = list(segment.protected)
    seen: list[Span] = list(segment.protected)
    for chunk in (chunk for of_one in planned for chunk in of_one if chunk.words):
        for word, label in zip(chunk.words, next(chosen), strict=True):
            span = word_span(text, word)
            seen.append(span)
            if label:
                kept.append(span)
    return Kept.of(text, with_separators(text, merged(kept)), uncovered(text, seen))
