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
_SAME_THING_TALK, _SAME_THING_TALKED = 0.3, 0.4
_SAME_VALUE = 0.6
_SAID_ALIKE = 0.6
_ALL_OF_IT = 0.99
# What is said in passing, and not as what it is: never more than a guess.
_GUESSED = 0.08
_SHORT, _NEAR = 3, 0.56
_AS_GOOD = 0.12
_OTHER_THING, _OTHER_WISH = 0.12, 0.2

Indexes = NDArray[np.int64]
_DIGITS = re.compile(r"\d+(?:\.\d+){2,}|\d+")


Said = tuple[Statement, Claim]


@dataclass(frozen=True, slots=True)
class Stated:
    """The events that state something, by index, oldest first, with what they say. `parts`: of what is spoken, each
    thing that it says."""

    statements: Mapping[int, Statement]
    claims: Mapping[int, Claim]
    weights: Mapping[str, float]
    parts: Mapping[int, tuple[Said, ...]]

    def of(self, index: int) -> tuple[Said, ...]:
        """All it says: one thing, or several where somebody talks."""
        return self.parts.get(index) or ((self.statements[index], self.claims[index]),)

    def wishes(self, index: int) -> bool:
        """Whether it says what is wanted: that is no event, however often it is said."""
        return any(claim.wish for _, claim in self.of(index))

    def indexes(self) -> Sequence[int]:
        return sorted({*self.parts, *(index for index in self.claims if not self.statements[index].spoken)})

    def overlap(self, left: frozenset[str], right: frozenset[str]) -> float:
        """0..1: how much of the one that says less is in the other."""
        least = min(sum(map(self.weight, left)), sum(map(self.weight, right)))
        return sum(map(self.weight, left & right)) / least if least else 0.0

    def part(self, some: frozenset[str], whole: frozenset[str]) -> float:
        """0..1: how much of `some` is in `whole`."""
        all_of_it = sum(map(self.weight, some))
        return sum(map(self.weight, some & whole)) / all_of_it if all_of_it else 0.0

    def weight(self, stem: str) -> float:
        return self.weights.get(stem, 1.0)


def stated(
    statements: Mapping[int, Statement],
    claims: Mapping[int, Claim],
    parts: Mapping[int, tuple[Said, ...]] | None = None,
) -> Stated:
    several = [claim for said in (parts or {}).values() for _, claim in said]
    whole = [claim for index, claim in claims.items() if not statements[index].spoken or not parts]
    counts = Counter(stem for claim in (*whole, *several) for stem in claim.value | claim.about)
    total = len(whole) + len(several)
    return Stated(statements, claims, {stem: log(1 + total / count) for stem, count in counts.items()}, parts or {})


def changes(events: Events, said: Stated, background: float, happened: frozenset[int]) -> tuple[Change, ...]:
    """`happened`: occurrences of a routine, which say what was done and not how something is."""
    members = np.asarray([index for index in said.indexes()], np.int64)
    partners = _partners(events, said, members)
    found = []
    for new in members.tolist():
        change = _change(events, said, new, sorted(partners[new]), background, happened)
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
        for statement, claim in said.of(index):
            stems = sorted({*claim.about, *statement.old}, key=lambda stem: (-said.weight(stem), stem))
            for stem in islice(stems, 4):
                partners[index].update(earlier for earlier in postings[stem][-_FROM_WORDS:] if earlier != index)
        mentioned = {stem for one, claim in said.of(index) for stem in (*claim.about, *claim.value, *one.old)}
        for stem in sorted(mentioned):
            posting = postings[stem]
            posting.append(index)
            if len(posting) > 2 * _WIDEST_POSTING:
                del posting[:_WIDEST_POSTING]


