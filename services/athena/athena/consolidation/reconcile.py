"""What is found against what is known: the same, a refinement, or new. Never a delete.

Pure. A pattern is recognised by its evidence, not by its words: the words of a cluster change as it grows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from athena.consolidation.finding import Finding
from athena.consolidation.types import PatternType

# Of the smaller set of evidence, this share must be common.
_SAME = 0.5
_PAIR = 2


@dataclass(frozen=True, slots=True)
class Known:
    """A pattern as it stands. `evidence`: of all its versions. `own`: a person put it in other words, which stay."""

    uid: str
    type: PatternType
    content: str
    metadata: Mapping[str, Any]
    evidence: frozenset[str]
    own: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What to do for one finding: `known` None: conclude it; else add `added` to its evidence and, with `refines`,
    put the finding's words in a new version."""

    finding: Finding
    known: Known | None = None
    added: tuple[str, ...] = ()
    refines: bool = False


def steps(findings: Iterable[Finding], known: Iterable[Known], rejected: Sequence[frozenset[str]]) -> list[Step]:
    """In the order of the findings' weight; those for which nothing is to be done are left out."""
    book = _Book(known)
    done = []
    for finding in sorted(findings, key=_weight):
        evidence = frozenset(finding.evidence)
        match = book.match(finding, evidence)
        if match is None:
            if any(_is_rejected(finding, evidence, each) for each in rejected):
                continue
            done.append(Step(finding))
            book.take(finding, evidence)
            continue
        step = _step(finding, match, evidence)
        if step is not None:
            done.append(step)
    return done


def _step(finding: Finding, match: _Entry, evidence: frozenset[str]) -> Step | None:
    known = match.known
    # Two findings for one pattern: it has split; the larger one speaks for it.
    if known is None or known.own or match.taken:
        return None
    match.taken = True
    added = tuple(uid for uid in finding.evidence if uid not in known.evidence)
    pattern = known.metadata.get("pattern", {})
    refines = finding.by == "fast" and (pattern.get("rhythm"), pattern.get("type")) != (finding.rhythm, finding.type)
    # What a model said stays as long as nothing new is known.
    if not added and (not refines or pattern.get("by") == "slow"):
        return None
    return Step(finding, known, added, refines)


def _is_rejected(finding: Finding, evidence: frozenset[str], rejected: frozenset[str]) -> bool:
    """The pattern that a person forgot, grown since or not. Of so few as a change rests on, exactly these."""
    if finding.type is PatternType.CHANGE or len(rejected) <= _PAIR:
        return evidence == rejected
    return len(evidence & rejected) >= _SAME * len(rejected)


def _weight(finding: Finding) -> tuple[int, str, str]:
    return -len(finding.evidence), finding.type, min(finding.evidence)


def _share(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(min(len(one), len(other)), 1)


@dataclass(slots=True)
class _Entry:
    evidence: frozenset[str]
    family: str
    words: frozenset[str]
    known: Known | None
    taken: bool = False


class _Book:
    """Patterns by their evidence: those of this run, too, so that none is concluded twice."""

    def __init__(self, known: Iterable[Known]) -> None:
        self._by_uid: dict[str, list[_Entry]] = defaultdict(list)
        for each in known:
            self._add(_Entry(each.evidence, _family(each.type), _words(each.content), each))

    def take(self, finding: Finding, evidence: frozenset[str]) -> None:
        self._add(_Entry(evidence, _family(finding.type), _words(finding.statement), None, taken=True))

    def match(self, finding: Finding, evidence: frozenset[str]) -> _Entry | None:
        """The pattern that this one is, or None. One that somebody has taken up already comes last."""
        near: dict[int, tuple[int, _Entry]] = {}
        for uid in evidence:
            for entry in self._by_uid.get(uid, ()):
                count, _ = near.get(id(entry), (0, entry))
                near[id(entry)] = (count + 1, entry)
        family, words = _family(finding.type), _words(finding.statement)
        same = [
            (entry.taken, -count, index, entry)
            for index, (count, entry) in enumerate(near.values())
            if entry.family == family and self._is_same(entry, evidence, words)
        ]
        return min(same, key=lambda each: each[:3])[3] if same else None

    def _is_same(self, entry: _Entry, evidence: frozenset[str], words: frozenset[str]) -> bool:
        if entry.family == PatternType.CHANGE:
            return entry.evidence == evidence
        if _share(entry.evidence, evidence) < _SAME:
            return False
        # Several facts may rest on the same events: they are one only if they say the same.
        return entry.family != PatternType.FACT or _share(entry.words, words) >= _SAME

    def _add(self, entry: _Entry) -> None:
        for uid in entry.evidence:
            self._by_uid[uid].append(entry)


def _family(type: PatternType) -> str:
    return "recurring" if type in (PatternType.ROUTINE, PatternType.THEME) else type


def _words(text: str) -> frozenset[str]:
    return frozenset(word.strip(".,;:!?\"'()").casefold() for word in text.split()) - {""}
