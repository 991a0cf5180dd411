"""The nearest rows of each row, by inner product: all of them for a few thousand, by lists of like rows for more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BLOCK = 512
_EXACT = 3000
_LIST = 256
_PROBES = 5
_SAMPLE_PER_LIST = 12
_ROUNDS = 4
_WIDEST_LIST = 3 * _LIST

Indexes = NDArray[np.int64]
# The rows of these indexes, in single precision: what they are made of is the caller's business.
Take = Callable[[Indexes], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Edges:
    """`left[e]` has `right[e]` among its nearest, with the inner product `likeness[e]`."""

    left: Indexes
    right: Indexes
    likeness: NDArray[np.float32]


def of(rows: NDArray[np.float16]) -> Take:
    return lambda indexes: rows[indexes].astype(np.float32)


def nearest(take: Take, queries: Indexes, targets: Indexes, k: int, least: float) -> Edges:
    """Up to `k` of `targets` for each of `queries` (indexes for `take`), itself left out, not below `least`."""
    if len(queries) == 0 or len(targets) < 2:
        return Edges(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
    if len(targets) <= _EXACT:
        dense = (targets, take(targets))
        blocks = (queries[start : start + _BLOCK] for start in range(0, len(queries), _BLOCK))
        return _joined([_best(take, block, dense, k, least) for block in blocks])
    return _by_lists(take, queries, targets, k, least)


def _best(take: Take, queries: Indexes, near: tuple[Indexes, NDArray[np.float32]], k: int, least: float) -> Edges:
    targets, dense = near
    likeness = take(queries) @ dense.T
    likeness[queries[:, None] == targets[None, :]] = -np.inf
    width = min(k, len(targets))
    columns = np.argpartition(-likeness, width - 1, axis=1)[:, :width]
    values = np.take_along_axis(likeness, columns, axis=1)
    kept = values >= least
    return Edges(np.repeat(queries, kept.sum(axis=1)), targets[columns[kept]], values[kept])


def _joined(parts: list[Edges]) -> Edges:
    return Edges(
        np.concatenate([part.left for part in parts]),
        np.concatenate([part.right for part in parts]),
        np.concatenate([part.likeness for part in parts]),
    )


def _by_lists(take: Take, queries: Indexes, targets: Indexes, k: int, least: float) -> Edges:
    centres = _centres(take, targets)
    lists = _lists(targets, _nearest_centre(take, targets, centres), len(centres))
    asking = _lists(queries, _nearest_centre(take, queries, centres), len(centres))
    normal = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
    order = np.argsort(-(normal @ normal.T), axis=1, kind="stable")[:, :_PROBES]
    parts = []
    for number, members in enumerate(asking):
        for start in range(0, len(members), _WIDEST_LIST):
            block = members[start : start + _WIDEST_LIST]
            near = np.concatenate([_slice(lists[other], start) for other in order[number]])
            if len(near):
                parts.append(_best(take, block, (near, take(near)), k, least))
    return _joined(parts) if parts else nearest(take, queries[:0], targets, k, least)


def _slice(members: Indexes, start: int) -> Indexes:
    """A list that is too long holds rows that hardly differ: a window of it is as good as all of it."""
    if len(members) <= _WIDEST_LIST:
        return members
    start = min(start, len(members) - _WIDEST_LIST)
    return members[start : start + _WIDEST_LIST]


def _centres(take: Take, targets: Indexes) -> NDArray[np.float32]:
    """A few rounds of k-means over a fixed sample: the same rows always give the same centres."""
    count = max(8, len(targets) // _LIST)
    sample = targets[np.linspace(0, len(targets) - 1, min(len(targets), count * _SAMPLE_PER_LIST)).astype(np.int64)]
    dense = take(sample)
    centres = dense[np.linspace(0, len(dense) - 1, count).astype(np.int64)]
    for _ in range(_ROUNDS):
        owner = _assigned(dense, centres)
        order = np.argsort(owner, kind="stable")
        first = np.searchsorted(owner[order], np.arange(count))
        sizes = np.diff(np.append(first, len(order)))
        filled = sizes > 0
        centres[filled] = np.add.reduceat(dense[order], first[filled], axis=0) / sizes[filled, None]
    return centres


def _nearest_centre(take: Take, wanted: Indexes, centres: NDArray[np.float32]) -> Indexes:
    parts = [_assigned(take(wanted[i : i + 4096]), centres) for i in range(0, len(wanted), 4096)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _assigned(dense: NDArray[np.float32], centres: NDArray[np.float32]) -> Indexes:
    return np.asarray((dense @ centres.T - 0.5 * (centres**2).sum(axis=1)[None, :]).argmax(axis=1), np.int64)


def _lists(members: Indexes, owner: Indexes, count: int) -> list[Indexes]:
    order = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[order], np.arange(count + 1))
    return [members[order[bounds[i] : bounds[i + 1]]] for i in range(count)]
