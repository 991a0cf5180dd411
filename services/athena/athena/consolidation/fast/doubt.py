"""How unsure a candidate is: how much of the use of its words is in it, how much they say, how often, on how many days.

The weights were found on labelled histories (a person's, a team's) and on real dialogue without routines, and rounded.
"""

from __future__ import annotations

from math import exp, log2

import numpy as np
from numpy.typing import NDArray

from athena.consolidation.fast.words import Words
from athena.consolidation.types import Statistics

_BASE, _OFTEN, _OWN, _SAYS, _DAYS, _RHYTHM = -1.3, 4.0, 5.0, 1.0, 5.0, 1.2
_LEADING = 4


def uncertainty(words: Words, members: NDArray[np.int64], statistics: Statistics, total: int) -> float:
    """0..1. Its own words: of all events that hold them, most should be members, or it is talk and not a pattern."""
    own, says = leading(words, members, total)
    evidence = _BASE + _OFTEN * min(log2(statistics.support / 3), 1.0)
    evidence += _OWN * (own - 0.6) + _SAYS * (min(says, 2.0) - 1.2)
    evidence += _DAYS * (min(1.0, statistics.days / min(statistics.support, 60)) - 0.9)
    evidence += _RHYTHM * statistics.regularity if statistics.rhythm else 0.0
    return round(1 / (1 + exp(max(-30.0, min(30.0, evidence)))), 3)


def leading(words: Words, members: NDArray[np.int64], total: int) -> tuple[float, float]:
    """Of the words that lead the group: (the share of their use that is in it, how much they say: about 0 to 2)."""
    if len(words.terms) == 0:
        return 0.0, 0.0
    terms, counts = np.unique(np.concatenate([words.of(index) for index in members.tolist()]), return_counts=True)
    shared = counts >= 2
    terms, counts = terms[shared], counts[shared]
    if len(terms) == 0:
        return 0.0, 0.0
    worth = words.weights[terms] * counts / len(members)
    best = np.argsort(-worth, kind="stable")[:_LEADING]
    share = counts[best] / words.counts[terms[best]]
    if not worth[best].sum():
        return 0.0, 0.0
    return float(np.average(share, weights=worth[best])), float(worth[best].sum() / np.log(max(3, total)))
