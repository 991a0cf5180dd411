"""Average linkage over many thousand events: pairs that are each other's best merge, round by round.

A group is the mean of its rows, so the likeness of two groups is exact however large they are; only which groups are
compared at all comes from the nearest neighbours. After the merges of one level, the means look for neighbours anew:
a group of thousands comes together in a few levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from athena.consolidation.fast.neighbours import Edges, Take, nearest

_NEIGHBOURS = 12
_LEVELS = 12
_ROUNDS = 60
# A group this many times larger hardly moves when it takes one more: it may take many at once.
_LARGER = 8
_CHUNK = 4096

Indexes = NDArray[np.int64]


@dataclass(slots=True)
class Groups:
    """While they grow: `sizes[g]` of the group led by event g, `owner[i]` the leader of event i.

    An event alone is its own mean and is read from `rows`; only who leads others has a row among `means`, at `place`.
    """

    rows: NDArray[np.float16]
    members: Indexes
    sizes: Indexes
    owner: Indexes
    place: Indexes
    means: NDArray[np.float16]
    used: int = 0

    @classmethod
    def of(cls, rows: NDArray[np.float16], members: Indexes) -> Groups:
        count = len(members)
        alone = np.full(count, -1, np.int64)
        means = np.zeros((max(16, count // 8), rows.shape[1]), np.float16)
        return cls(rows, members, np.ones(count, np.int64), np.arange(count), alone, means)

    def take(self, leaders: Indexes) -> NDArray[np.float32]:
        places = self.place[leaders]
        grown = places >= 0
        out = np.empty((len(leaders), self.rows.shape[1]), np.float32)
        out[~grown] = self.rows[self.members[leaders[~grown]]]
        out[grown] = self.means[places[grown]]
        return out

    def put(self, leaders: Indexes, means: NDArray[np.float32]) -> None:
        fresh = leaders[self.place[leaders] < 0]
        while self.used + len(fresh) > len(self.means):
            self.means = np.concatenate([self.means, np.zeros((len(self.means) // 2, self.means.shape[1]), np.float16)])
        self.place[fresh] = np.arange(self.used, self.used + len(fresh))
        self.used += len(fresh)
        self.means[self.place[leaders]] = means


def group(rows: NDArray[np.float16], members: Indexes, least: float) -> list[Indexes]:
    """Parts of `members` whose average likeness is at least `least`, in order of their first member."""
    groups = Groups.of(rows, members)
    asking = np.arange(len(members))
    for _ in range(_LEVELS):
        leaders = np.flatnonzero(groups.sizes)
        changed = _merge(groups, nearest(groups.take, asking, leaders, _NEIGHBOURS, least), least)
        if len(changed) == 0:
            break
        asking = changed
    return _parts(groups.owner, members)


def _parts(owner: Indexes, members: Indexes) -> list[Indexes]:
    order = np.argsort(owner, kind="stable")
    bounds = np.flatnonzero(np.diff(owner[order])) + 1
    return [members[part] for part in np.split(order, bounds)]


def _merge(groups: Groups, edges: Edges, least: float) -> Indexes:
    """Merge along `edges` until no pair is left; the leaders of the groups that changed and are still there."""
    left, right = _pairs(edges.left, edges.right)
    del edges  # nobody else holds them, and they are large
    likeness = _likeness(groups.take, left, right)
    touched = np.zeros(len(groups.sizes), bool)
    for _ in range(_ROUNDS):
        kept = likeness >= least
        left, right, likeness = left[kept], right[kept], likeness[kept]
        if len(left) == 0:
            break
        target = _targets(groups.sizes, left, right, likeness)
        moved = np.flatnonzero(target != np.arange(len(target)))
        _absorb(groups, moved, target)
        touched[target[moved]] = True
        left, right, likeness = _contracted(groups.take, target, left, right, likeness)
    return np.flatnonzero(touched & (groups.sizes > 0))


def _pairs(left: Indexes, right: Indexes) -> tuple[Indexes, Indexes]:
    """Each pair once, the smaller first."""
    low, high = np.minimum(left, right), np.maximum(left, right)
    keys = np.unique(low[low != high] * (1 << 32) + high[low != high])
    return keys >> 32, keys & 0xFFFFFFFF


def _likeness(take: Take, left: Indexes, right: Indexes) -> NDArray[np.float32]:
    out = np.empty(len(left), np.float32)
    for start in range(0, len(left), _CHUNK):
        part = slice(start, start + _CHUNK)
        out[part] = np.einsum("ij,ij->i", take(left[part]), take(right[part]))
    return out


def _targets(sizes: Indexes, left: Indexes, right: Indexes, likeness: NDArray[np.float32]) -> Indexes:
    """For each group, into which it goes now: itself, its mutual best, or a far larger one that is its best."""
    a, b = np.concatenate([left, right]), np.concatenate([right, left])
    both = np.concatenate([likeness, likeness])
    order = np.lexsort((b, -both, a))
    first = order[np.flatnonzero(np.append(True, np.diff(a[order]) > 0))]
    best = np.full(len(sizes), -1, np.int64)
    best[a[first]] = b[first]
    own = np.arange(len(sizes))
    asked = a[first]
    mutual = asked[best[best[asked]] == asked]
    target = own.copy()
    target[mutual] = np.minimum(mutual, best[mutual])
    small = asked[(sizes[best[asked]] >= _LARGER * sizes[asked]) & (target[asked] == asked)]
    small = small[best[best[small]] != small]
    target[small] = target[best[small]]
    # What is joined by a small one may itself be small and on its way.
    return target[target]


def _absorb(groups: Groups, moved: Indexes, target: Indexes) -> None:
    into = np.unique(target[moved])
    moved = moved[groups.sizes[moved] > 0]
    order = moved[np.argsort(target[moved], kind="stable")]
    first = np.searchsorted(target[order], into)
    for start in range(0, len(into), _CHUNK):
        some = into[start : start + _CHUNK]
        begin, end = first[start], first[start + _CHUNK] if start + _CHUNK < len(into) else len(order)
        part = order[begin:end]
        weighted = groups.take(part) * groups.sizes[part, None]
        sums = np.add.reduceat(weighted, first[start : start + _CHUNK] - begin, axis=0)
        counts = np.add.reduceat(groups.sizes[part], first[start : start + _CHUNK] - begin)
        sums += groups.take(some) * groups.sizes[some, None]
        groups.sizes[some] += counts
        groups.put(some, (sums / groups.sizes[some, None]).astype(np.float32))
    groups.sizes[order] = 0
    groups.owner = target[groups.owner]


def _contracted(
    take: Take, target: Indexes, left: Indexes, right: Indexes, likeness: NDArray[np.float32]
) -> tuple[Indexes, Indexes, NDArray[np.float32]]:
    """The pairs after a merge; only those of groups that changed are measured again."""
    changed = np.zeros(len(target), bool)
    moved = np.flatnonzero(target != np.arange(len(target)))
    changed[moved] = changed[target[moved]] = True
    stays = ~changed[left] & ~changed[right]
    fresh_left, fresh_right = _pairs(target[left[~stays]], target[right[~stays]])
    fresh = _likeness(take, fresh_left, fresh_right)
    return (
        np.concatenate([left[stays], fresh_left]),
        np.concatenate([right[stays], fresh_right]),
        np.concatenate([likeness[stays], fresh]),
    )
