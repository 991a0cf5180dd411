"""What stands close and yet isn't the same: another value of one thing, another person, what claims nothing."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from athena.consolidation.fast.changes import Stated, elsewhere
from athena.consolidation.types import Events

Indexes = NDArray[np.int64]
_SAME = 0.6


def lasting(events: Events, said: Stated, members: Indexes) -> bool:
    """Whether a group says how something is, and not what happened."""
    claimed = [index for index in members.tolist() if index in said.claims]
    if len(claimed) * 3 < 2 * len(members):
        return False
    if 2 * sum(events.kinds[index] != "event" for index in claimed) > len(claimed):
        return True
    # A value stays for a while; what has another one each time is something that happens.
    part_of = {index: part for part, found in enumerate(_by_value(said, claimed)) for index in found.tolist()}
    turns = sum(part_of[one] != part_of[other] for one, other in pairwise(claimed))
    return 3 * turns <= 2 * len(claimed)


def occurrences(said: Stated, members: Indexes) -> Indexes:
    """Of a group of what happened: what really did, to one person."""
    plain = [index for index in members.tolist() if not said.statements[index].aside]
    return np.asarray(_of_one_person(said, plain), np.int64)


def by_value(said: Stated, members: Indexes) -> list[Indexes]:
    """Of a group of statements: the parts that say the same of the same thing, oldest member first."""
    return _by_value(said, _of_one_person(said, members.tolist()))


def _of_one_person(said: Stated, members: list[int]) -> list[int]:
    """Those of the person most of them are about."""
    if not members:
        return members
    counts = Counter(said.statements[index].subject for index in members)
    most = max(sorted(counts), key=lambda subject: counts[subject])
    return [index for index in members if said.statements[index].subject == most]


def _by_value(said: Stated, members: list[int]) -> list[Indexes]:
    values: list[tuple[Counter[str], list[int]]] = []
    for index in members:
        value = said.claims[index].value
        best, part = 0.0, None
        for counts, found in values:
            if elsewhere(said.claims[found[-1]], said.claims[index]):
                continue
            likeness = said.overlap(value, frozenset(stem for stem, n in counts.items() if 2 * n >= len(found)))
            if likeness > best:
                best, part = likeness, (counts, found)
        if part is None or best < _SAME:
            part = (Counter(), [])
            values.append(part)
        part[0].update(value)
        part[1].append(index)
    return [np.asarray(found, np.int64) for _, found in values]
