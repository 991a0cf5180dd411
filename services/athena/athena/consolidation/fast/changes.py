"""Statements of one scope that can't both be true: of the same thing, with another value.

Only near statements are compared: neighbours by meaning, and such as share rare words of what they are about or of a
value that is said to be gone.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import log

import numpy as np
from numpy.typing import NDArray

from athena.consolidation.fast.neighbours import nearest, of
from athena.consolidation.fast.statements import Statement
from athena.consolidation.fast.values import Claim
from athena.consolidation.types import Change, Events

_NEIGHBOURS = 24
_WIDEST_POSTING = 40
_FROM_WORDS = 12
# Of what two statements say the same: how much their meaning and their words have to agree for that.
_SAME_THING, _SAME_THING_NAMED, _SAME_THING_MIXED, _SAME_THING_EVENT = 0.40, 0.18, 0.47, 0.52
_SAME_VALUE = 0.6
_SHORT, _NEAR = 3, 0.56
_AS_GOOD = 0.12

Indexes = NDArray[np.int64]
_DIGITS = re.compile(r"\d+(?:\.\d+){2,}|\d+")


@dataclass(frozen=True, slots=True)
class Stated:
    """The events that state something, by index, oldest first, with what they say."""

    statements: Mapping[int, Statement]
    claims: Mapping[int, Claim]
    weights: Mapping[str, float]

    def overlap(self, left: frozenset[str], right: frozenset[str]) -> float:
        """0..1: how much of the one that says less is in the other."""
        least = min(sum(map(self.weight, left)), sum(map(self.weight, right)))
        return sum(map(self.weight, left & right)) / least if least else 0.0

    def weight(self, stem: str) -> float:
        return self.weights.get(stem, 1.0)


def stated(statements: Mapping[int, Statement], claims: Mapping[int, Claim]) -> Stated:
    counts = Counter(stem for claim in claims.values() for stem in claim.value | claim.about)
    total = len(claims)
    return Stated(statements, claims, {stem: log(1 + total / count) for stem, count in counts.items()})


def changes(events: Events, said: Stated, background: float, happened: frozenset[int]) -> tuple[Change, ...]:
    """`happened`: occurrences of a routine, which say what was done and not how something is."""
    members = np.asarray([index for index in sorted(said.claims) if index not in happened], np.int64)
    partners = _partners(events, said, members)
    found = []
    for new in members.tolist():
        change = _change(events, said, new, sorted(partners[new]), background)
        if change is not None:
            found.append(change)
    return tuple(found)


def _partners(events: Events, said: Stated, members: Indexes) -> Mapping[int, set[int]]:
    """For each statement the earlier ones of its scope that may be of the same thing."""
    partners: dict[int, set[int]] = defaultdict(set)
    order = members[np.argsort(events.scopes[members], kind="stable")]
    for scope in np.split(order, np.flatnonzero(np.diff(events.scopes[order])) + 1):
        if len(scope) < 2:
            continue
        if events.vectors.shape[1]:
            _by_meaning(events.vectors, scope, partners)
        _by_words(said, scope.tolist(), partners)
    return partners


def _by_meaning(vectors: NDArray[np.float32], scope: Indexes, partners: dict[int, set[int]]) -> None:
    local = vectors[scope].astype(np.float16)
    near = nearest(of(local), np.arange(len(scope)), np.arange(len(scope)), _NEIGHBOURS, 0.05)
    for left, right in zip(scope[near.left].tolist(), scope[near.right].tolist(), strict=True):
        partners[max(left, right)].add(min(left, right))


def _by_words(said: Stated, scope: Sequence[int], partners: dict[int, set[int]]) -> None:
    """The latest before it that share a rare stem. What more than `_WIDEST_POSTING` have said is not rare."""
    postings: dict[str, list[int]] = defaultdict(list)
    for index in scope:
        claim, old = said.claims[index], said.statements[index].old
        stems = sorted({*claim.about, *old}, key=lambda stem: (-said.weight(stem), stem))
        for stem in islice(stems, 4):
            for earlier in postings[stem][-_FROM_WORDS:]:
                partners[index].add(earlier)
        for stem in sorted(claim.about | claim.value | frozenset(old)):
            posting = postings[stem]
            posting.append(index)
            if len(posting) > 2 * _WIDEST_POSTING:
                del posting[:_WIDEST_POSTING]


def _change(events: Events, said: Stated, new: int, earlier: Sequence[int], background: float) -> Change | None:
    """The change of value that `new` is, if it is one: not where the same value was the last that was said."""
    scored = [(old, *_compared(events, said, old, new, background)) for old in earlier]
    conflicts = [(old, score) for old, score, same in scored if score > 0 and not same]
    if not conflicts:
        return None
    best = max(score for _, score in conflicts)
    old, score = max((pair for pair in conflicts if pair[1] >= best - _AS_GOOD), key=lambda pair: pair[0])
    if any(again > old and value > score - 2 * _AS_GOOD for again, value, same in scored if same):
        return None
    about = _about(said, old, new)
    return Change(old, new, about, round(float(np.clip(0.5 - score, 0.02, 0.5)), 3))


def _compared(events: Events, said: Stated, old: int, new: int, background: float) -> tuple[float, bool]:
    """(by how much it is sure that they are of the same thing, above 0: yes; whether they say the same of it)."""
    before, after = said.statements[old], said.statements[new]
    was, is_now = said.claims[old], said.claims[new]
    if before.subject != after.subject:
        return -1.0, False
    score = _same_thing(events, said, old, new, background)
    former = frozenset(after.old)
    if former and said.overlap(former, was.value) >= _SAME_VALUE:
        return score + 0.2 - _SAME_THING_NAMED, False
    if elsewhere(was, is_now) or (after.negative and former):
        return -1.0, False
    same = said.overlap(was.value, is_now.value | is_now.about) >= _SAME_VALUE
    same = same or said.overlap(is_now.value, was.value | was.about) >= _SAME_VALUE
    happened = (events.kinds[old] == "event") + (events.kinds[new] == "event")
    if happened < 2:
        return score - (_SAME_THING_MIXED if happened else _SAME_THING), same
    # Of what merely happened, only short statements of plainly the same thing are believed to state anything.
    alike = _shares(said, was, is_now)
    if not before.spoken and not after.spoken:
        alike = alike or score > _NEAR
    elif not (after.cue or (was.exact and is_now.exact)):
        alike = False
    plain = alike and max(len(was.value), len(is_now.value)) <= _SHORT
    return (score - _SAME_THING_EVENT if plain else -1.0), same


def _shares(said: Stated, left: Claim, right: Claim) -> bool:
    return (
        bool(left.concepts & right.concepts) or said.overlap(left.about - left.names, right.about - right.names) >= 0.5
    )


def _same_thing(events: Events, said: Stated, old: int, new: int, background: float) -> float:
    """How much two statements are of the same thing, whatever they say of it: about 0 to 1.5."""
    was, is_now = said.claims[old], said.claims[new]
    meaning = float(events.vectors[old] @ events.vectors[new]) if events.vectors.shape[1] else 0.0
    likeness = (meaning - background) / (1 - background)
    shared = said.overlap(was.about, is_now.about)
    score = likeness + 0.25 * shared if meaning else 0.8 * shared
    if was.concepts & is_now.concepts:
        score += 0.25 if was.concepts == is_now.concepts else 0.12
    if was.exact != is_now.exact:
        score -= 0.12
    # A name that only one of them has: perhaps of another office, another person, another machine.
    strangers = len(was.names - is_now.about - is_now.value) + len(is_now.names - was.about - was.value)
    score -= 0.12 * min(3, strangers)
    if was.names & is_now.names and not _common_words(was, is_now):
        score -= 0.25
    if was.exact and is_now.exact and _shapes(was.value).isdisjoint(_shapes(is_now.value)):
        score -= 0.3
    return score


def _common_words(left: Claim, right: Claim) -> bool:
    """Whether more than a name is common to what they are about."""
    ours, theirs = left.about - left.names, right.about - right.names
    return not ours or not theirs or bool(ours & theirs) or bool(left.concepts & right.concepts)


def _shapes(value: frozenset[str]) -> frozenset[str]:
    """Of numbers, times, versions, codes: what of these they are."""
    return frozenset(_DIGITS.sub("0", stem) if any(sign.isdigit() for sign in stem) else "0" for stem in value)


def elsewhere(left: Claim, right: Claim) -> bool:
    """Two names in the same place of otherwise like statements: they are of two things."""
    only_left, only_right = left.about - right.about, right.about - left.about
    if (only_left & left.names) - right.value and (only_right & right.names) - left.value:
        return True
    return len(only_left) == len(only_right) == 1 and len(left.about & right.about) >= 2


def _about(said: Stated, old: int, new: int) -> str:
    was, is_now = said.claims[old], said.claims[new]
    shared = sorted((was.about & is_now.about) or (was.about | is_now.about), key=lambda s: (-said.weight(s), s))
    return " ".join(shared[:4]) or " / ".join(sorted(is_now.value)[:3])
