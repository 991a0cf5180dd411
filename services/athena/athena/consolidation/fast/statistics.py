"""How often, when, and with what a group of events happens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from athena.consolidation.fast.rhythm import rhythm
from athena.consolidation.types import Events, Statistics

DAY = 86_400.0
_FOLLOWERS = 40
_LIFT = 2.0
_SHARE = 0.5
_LINKS = 5
_WIDEST_SESSION = 64

Indexes = NDArray[np.int64]


def measured(events: Events, members: Indexes, cohesion: float, entities: tuple[str, ...]) -> Statistics:
    at = events.at[members]
    days = len(np.unique(at // DAY))
    sessions = events.sessions[members]
    span = max(float(at[-1] - at[0]), 7 * DAY)
    times = rhythm(at)
    return Statistics(
        support=len(members),
        days=days,
        sessions=len(np.unique(sessions[sessions >= 0])),
        first=_when(at[0]),
        last=_when(at[-1]),
        per_week=round(len(members) / (span / (7 * DAY)), 3),
        regularity=times.regularity,
        rhythm=times.words,
        cohesion=round(float(np.clip(cohesion, 0.0, 1.0)), 4),
        entities=entities,
    )


def _when(at: float) -> datetime:
    return datetime.fromtimestamp(float(at), UTC)


Links = tuple[tuple[tuple[int, float], ...], tuple[tuple[int, float], ...]]


def links(events: Events, groups: Sequence[Indexes]) -> list[Links]:
    """For each group: (together, then), as `Statistics` has them; only within a scope, more often than by chance."""
    if not groups:
        return []
    owner = np.concatenate([np.full(len(group), number) for number, group in enumerate(groups)])
    members = np.concatenate(groups)
    together = _strong(*_shared_sessions(events, members, owner), len(groups))
    then = _strong(*_followers(events, members, owner), len(groups))
    return [(together.get(number, ()), then.get(number, ())) for number in range(len(groups))]


def _shared_sessions(
    events: Events, members: Indexes, owner: Indexes
) -> tuple[Indexes, Indexes, NDArray[np.float64], NDArray[np.float64]]:
    """(a, b, share of a's sessions that have b, share that chance would give)."""
    sessions = events.sessions[members].astype(np.int64)
    known = sessions >= 0
    keys = np.unique((sessions[known] << 32) | owner[known])
    session, group = keys >> 32, keys & 0xFFFFFFFF
    sizes = np.bincount(group, minlength=int(owner.max()) + 1)
    everything = max(1, len(np.unique(events.sessions[events.sessions >= 0])))
    pairs = [
        (group[:-step][same], group[step:][same])
        for step in range(1, min(_WIDEST_SESSION, len(group)))
        if (same := session[:-step] == session[step:]).any()
    ]
    if not pairs:
        return _none()
    left = np.concatenate([a for a, _ in pairs] + [b for _, b in pairs])
    right = np.concatenate([b for _, b in pairs] + [a for a, _ in pairs])
    a, b, count = _counted(left, right)
    enough = count >= 3
    a, b, count = a[enough], b[enough], count[enough]
    return a, b, count / sizes[a], sizes[b] / everything


def _followers(
    events: Events, members: Indexes, owner: Indexes
) -> tuple[Indexes, Indexes, NDArray[np.float64], NDArray[np.float64]]:
    """(a, b, share of a's occurrences with b within a day after, share that chance would give)."""
    scopes = events.scopes[members]
    order = np.lexsort((members, events.at[members], scopes))
    scope, at, group = scopes[order], events.at[members][order], owner[order]
    found = []
    for step in range(1, min(_FOLLOWERS, len(order))):
        near = (scope[:-step] == scope[step:]) & (at[step:] - at[:-step] <= DAY) & (at[step:] > at[:-step])
        near &= group[:-step] != group[step:]
        if not near.any():
            break
        first = np.flatnonzero(near)
        found.append((first << 32) | group[step:][near])
    if not found:
        return _none()
    keys = np.unique(np.concatenate(found))
    a, b, count = _counted(group[keys >> 32], keys & 0xFFFFFFFF)
    enough = count >= 3
    a, b, count = a[enough], b[enough], count[enough]
    sizes = np.bincount(group)
    span = max(1.0, float(events.at[-1] - events.at[0]) / DAY)
    return a, b, count / sizes[a], np.minimum(1.0, sizes[b] / span)


def _counted(left: Indexes, right: Indexes) -> tuple[Indexes, Indexes, Indexes]:
    keys, count = np.unique((left << 32) | right, return_counts=True)
    return keys >> 32, keys & 0xFFFFFFFF, count


def _none() -> tuple[Indexes, Indexes, NDArray[np.float64], NDArray[np.float64]]:
    empty = np.zeros(0, np.int64)
    return empty, empty, np.zeros(0), np.zeros(0)


def _strong(
    a: Indexes, b: Indexes, share: NDArray[np.float64], chance: NDArray[np.float64], count: int
) -> dict[int, tuple[tuple[int, float], ...]]:
    kept = (share >= _SHARE) & (share >= _LIFT * chance)
    found: dict[int, list[tuple[int, float]]] = {}
    for left, right, value in zip(a[kept].tolist(), b[kept].tolist(), share[kept].tolist(), strict=True):
        found.setdefault(left, []).append((right, round(value, 3)))
    return {left: tuple(sorted(items, key=lambda item: (-item[1], item[0]))[:_LINKS]) for left, items in found.items()}
