"""What words without a meaning of their own add to a vector: a greeting, a sigh, a goodbye pull texts together.

A word counts as such if the texts that hold it are hardly alike. What it adds is learned from the texts themselves
(ridge regression of the vectors on such words), and half of it is taken away again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from athena.consolidation.fast.words import Words

_MOST = 256
_OFTEN = 5
_UNLIKE = 0.2
_RIDGE = 3.0
_SHARE = 0.5
_CHUNK = 8192

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Nuisance:
    """`column[t]`: the row of term t among `effects`, -1: it has none."""

    words: Words
    column: NDArray[np.int64]
    effects: Vectors

    def without(self, vectors: Vectors, start: int, stop: int) -> Vectors:
        """Rows `start` to `stop` of `vectors` without it, of length 1; what has no vector still has none."""
        block = vectors[start:stop]
        if len(self.effects) == 0:
            return block
        cleared = block - _SHARE * (_held(self.words, self.column, len(self.effects), start, stop) @ self.effects)
        cleared *= _present(block)[:, None]
        cleared /= np.maximum(np.linalg.norm(cleared, axis=1, keepdims=True), 1e-9)
        return cleared


def learned(words: Words, likeness: NDArray[np.float64], vectors: Vectors) -> Nuisance:
    """`likeness` of each term: how alike the texts are that hold it."""
    terms = np.flatnonzero((words.counts >= _OFTEN) & (likeness < _UNLIKE))
    terms = terms[np.argsort(-words.counts[terms], kind="stable")][:_MOST]
    column = np.full(len(words.counts), -1, np.int64)
    column[terms] = np.arange(len(terms))
    size, known = len(terms), 0
    held = np.zeros(size)
    total = np.zeros(vectors.shape[1])
    both = np.zeros((size, size))
    sums = np.zeros((size, vectors.shape[1]))
    for start in range(0, len(vectors) if size else 0, _CHUNK):
        block = vectors[start : start + _CHUNK]
        present = _present(block)
        holds = _held(words, column, size, start, start + len(block)) * present[:, None]
        known += int(present.sum())
        held += holds.sum(axis=0)
        total += block.sum(axis=0)
        both += holds.T @ holds
        sums += holds.T @ block
    if not known:
        return Nuisance(words, column, np.zeros((0, vectors.shape[1]), np.float32))
    centred = both - np.outer(held, held) / known + _RIDGE * np.eye(size)
    effects = np.linalg.solve(centred, sums - np.outer(held, total) / known)
    return Nuisance(words, column, effects.astype(np.float32))


def _present(block: Vectors) -> NDArray[np.bool_]:
    return np.asarray(block.any(axis=1), np.bool_)


def _held(words: Words, column: NDArray[np.int64], size: int, start: int, stop: int) -> Vectors:
    """Which of the terms with an effect each text holds: 0 or 1."""
    holds = np.zeros((stop - start, size), np.float32)
    bounds = words.starts[start : stop + 1]
    columns = column[words.terms[bounds[0] : bounds[-1]]]
    owner = np.repeat(np.arange(stop - start), np.diff(bounds))
    holds[owner[columns >= 0], columns[columns >= 0]] = 1.0
    return holds
