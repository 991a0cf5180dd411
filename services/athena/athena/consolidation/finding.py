"""What a run has to say, by the ids of memories: it leaves the analysis, and may cross to another process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from athena.consolidation.closing import replaces
from athena.consolidation.types import Analysis, Candidate, Change, Events, Evidence, PatternType, Statistics

# Up to here a candidate is a pattern without a model's word, from here on to the second one a model is asked.
SURE = 0.5
_NOT_QUITE = 0.35
_GUESS = 0.75
# A statement that a person made is closed only for a contradiction this sure.
_SURE_CHANGE = 0.4


@dataclass(frozen=True, slots=True)
class Finding:
    """A pattern to be. `evidence`: id of each event, the oldest first, with the words of it that speak for the
    statement; `exemplar`: whose words the statement is (None: a model's). `statistics` is JSON."""

    type: PatternType
    statement: str
    rhythm: str | None
    user_id: str | None
    agent_id: str | None
    evidence: Mapping[str, str]
    exemplar: str | None
    confidence: float
    first: datetime
    last: datetime
    statistics: Mapping[str, Any]
    by: Literal["fast", "slow"] = "fast"

    @property
    def content(self) -> str:
        return f"{self.statement} ({self.rhythm})" if self.rhythm else self.statement


@dataclass(frozen=True, slots=True)
class Doubt:
    """A cluster for the local model: `finding` is what the fast system would say of it, `accepted` whether it does."""

    finding: Finding
    evidence: tuple[Evidence, ...]
    accepted: bool

    def key(self, version: str) -> bytes:
        """The same for the same events, asked in the same way (`version`)."""
        asked = json.dumps([version, sorted(self.finding.evidence)])
        return hashlib.sha256(asked.encode()).digest()


@dataclass(frozen=True, slots=True)
class Contradiction:
    """`new` took the place of `old`; `also` are ids that said the same as `old` before. `closes`: sure enough to end
    the valid time of what a person stated."""

    old: str
    new: str
    also: tuple[str, ...]
    at: datetime
    about: str
    closes: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What an analysis found. `events`: how many were read, `blind`: how many of them have no vector."""

    events: int = 0
    blind: int = 0
    findings: tuple[Finding, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    twins: tuple[tuple[str, str, float], ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)


Owner = tuple[str | None, str | None]


def report(events: Events, owners: Sequence[Owner], found: Analysis) -> Report:
    """`owners`: user and agent of each scope code."""
    patterns = [_finding(events, owners, found, candidate) for candidate in found.candidates]
    changes = [change for change in found.changes if change.uncertainty <= SURE]
    doubts = [
        Doubt(pattern, _evidence(events, candidate), candidate.uncertainty <= SURE)
        for pattern, candidate in zip(patterns, found.candidates, strict=True)
        if _NOT_QUITE < candidate.uncertainty <= _GUESS
    ]
    accepted = [p for p, c in zip(patterns, found.candidates, strict=True) if c.uncertainty <= SURE]
    return Report(
        events=len(events.ids),
        blind=int((~events.vectors.any(axis=1)).sum()) if events.vectors.size else len(events.ids),
        findings=(*accepted, *(_changed(events, owners, change) for change in changes)),
        doubts=tuple(doubts),
        contradictions=tuple(_contradiction(events, found, change) for change in changes),
        twins=tuple((events.ids[t.index], events.ids[t.original], round(t.likeness, 4)) for t in found.twins),
    )


def _finding(events: Events, owners: Sequence[Owner], found: Analysis, candidate: Candidate) -> Finding:
    user, agent = owners[events.scopes[candidate.exemplar]]
    statistics = candidate.statistics
    return Finding(
        type=candidate.type,
        statement=candidate.statement,
        rhythm=statistics.rhythm,
        user_id=user,
        agent_id=agent,
        evidence={events.ids[i]: candidate.quotes.get(i, "") for i in candidate.members},
        exemplar=events.ids[candidate.exemplar],
        confidence=round(1 - candidate.uncertainty, 4),
        first=statistics.first,
        last=statistics.last,
        statistics=_statistics(events, found, statistics),
    )


def _statistics(events: Events, found: Analysis, of: Statistics) -> dict[str, Any]:
    def others(relations: Sequence[tuple[int, float]]) -> list[dict[str, Any]]:
        """By the event whose words the other pattern is: what is forgotten there must not be left here."""
        return [
            {"exemplar": events.ids[found.candidates[index].exemplar], "share": round(share, 3)}
            for index, share in relations
        ]

    return {
        "support": of.support,
        "days": of.days,
        "sessions": of.sessions,
        "first": of.first.isoformat(),
        "last": of.last.isoformat(),
        "per_week": round(of.per_week, 3),
        "regularity": round(of.regularity, 3),
        "cohesion": round(of.cohesion, 3),
        "entities": list(of.entities),
        "together": others(of.together),
        "then": others(of.then),
    }


def _changed(events: Events, owners: Sequence[Owner], change: Change) -> Finding:
    user, agent = owners[events.scopes[change.new]]
    first, last = _moment(events.at[change.old]), _moment(events.at[change.new])
    old, new = (_brief(events.texts[i]) for i in (change.old, change.new))
    return Finding(
        type=PatternType.CHANGE,
        statement=f"Since {last:%Y-%m-%d}: {new} Before: {old}",
        rhythm=None,
        user_id=user,
        agent_id=agent,
        evidence={events.ids[change.old]: old, events.ids[change.new]: new},
        exemplar=events.ids[change.new],
        confidence=round(1 - change.uncertainty, 4),
        first=first,
        last=last,
        statistics={
            "support": 2,
            "first": first.isoformat(),
            "last": last.isoformat(),
            "about": change.about,
            "old": events.ids[change.old],
            "new": events.ids[change.new],
        },
    )


def _contradiction(events: Events, found: Analysis, change: Change) -> Contradiction:
    """What said the same as the old statement: the cluster it is in, and its twins."""
    alike = {change.old}
    for candidate in found.candidates:
        sure = candidate.uncertainty <= SURE
        if sure and change.old in candidate.members and change.new not in candidate.members:
            alike.update(candidate.members)
    alike.update(t.index for t in found.twins if t.original in alike)
    at = events.at[change.new]
    also = sorted(i for i in alike if i != change.old and events.at[i] < at)
    return Contradiction(
        old=events.ids[change.old],
        new=events.ids[change.new],
        also=tuple(events.ids[i] for i in also),
        at=_moment(at),
        about=change.about,
        closes=change.uncertainty <= _SURE_CHANGE and replaces(events.texts[change.old], events.texts[change.new]),
    )


def _evidence(events: Events, candidate: Candidate) -> tuple[Evidence, ...]:
    return tuple(Evidence(events.ids[i], events.texts[i], _moment(events.at[i])) for i in candidate.members)


def _brief(text: str, most: int = 300) -> str:
    line = " ".join(text.split())
    line = line if len(line) <= most else f"{line[:most].rsplit(' ', 1)[0]}…"
    return line if line.endswith((".", "!", "?", "…")) else f"{line}."


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(float(at), UTC)


def proposed(doubt: Doubt, type: PatternType, statement: str, quotes: Mapping[str, str], confidence: float) -> Finding:
    """A finding in a model's words, of the events that bore it out."""
    order = [each for each in doubt.evidence if each.id in quotes]
    support = {
        "support": len(order),
        "days": len({each.at.date() for each in order}),
        "first": order[0].at.isoformat(),
        "last": order[-1].at.isoformat(),
    }
    return replace(
        doubt.finding,
        type=type,
        statement=statement,
        rhythm=None,
        evidence={each.id: quotes[each.id] for each in order},
        exemplar=None,
        confidence=round(confidence, 4),
        first=order[0].at,
        last=order[-1].at,
        statistics=support,
        by="slow",
    )
