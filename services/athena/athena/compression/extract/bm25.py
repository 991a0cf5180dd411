"""BM25 over counts that may be parts of one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

K1 = 1.2
B = 0.75


def scores(
    counts: Mapping[str, Sequence[float]], lengths: Sequence[float], weights: Mapping[str, float]
) -> list[float]:
    """One per document, in order. `counts`: for each word asked for, how often each document has it."""
    found = [0.0] * len(lengths)
    mean = sum(lengths) / len(lengths) if lengths else 0.0
    norms = [K1 * (1 - B + B * length / (mean or 1.0)) for length in lengths]
    for word, often in counts.items():
        holding = [index for index, count in enumerate(often) if count]
        rarity = math.log(1 + (len(lengths) - len(holding) + 0.5) / (len(holding) + 0.5)) * weights[word] * (K1 + 1)
        for index in holding:
            found[index] += rarity * often[index] / (often[index] + norms[index])
    return found
