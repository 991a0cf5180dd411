"""Groups of events that may become patterns, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from athena.consolidation.fast import summary
from athena.consolidation.fast.changes import Stated
from athena.consolidation.fast.cluster import group
from athena.consolidation.fast.doubt import uncertainty
from athena.consolidation.fast.merge import merged
from athena.consolidation.fast.space import DAY, Space
from athena.consolidation.fast.split import by_value, lasting, occurrences
from athena.consolidation.fast.statistics import links, measured
from athena.consolidation.types import Candidate, Events, PatternType, Statistics

# Found on labelled histories: the average likeness of two members, and of one member to the rest.
LEAST = 0.55
LEAST_STATED = 0.42
_SUPPORT = 3
_DAYS = 2
_READ = 400
_CHUNK = 4096

Indexes = NDArray[np.int64]


def gathered(events: Events, space: Space) -> list[list[Indexes]]:
    """For each scope what is alike, whatever it is."""
    return [
        [members for members in group(space.rows, scope, LEAST + space.offset) if len(members) >= _SUPPORT]
        for scope in _scopes(events.scopes)
    ]


def groups(
    events: Events, space: Space, said: Stated, alike: list[list[Indexes]]
) -> tuple[list[Indexes], list[Indexes]]:
    """(what happened again and again, what was stated again and again), each ordered by first member."""
    happened: list[Indexes] = []
    for scope in alike:
        plain = [occurrences(said, members) for members in scope if not lasting(events, said, members)]
        happened += merged(events, space, [members for members in plain if len(members) >= _SUPPORT])
    happened = [members for members in happened if _enough(events, members)]
    taken = frozenset(index for members in happened for index in members.tolist())
    claimed = np.asarray([index for index in sorted(said.claims) if index not in taken], np.int64)
    stated = [
        part
        for scope in _scopes(events.scopes[claimed])
        for members in group(space.rows, claimed[scope], LEAST_STATED + space.offset)
        if _enough(events, members)
        for part in by_value(said, members)
        if _enough(events, part)
    ]
    return sorted(happened, key=_first), sorted(stated, key=_first)


def _first(members: Indexes) -> int:
    return int(members[0])


def candidates(events: Events, space: Space, found: list[Indexes]) -> tuple[Candidate, ...]:
    worth = dict(zip(space.words.vocabulary, space.words.weights.tolist(), strict=True))
    made = [_candidate(events, space, worth, members) for members in found]
    related = links(events, found)
    return tuple(
        replace(one, statistics=replace(one.statistics, together=together, then=then))
        for one, (together, then) in zip(made, related, strict=True)
    )


def _scopes(scopes: NDArray[np.int32]) -> list[Indexes]:
    order = np.argsort(scopes, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(scopes[order])) + 1)
    return [part for part in parts if len(part) >= _SUPPORT]


def _enough(events: Events, members: Indexes) -> bool:
    return len(members) >= _SUPPORT and len(np.unique(events.at[members] // DAY)) >= _DAYS


def _candidate(events: Events, space: Space, worth: Mapping[str, float], members: Indexes) -> Candidate:
    size = len(members)
    central, cohesion = _middle(space, members)
    # Of thousands of like events some are read to learn what they say; all of them are evidence.
    sample = members[np.linspace(0, size - 1, min(size, _READ)).astype(np.int64)].tolist()
    weights = summary.profile([events.texts[index] for index in sample], worth)
    exemplar = int(members[int(np.argmax(central))])
    statistics = measured(events, members, cohesion, summary.entities([events.texts[index] for index in sample]))
    return Candidate(
        type=_type(events, members, statistics),
        statement=summary.quote(events.texts[exemplar], weights),
        members=tuple(members.tolist()),
        exemplar=exemplar,
        quotes={index: summary.quote(events.texts[index], weights) for index in members.tolist()},
        statistics=statistics,
        uncertainty=uncertainty(space.words, members, statistics, len(events.ids)),
    )


def _middle(space: Space, members: Indexes) -> tuple[NDArray[np.float32], float]:
    """(how near each is to the mean, the average likeness of two of them)."""
    parts = [members[start : start + _CHUNK] for start in range(0, len(members), _CHUNK)]
    mean = np.zeros(space.rows.shape[1])
    own = 0.0
    for part in parts:
        rows = space.rows[part].astype(np.float32)
        mean += rows.sum(axis=0)
        own += float(np.einsum("ij,ij->", rows, rows))
    size = len(members)
    middle = (mean / size).astype(np.float32)
    central = np.concatenate([space.rows[part].astype(np.float32) @ middle for part in parts])
    return central, (float(middle @ middle) * size - own / size) / (size - 1) - space.offset


def _type(events: Events, members: Indexes, statistics: Statistics) -> PatternType:
    happened = sum(events.kinds[index] == "event" for index in members.tolist())
    regular = statistics.rhythm is not None or statistics.regularity >= 0.4
    return PatternType.ROUTINE if regular and happened * 2 > len(members) else PatternType.THEME
