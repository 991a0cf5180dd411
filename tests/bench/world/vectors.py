"""One unit vector per text, the same in every process: what the stub embedder answers and exact search is checked with.

200 clusters with noise around each, so that a query has near and far neighbours as real
texts have, though no meaning.
"""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
from numpy.typing import NDArray

DIM = 384
_CLUSTERS = 200
_NOISE = 1.0

Vector = NDArray[np.float32]


def vector(text: str) -> Vector:
    random = np.random.default_rng(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big"))
    mixed = _centres()[random.integers(_CLUSTERS)] + _NOISE * random.standard_normal(DIM, dtype=np.float32)
    unit: Vector = mixed / np.linalg.norm(mixed)
    return unit


@cache
def _centres() -> Vector:
    return np.random.default_rng(1).standard_normal((_CLUSTERS, DIM), dtype=np.float32)
