"""Which words the package keeps and ours doesn't, or the other way round, and how near to a tie each of them was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compressor.counter import Counter
from compressor.engine import Job, Segment, Stop
from compressor.plan import Forced, labels, scores
from compressor.reference import ReferenceEngine
from compressor.runner import Runner
from compressor.strict import planned_stretches
from compressor.tokens import Tokens

TIE = 1e-4


@dataclass(frozen=True)
class Comparison:
    """`package_words` and `our_words` are all words, kept or not. `distances`: of the words judged otherwise, how far
    the score was from the threshold."""

    package_words: list[str]
    our_words: list[str]
    same: int
    distances: list[float]

    @property
    def beyond_ties(self) -> list[float]:
        return [distance for distance in self.distances if distance > TIE]

    @property
    def share(self) -> float:
        return self.same / max(1, len(self.our_words))


def compare(
    text: str,
    job: Job,
    rate: float,
    package: list[tuple[str, bool]],
    tokens: Tokens,
    runner: Runner,
    counter: Counter,
) -> Comparison:
    """`package`: the package's words and labels."""
    forced = Forced.of(job.forced_tokens, job.force_digits, tokens)
    chunks = [chunk for stretch in planned_stretches(Segment(text), forced, tokens) for chunk in stretch]
    probabilities = runner.keep_probabilities([chunk.row for chunk in chunks], Stop())
    ours: list[str] = []
    kept: list[bool] = []
    margins: list[float] = []
    for chunk, by_token in zip(chunks, probabilities, strict=True):
        by_word = scores(chunk.words, by_token)
        weighted = [s for word, s in zip(chunk.words, by_word, strict=True) for _ in counter.encode(word.text)]
        threshold = np.percentile(weighted, int(100 * (1 - rate) + 1))
        ours += [word.text.lstrip("▁") if tokens.architecture.heads_marked else word.text for word in chunk.words]
        kept += labels(chunk.words, by_word, rate, counter)
        margins += [abs(float(score) - float(threshold)) for score in by_word]
    judged = [label for _, label in package]
    agreed = [a == b for a, b in zip(kept, judged, strict=False)]
    return Comparison(
        [word for word, _ in package], ours, sum(agreed), [m for m, a in zip(margins, agreed, strict=False) if not a]
    )


def against_package(
    text: str, job: Job, rate: float, reference: ReferenceEngine, tokens: Tokens, runner: Runner, counter: Counter
) -> Comparison:
    return compare(text, job, rate, reference.labelled(text, job, rate), tokens, runner, counter)