def _change(
    events: Events, said: Stated, new: int, earlier: Sequence[int], background: float, happened: frozenset[int]
) -> Change | None:
    """The change of value that `new` is, if it is one: not where the same value was the last that was said."""
    done = new in happened and not said.wishes(new)
    scored = [
        (old, *_best(events, said, old, new, background, done or (old in happened and not said.wishes(old))))
        for old in earlier
    ]
    conflicts = [(old, score, about) for old, score, same, about in scored if score > 0 and not same]
    if not conflicts:
        return None
    best = max(score for _, score, _ in conflicts)
    of = next(about for _, score, about in conflicts if score == best)
    as_good = (one for one in conflicts if one[1] >= best - (3 * _AS_GOOD if one[2] == of else _AS_GOOD))
    old, score, about = max(as_good, key=lambda one: one[0])
    if any(again > old and value > score - 2 * _AS_GOOD for again, value, same, _ in scored if same):
        return None
    return Change(old, new, about, round(float(np.clip(0.5 - score, 0.02, 0.5)), 3))


def _best(events: Events, said: Stated, old: int, new: int, background: float, done: bool) -> tuple[float, bool, str]:
    """(score, same value, of what) of the two things said that are most of the same thing. `done`: one of them tells
    what is done again and again: only where a former value is named does that say how something is."""
    meaning = float(events.vectors[old] @ events.vectors[new]) if events.vectors.shape[1] else 0.0
    likeness = (meaning - background) / (1 - background) if meaning else 0.0
    happened = (events.kinds[old] == "event") + (events.kinds[new] == "event")
    found = [
        (*_compared(said, before, after, likeness, happened), _about(said, before[1], after[1]))
        for before in said.of(old)
        for after in said.of(new)
        if not (before[0].spoken and after[0].spoken) or _meet(before, after)
        if not done or (before[1].exact and after[1].exact and _names_former(said, before[1], after[0], happened))
    ]
    return max(found, key=lambda one: one[0], default=(-1.0, False, ""))


def _meet(old: Said, new: Said) -> bool:
    """Whether two things said in talk have any word in common that could be what both are of."""
    (_, was), (after, is_now) = old, new
    if not was.about.isdisjoint(is_now.about) or not was.concepts.isdisjoint(is_now.concepts):
        return True
    return any(stem in was.value or stem in was.about for stem in after.old)


def _compared(said: Stated, old: Said, new: Said, likeness: float, happened: int) -> tuple[float, bool]:
    """(by how much it is sure that they are of the same thing, above 0: yes; whether they say the same of it).
    `happened`: how many of the two are told as something that happened."""
    (before, was), (after, is_now) = old, new
    if before.subject != after.subject:
        return -1.0, False
    same = said.overlap(was.value, is_now.value | is_now.about) >= _SAME_VALUE
    same = same or said.overlap(is_now.value, was.value | was.about) >= _SAME_VALUE
    named = _names_former(said, was, after, happened)
    if before.spoken and after.spoken:
        return _in_talk(said, old, new, likeness, named, happened), same and not named
    score = _same_thing(said, was, is_now, likeness)
    if named:
        return score + 0.2 - _SAME_THING_NAMED, False
    if elsewhere(was, is_now) or (after.negative and after.old):
        return -1.0, False
    if happened < 2:
        least = _SAME_THING_MIXED if happened else _SAME_THING
        if not _shares(said, was, is_now) and (happened or (was.about and is_now.about)):
            score = min(score, least + _GUESSED)
        return score - least, same
    # Of what merely happened, only short statements of plainly the same thing are believed to state anything.
    alike = _shares(said, was, is_now) or score > _NEAR
    plain = alike and max(len(was.value), len(is_now.value)) <= _SHORT
    if not (after.cue or (was.wish and is_now.wish) or (was.exact and is_now.exact) or _shares(said, was, is_now)):
        score = min(score, _SAME_THING_EVENT + _GUESSED)
    return (score - _SAME_THING_EVENT if plain else -1.0), same


