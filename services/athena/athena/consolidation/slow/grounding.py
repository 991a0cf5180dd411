"""Whether events bear a statement out, by their words alone. Strict: what is refused here costs a pattern, what is let
in by mistake costs the trust in all of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from athena.consolidation.slow.faults import Unfit
from athena.consolidation.slow.passages import Passage
from athena.consolidation.slow.text import lexicon
from athena.consolidation.slow.text.folding import fold, shown
from athena.consolidation.slow.text.suspicion import instructing
from athena.consolidation.slow.text.wording import Wording, alike, in_order, is_content, stem_of, tokenised, wording
from athena.secret import blotted

SHORTEST, LONGEST = 8, 200
FEWEST_WORDS = 2
# Each event must say at least this share of the statement's words; of one that only repeats an event, the others more.
OWN_SHARE = 0.6
COPY_SHARE = 0.8
_IDS = re.compile(r"\be\d{1,3}\b")
_GLUE = frozenset(stem_of(word) for word in lexicon.GLUE)
_DAYS = frozenset(stem_of(day) for day in lexicon.WEEKDAYS)


@dataclass(frozen=True, slots=True)
class Statement:
    """`share`: how much of it each event must say."""

    text: str
    says: Wording
    share: float

    def misses(self, passage: Passage) -> Unfit | None:
        """Why this passage doesn't say so; None if it does."""
        fault = _mismatch(self.says, passage.says, passage.shown.event.at)
        if fault is None and _known(passage).share_of(self.says.content) < self.share:
            fault = Unfit("unsupported", "it says something else")
        return fault


def stated(text: str, notes: Mapping[str, str], *, copies_must_agree: bool = True) -> Statement:
    """The statement, if it is one at all. `notes`: what is shown of each event. Raises `Unfit`."""
    clean = shown(text).text
    if not SHORTEST <= len(clean) <= LONGEST:
        raise Unfit("length", f"a statement has {SHORTEST} to {LONGEST} characters, this has {len(clean)}")
    if instructing(clean):
        raise Unfit("instruction", "it tells somebody what to do with the memory, it reports nothing")
    if blotted(clean) != clean:
        raise Unfit("secret", "it holds what looks like a secret")
    flat = fold(clean)
    if any(name in notes for name in _IDS.findall(flat)):
        raise Unfit("meta", "it is about the numbers of the notes")
    says = wording(clean, _first_name(clean, notes.values()))
    if len(says.content) < FEWEST_WORDS:
        raise Unfit("empty", "it says too little")
    if says.asks:
        raise Unfit("question", "it is a question")
    copied = any(flat.strip(" .!'") == fold(note).strip(" .!'") for note in notes.values())
    return Statement(clean, says, COPY_SHARE if copied and copies_must_agree else OWN_SHARE)


def complete(statement: Statement, passages: Sequence[Passage]) -> None:
    """All that it says is said by these together, but for one word that says next to nothing. Raises `Unfit`."""
    available = [_known(passage) for passage in passages]
    missing = {stem for stem in statement.says.content if not any(known.has(stem) for known in available)}
    if len(missing) > 1 or not missing <= _GLUE:
        raise Unfit("ungrounded", f"no event says {', '.join(sorted(missing)[:5])}")
    signs = {sign for sign in statement.text if unicodedata.category(sign)[0] in "SC"}
    if strange := signs.difference(*(passage.shown.text for passage in passages)):
        raise Unfit("ungrounded", f"no event has {' '.join(sorted(strange)[:5])}")


def _mismatch(statement: Wording, passage: Wording, at: datetime) -> Unfit | None:
    if passage.asks:
        return Unfit("question", "it only asks")
    if not in_order(_without_day(statement.anchors, passage, at), passage.sequence):
        return Unfit("names", "it doesn't name whom or how many the statement names, or not in this order")
    if not statement.bounds <= passage.bounds:
        return Unfit("bounds", f"it doesn't say {', '.join(sorted(statement.bounds - passage.bounds))}")
    if statement.turns != passage.turns:
        return Unfit("turned", f"{', '.join(sorted(statement.turns ^ passage.turns))} turns what one of them says")
    if bool(statement.negated) != bool(passage.negated):
        return Unfit("negation", "one of them says no and the other doesn't")
    if any(said and not _denied(said[0], passage) for said in statement.negated):
        return Unfit("negation", "it denies something else")
    return None


def _denied(stem: str, passage: Wording) -> bool:
    return any(alike(stem, other) for after in passage.negated for other in after)


def _known(passage: Passage) -> Wording:
    """What it says, and where it names no day of the week the one it was said on: the model was shown that too."""
    says = passage.says
    if _names_day(says):
        return says
    return replace(says, content=says.content | {_day(passage.shown.event.at)})


def _without_day(anchors: tuple[str, ...], passage: Wording, at: datetime) -> tuple[str, ...]:
    return anchors if _names_day(passage) else tuple(anchor for anchor in anchors if anchor != _day(at))


def _names_day(passage: Wording) -> bool:
    return not _DAYS.isdisjoint(passage.sequence)


def _day(at: datetime) -> str:
    return stem_of(lexicon.WEEKDAYS[at.weekday()])


def _first_name(text: str, notes: Collection[str]) -> frozenset[str]:
    """The statement's first word is a name if no event writes it in small letters."""
    first = next(iter(tokenised(text)), "")
    if not first or not is_content(first) or stem_of(first) in _GLUE:
        return frozenset()
    written = {word.strip(".,;:!?'\"()") for note in notes for word in note.split()}
    small = any(word[:1].islower() and stem_of(fold(word)) == stem_of(first) for word in written)
    return frozenset() if small else frozenset({first})
