"""A claim of the model against the events: what is left of it after the code has looked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from athena.consolidation.slow.board import Shown
from athena.consolidation.slow.claims import Claim, Kind
from athena.consolidation.slow.faults import Unfit
from athena.consolidation.slow.grounding import COPY_SHARE, Statement, complete, stated
from athena.consolidation.slow.passages import Passage, cited, sentences
from athena.consolidation.slow.text.wording import Wording

FEWEST = {Kind.PATTERN: 3, Kind.FACT: 2, Kind.CONTRADICTION: 2}
# The model's own evidence must stand before the code looks for more.
_FEWEST_OWN = 2
# Two events that contradict each other are about the same thing: so many words of both, or this share of the shorter's.
_FEWEST_SHARED = 2
_SAME_THING = 0.3
# Where neither says that something is otherwise now, they differ in one place: this share of the longer is the same.
_SAME_FORM = 0.6


@dataclass(frozen=True, slots=True)
class Grounded:
    """`passages`: what bears the statement out as far as words can, oldest first; of a contradiction the older and the
    newer. `refuted`: how many events were cited that don't. `says`: for finding what says the same in other words."""

    kind: Kind
    statement: str
    says: Wording
    passages: tuple[Passage, ...]
    refuted: int


def check(claim: Claim, notes: Sequence[Shown]) -> Grounded:
    """Raises `Unfit`. Nothing here believes the model: names, quotes and words are looked up in the events."""
    by_name = {note.name: note for note in notes}
    statement = stated(
        claim.statement,
        {note.name: note.text for note in notes},
        copies_must_agree=claim.kind is not Kind.CONTRADICTION,
    )
    if claim.kind is Kind.CONTRADICTION:
        return _contradiction(statement, claim.citations or (), by_name)
    passages, faults = _cited(statement, claim.citations or (), by_name)
    if claim.citations is not None and len(passages) < _FEWEST_OWN:
        raise _too_few(list(passages.values()), faults, FEWEST[claim.kind])
    passages |= _uncited(statement, [note for note in notes if note.name not in passages])
    found = sorted(passages.values(), key=lambda passage: passage.shown.event.at)
    if distinct_times(found) < FEWEST[claim.kind]:
        raise _too_few(found, faults, FEWEST[claim.kind])
    complete(statement, found)
    return Grounded(claim.kind, statement.text, statement.says, tuple(found), len(faults))


def distinct_times(passages: Sequence[Passage]) -> int:
    """What was said within one minute was said once."""
    return len({int(passage.shown.event.at.timestamp()) // 60 for passage in passages})


def _cited(
    statement: Statement, citations: Sequence[tuple[str, str]], by_name: Mapping[str, Shown]
) -> tuple[dict[str, Passage], list[Unfit]]:
    """Of several quotes of one event, the first that says so. Raises `Unfit` for an event that isn't there."""
    found: dict[str, Passage] = {}
    faults: dict[str, Unfit] = {}
    for name, quote in citations:
        if name in found:
            continue
        note = _note(name, by_name)
        try:
            passage = cited(note, quote)
        except Unfit as fault:
            faults.setdefault(name, fault)
            continue
        if missed := statement.misses(passage):
            faults.setdefault(name, missed)
        else:
            found[name] = passage
    return found, [fault for name, fault in faults.items() if name not in found]


def _uncited(statement: Statement, notes: Sequence[Shown]) -> dict[str, Passage]:
    """A model names a few of many: those it left out that say nearly the same words are evidence too."""
    found: dict[str, Passage] = {}
    for note in notes:
        fitting = [passage for passage in sentences(note) if statement.misses(passage) is None]
        shares = [(passage.says.share_of(statement.says.content), passage) for passage in fitting]
        share, best = max(shares, key=lambda each: each[0], default=(0.0, None))
        if best is not None and share >= COPY_SHARE:
            found[note.name] = best
    return found


def _contradiction(
    statement: Statement, citations: Sequence[tuple[str, str]], by_name: Mapping[str, Shown]
) -> Grounded:
    """Which is the older is a matter of time, whatever the model says; the statement is what the newer one says."""
    passages = {name: cited(_note(name, by_name), quote) for name, quote in citations}
    if len(passages) != 2:
        raise Unfit("few_events", f"a contradiction is between two events, this cites {len(passages)}")
    older, newer = sorted(passages.values(), key=lambda passage: passage.shown.event.at)
    if distinct_times((older, newer)) < 2:
        raise Unfit("same_time", "both were said at the same time: neither is the newer one")
    if older.says.asks:
        raise Unfit("question", "the older event only asks")
    shared = {stem for stem in older.says.content if newer.says.has(stem)}
    shorter = min(len(older.says.content), len(newer.says.content))
    if len(shared) < min(_FEWEST_SHARED, shorter) or len(shared) < _SAME_THING * shorter:
        raise Unfit("unrelated", "the two events are not about the same thing")
    if not _conflict(older.says, newer.says):
        raise Unfit("no_contradiction", "in their words the two events don't contradict each other")
    if fault := statement.misses(newer):
        raise Unfit(fault.code, f"the newer event doesn't say what the statement says: {fault.reason}")
    complete(statement, (newer,))
    return Grounded(Kind.CONTRADICTION, statement.text, statement.says, (older, newer), 0)


def _conflict(older: Wording, newer: Wording) -> bool:
    """One denies or ends what the other says, the newer one says that something is otherwise now, or they are the same
    sentence but for one place."""
    if bool(older.negated) != bool(newer.negated) or older.turns != newer.turns:
        return True
    one, other = set(older.sequence), set(newer.sequence)
    if one <= other or other <= one:
        return False
    return newer.renews or len(one & other) >= _SAME_FORM * max(len(one), len(other))


def _note(name: str, by_name: Mapping[str, Shown]) -> Shown:
    if name not in by_name:
        raise Unfit("unknown_event", f"it cites {name[:16]!r}, which it wasn't shown")
    return by_name[name]


def _too_few(found: Sequence[Passage], faults: Sequence[Unfit], fewest: int) -> Unfit:
    if not faults:
        return Unfit(
            "few_events", f"{distinct_times(found)} events at different times bear it out, {fewest} are needed"
        )
    code, _ = Counter(fault.code for fault in faults).most_common(1)[0]
    reasons = "; ".join(dict.fromkeys(fault.reason for fault in faults))
    return Unfit(code, f"{distinct_times(found)} of {fewest} events needed bear it out: {reasons}")