def _names_former(said: Stated, was: Claim, after: Statement, happened: int) -> bool:
    """Whether the new says itself that the old value is gone. Of what merely happened, the whole value has to be
    named: much can be cancelled and sold that was never the value of anything."""
    former = frozenset(after.old)
    if former and happened < 2 and after.negative and said.part(former, was.value | was.about) >= _ALL_OF_IT:
        return True
    if not former or said.overlap(former, was.value) < _SAME_VALUE:
        return False
    if happened == 1 and said.part(former, was.value | was.about) < _SAME_VALUE:
        return False
    return happened < 2 or said.part(was.value, former) >= _SAME_VALUE <= said.part(former, was.value | was.about)


def _in_talk(said: Stated, old: Said, new: Said, likeness: float, named: bool, happened: int) -> float:
    """People talk of many things at once: what both are about has to be said in so many words."""
    was, (after, is_now) = old[1], new
    if elsewhere(was, is_now) or (after.negative and after.old and not named):
        return -1.0
    ours, theirs = was.about - was.names, is_now.about - is_now.names
    surely = happened < 2 or (was.wish and is_now.wish)
    shared = said.overlap(ours, theirs) if surely else min(said.part(ours, theirs), said.part(theirs, ours))
    concepts = (1.0 if was.concepts == is_now.concepts else 0.5) if was.concepts & is_now.concepts else 0.0
    if not named and (not _shares(said, was, is_now) or max(len(was.value), len(is_now.value)) > _SHORT + 1):
        return -1.0
    if was.exact != is_now.exact and not named:
        return -1.0
    if happened == 2 and not named and not concepts and shared < _SAID_ALIKE:
        return -1.0
    if happened == 2 and max(len(was.value), len(is_now.value), len(was.about), len(is_now.about)) > _SHORT:
        return -1.0
    least = _SAME_THING_TALK if surely or (after.cue and concepts == 1) else _SAME_THING_TALKED
    at_best = 1.0 if surely or named else least + _GUESSED
    score = 0.35 * likeness + max(0.35 * shared, 0.3 * concepts) + 0.05 * (concepts > 0 and shared > 0) + 0.3 * named
    return min(score, at_best) - least


def _shares(said: Stated, left: Claim, right: Claim) -> bool:
    return (
        bool(left.concepts & right.concepts) or said.overlap(left.about - left.names, right.about - right.names) >= 0.5
    )


def _same_thing(said: Stated, was: Claim, is_now: Claim, likeness: float) -> float:
    """How much two statements are of the same thing, whatever they say of it: about 0 to 1.5."""
    shared = said.overlap(was.about, is_now.about)
    score = likeness + 0.25 * shared if likeness else 0.8 * shared
    if was.concepts & is_now.concepts:
        score += 0.25 if was.concepts == is_now.concepts else 0.12
    if was.exact != is_now.exact:
        score -= 0.12
    if was.about and is_now.about and not shared and not was.concepts & is_now.concepts:
        score -= _OTHER_WISH if was.wish and is_now.wish else _OTHER_THING
    # A name that only one of them has: perhaps of another office, another person, another machine.
    strangers = len(was.names - is_now.about - is_now.value) + len(is_now.names - was.about - was.value)
    score -= 0.12 * min(3, strangers)
    if strangers and was.about - is_now.about - is_now.value and is_now.about - was.about - was.value:
        score -= _OTHER_THING
    if was.names & is_now.names and not _common_words(was, is_now):
        score -= 0.25
    if was.exact and is_now.exact and _shapes(was.value).isdisjoint(_shapes(is_now.value)):
        score -= 0.3
    return score


def _common_words(left: Claim, right: Claim) -> bool:
    """Whether more than a name is common to what they are about."""
    ours, theirs = left.about - left.names | left.concepts, right.about - right.names | right.concepts
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


def _about(said: Stated, was: Claim, is_now: Claim) -> str:
    shared = sorted((was.about & is_now.about) or (was.about | is_now.about), key=lambda s: (-said.weight(s), s))
    return " ".join(shared[:4]) or " / ".join(sorted(is_now.value)[:3])
