"""Which words go with a meaning: those whose events are alike. "By the way" and a remark about the weather go
with none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from athena.consolidation.fast.words import Words

_SAMPLE = 48
_ROWS = 16_384
# Like a few more pairs of the usual likeness: two events alone don't prove much.
_PRIOR, _USUAL = 2.0, 0.3
_LOW, _HIGH, _LEAST = 0.15, 0.40, 0.1


def weighted(words: Words, likeness: NDArray[np.float64]) -> Words:
    """`words` where a term counts by how alike the events that hold it are."""
    factor = np.clip((likeness - _LOW) / (_HIGH - _LOW), _LEAST, 1.0)
    return replace(words, weights=(words.weights * factor).astype(np.float32))


def likeness_of(words: Words, vectors: NDArray[np.float32], background: float) -> NDArray[np.float64]:
    """Of each term: how alike the events are that hold it, 0 as unrelated ones to 1."""
    owner = np.repeat(np.arange(len(words.starts) - 1), np.diff(words.starts))
    order = np.argsort(words.terms, kind="stable")
    first = np.concatenate([[0], np.cumsum(words.counts)[:-1]])
    taken = np.minimum(words.counts, _SAMPLE).astype(np.int64)
    wanted = np.flatnonzero(words.counts >= 2)
    likeness = np.full(len(words.counts), _USUAL)
    for some in _portions(wanted, taken):
        sizes = taken[some]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        term = np.repeat(np.arange(len(some)), sizes)
        step = np.arange(starts[-1]) - starts[term]
        place = first[some][term] + step * words.counts[some][term] // sizes[term]
        sums = np.add.reduceat(vectors[owner[order[place]]], starts[:-1], axis=0)
        pairs = sizes * (sizes - 1)
        mean = ((sums**2).sum(axis=1) - sizes) / pairs
        rescaled = (mean - background) / (1 - background)
        likeness[some] = (rescaled * sizes + _USUAL * _PRIOR) / (sizes + _PRIOR)
    return likeness


def _portions(wanted: NDArray[np.int64], taken: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Parts of `wanted` that gather about `_ROWS` rows each."""
    if len(wanted) == 0:
        return []
    total = np.cumsum(taken[wanted])
    cuts = np.searchsorted(total, np.arange(_ROWS, int(total[-1]), _ROWS))
    return [part for part in np.split(wanted, np.unique(cuts)) if len(part)]
