"""From the words that were cited to the sentence they stand in: a quote out of its sentence proves nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

from athena.consolidation.slow.board import Shown
from athena.consolidation.slow.faults import Unfit
from athena.consolidation.slow.text.folding import fold, shown
from athena.consolidation.slow.text.wording import Wording, is_content, tokenised, wording

SHORTEST_QUOTE = 8
FEWEST_WORDS = 2
_LONGEST_OWN_QUOTE = 240
# A line break inside a paragraph ends nothing: what the line before says may turn what follows it round.
_ENDS = re.compile(
    r"(?<!\b[A-Z])(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bSt)(?<!\bMrs)(?<!\bProf)(?<!\bvs)(?<!\be\.g)(?<!\bi\.e)(?<!\bz\.B)"
    r"[.!?。！？]+[\"'”’»)]*(?=\s|$)|[。！？]|\n\s*\n"
)
# How far past what is shown a sentence is read to its end.
_BEYOND = 600
_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]")


@dataclass(frozen=True, slots=True)
class Passage:
    """`quote`: words of the event, exactly as they stand in it. `says`: the whole sentence around them, of which the
    quote may have left out what matters."""

    shown: Shown
    quote: str
    says: Wording


def cited(note: Shown, quote: str) -> Passage:
    """The passage that the quote stands in, whatever its spaces, case and quotation marks. Raises `Unfit`."""
    wanted = fold(quote).strip("'. ")
    if len(wanted) < SHORTEST_QUOTE or len({t for t in tokenised(wanted) if is_content(t)}) < FEWEST_WORDS:
        raise Unfit("short_quote", f"its quote of {note.name} says too little")
    found = _place(note.folded.text, wanted)
    if found is None:
        raise Unfit("invented_quote", f"its quote doesn't stand in {note.name}")
    places = note.folded.places
    start, end = places[found], places[found + len(wanted) - 1] + 1
    text = note.event.text
    return Passage(note, text[start:end], wording(_sentence(text[: _seen(note) + _BEYOND], start, end)))


def sentences(note: Shown) -> list[Passage]:
    """Every whole sentence of it that is long enough to be quoted, in order."""
    text = note.event.text[: _seen(note)]
    found, start = [], 0
    for end in [*(mark.end() for mark in _ENDS.finditer(text)), *([] if note.cut else [len(text)])]:
        sentence = text[start:end].strip()
        start = end
        quote = sentence[:_LONGEST_OWN_QUOTE].rstrip()
        flat = fold(quote)
        if len(flat) >= SHORTEST_QUOTE and sum(is_content(token) for token in set(tokenised(flat))) >= FEWEST_WORDS:
            found.append(Passage(note, quote, wording(shown(sentence).text)))
    return found


def _seen(note: Shown) -> int:
    """How far into the event's own text what is shown of it reaches."""
    return note.folded.places[-1] + 1 if note.folded.places else 0


def _place(text: str, wanted: str) -> int | None:
    """Where it stands as whole words."""
    start = text.find(wanted)
    while start >= 0:
        end = start + len(wanted)
        if not (_inside(text, start) or _inside(text, end)):
            return start
        start = text.find(wanted, start + 1)
    return None


def _inside(text: str, place: int) -> bool:
    """Whether a word goes on across this place."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    return before.isalnum() and after.isalnum() and not (_SPACELESS.match(before) or _SPACELESS.match(after))


def _sentence(text: str, start: int, end: int) -> str:
    marks = [mark.end() for mark in _ENDS.finditer(text)]
    first = max((mark for mark in marks if mark <= start), default=0)
    last = min((mark for mark in marks if mark >= end), default=len(text))
    return shown(text[first:last]).text
