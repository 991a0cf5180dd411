"""What was said twice: statements in nearly the same words, and one moment told twice.

A routine that is told every day in the same words is no twin: each time it happened again.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from athena.consolidation.fast.changes import Stated
from athena.consolidation.fast.neighbours import nearest, of
from athena.consolidation.fast.words import Words
from athena.consolidation.types import Events, Twin

_HOUR = 3600.0
_ALIKE, _ALIKE_IN_MEANING, _MEANT_ALIKE = 0.85, 0.55, 0.93
_NEIGHBOURS = 6
_READ = 2_000
_WORD = re.compile(r"[\w'’]+")
_NOT = ("n't", "n’t", "cannot")
_TURNS = frozenset(
    "not never no none nor nothing nobody always without before after only except unless until since more less fewer"
    " above below on off from to with against for yet still already now".split()
)
_IN_A_ROW = 12

Indexes = NDArray[np.int64]


def twins(events: Events, words: Words, said: Stated) -> tuple[Twin, ...]:
    """Each with the earliest that says the same, in order of index."""
    found: dict[int, tuple[int, float]] = {}
    numeric = frozenset(term for term, stem in enumerate(words.vocabulary) if any(sign.isdigit() for sign in stem))
    for index, earlier in _pairs(events):
        likeness = _likeness(events, words, numeric, said, earlier, index)
        if likeness and (index not in found or earlier < found[index][0]):
            found[index] = (earlier, likeness)
    # A twin of a twin is one of the first.
    made = []
    for index in sorted(found):
        original, likeness = found[index]
        made.append(Twin(index, found[original][0] if original in found else original, round(likeness, 4)))
    return tuple(made)


def _pairs(events: Events) -> Iterator[tuple[int, int]]:
    """(later, earlier): equal texts, near neighbours in meaning, and what one session says in a row."""
    stated = np.asarray([index for index, kind in enumerate(events.kinds) if kind != "event"], np.int64)
    first: dict[tuple[int, str], int] = {}
    for index in stated.tolist():
        key = (int(events.scopes[index]), " ".join(events.texts[index].lower().split()))
        if key in first:
            yield index, first[key]
        else:
            first[key] = index
    for scope in _scopes(events.scopes, stated):
        yield from _near(events, scope)
    yield from _told_again(events)


def _scopes(scopes: NDArray[np.int32], members: Indexes) -> list[Indexes]:
    order = members[np.argsort(scopes[members], kind="stable")]
    return [part for part in np.split(order, np.flatnonzero(np.diff(scopes[order])) + 1) if len(part) > 1]


def _near(events: Events, scope: Indexes) -> Iterator[tuple[int, int]]:
    if events.vectors.shape[1] == 0:
        return
    every = np.arange(len(scope))
    near = nearest(of(events.vectors[scope].astype(np.float16)), every, every, _NEIGHBOURS, _ALIKE)
    for left, right in zip(scope[near.left].tolist(), scope[near.right].tolist(), strict=True):
        if left > right:
            yield left, right


def _told_again(events: Events) -> Iterator[tuple[int, int]]:
    """Events of one session, within an hour."""
    by_session: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, kind in enumerate(events.kinds):
        session = int(events.sessions[index])
        if kind != "event" or session < 0:
            continue
        before = by_session[session, int(events.scopes[index])]
        for earlier in before[-_IN_A_ROW:]:
            if events.at[index] - events.at[earlier] <= _HOUR:
                yield index, earlier
        before.append(index)


def _likeness(events: Events, words: Words, numeric: frozenset[int], said: Stated, old: int, new: int) -> float:
    """0 where they are no twins."""
    before, after = said.statements[old], said.statements[new]
    if (before.negative, before.subject, before.aside) != (after.negative, after.subject, after.aside):
        return 0.0
    same_text = events.texts[old].strip().lower() == events.texts[new].strip().lower()
    if same_text:
        return 1.0
    ours, theirs = set(words.of(old).tolist()), set(words.of(new).tolist())
    if not ours or not theirs or ours & numeric != theirs & numeric or _turned(events.texts[old], events.texts[new]):
        return 0.0
    shared = sum(float(words.weights[term]) for term in sorted(ours & theirs))
    either = sum(float(words.weights[term]) for term in sorted(ours | theirs))
    likeness = shared / either if either else 0.0
    if likeness >= _ALIKE:
        return likeness
    meant = float(events.vectors[old] @ events.vectors[new]) if events.vectors.shape[1] else 0.0
    return meant if likeness >= _ALIKE_IN_MEANING and meant >= _MEANT_ALIKE and not _differs(said, old, new) else 0.0


def _turned(before: str, after: str) -> bool:
    """The same words in another order, or another little word that turns what is said: before and after, never and
    always. What a bag of words doesn't tell."""
    ours, theirs = _tokens(before), _tokens(after)
    if Counter(word for word in ours if word in _TURNS) != Counter(word for word in theirs if word in _TURNS):
        return True
    shared = set(ours) & set(theirs)
    return [word for word in ours if word in shared] != [word for word in theirs if word in shared]


def _tokens(text: str) -> list[str]:
    """The words, each once, where it comes first."""
    found = ("not" if word.endswith(_NOT) else word for word in _WORD.findall(text[:_READ].lower()))
    return list(dict.fromkeys(found))


def _differs(said: Stated, old: int, new: int) -> bool:
    if old not in said.claims or new not in said.claims:
        return False
    return said.claims[old].value != said.claims[new].value
