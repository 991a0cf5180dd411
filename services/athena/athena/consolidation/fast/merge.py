"""Groups that are one routine in different wordings: near in meaning, at the same hour, and never on the same day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from athena.consolidation.fast.neighbours import nearest, of
from athena.consolidation.fast.space import DAY, Space
from athena.consolidation.types import Events

# Two groups of several members each are compared by far more pairs than two events: less likeness is enough.
LEAST = 0.40
_SAME_DAY = 0.15
_HOUR = 0.6
_NEIGHBOURS = 6

Indexes = NDArray[np.int64]


def merged(events: Events, space: Space, groups: list[Indexes]) -> list[Indexes]:
    """`groups` of one scope, the best pairs first put together; each part in order of time."""
    if len(groups) < 2:
        return groups
    means = np.stack([space.rows[members].mean(axis=0, dtype=np.float32) for members in groups]).astype(np.float16)
    every = np.arange(len(groups))
    edges = nearest(of(means), every, every, _NEIGHBOURS, LEAST + space.offset)
    order = np.lexsort((edges.right, edges.left, -edges.likeness))
    parts: dict[int, Indexes] = dict(enumerate(groups))
    owner = list(range(len(groups)))
    for edge in order.tolist():
        one, other = owner[int(edges.left[edge])], owner[int(edges.right[edge])]
        if one == other or not _one_routine(events, space, parts[one], parts[other]):
            continue
        parts[one] = np.sort(np.concatenate([parts[one], parts.pop(other)]))
        owner = [one if leader == other else leader for leader in owner]
    return list(parts.values())


def _one_routine(events: Events, space: Space, left: Indexes, right: Indexes) -> bool:
    one, other = (space.rows[members].mean(axis=0, dtype=np.float32) for members in (left, right))
    if float(one @ other) - space.offset < LEAST:
        return False
    hours, more = one[space.hours], other[space.hours]
    together = float(hours @ more) / max(1e-9, float(np.linalg.norm(hours) * np.linalg.norm(more)))
    if together < _HOUR:
        return False
    days, others = (np.unique(events.at[members] // DAY) for members in (left, right))
    return len(np.intersect1d(days, others)) <= _SAME_DAY * min(len(days), len(others))
