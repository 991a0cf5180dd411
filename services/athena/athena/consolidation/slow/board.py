"""What of a cluster is shown to the model, in which words, under which names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from athena.consolidation.slow.text.folding import Traced, folded, shown
from athena.consolidation.types import Evidence

MOST_EVENTS = 24
MOST_CHARS = 6_000
LONGEST_EVENT = 400
# Less than this of an event says nothing: rather fewer events then.
_SHORTEST_CUT = 80
# Name, day and time in front of each event.
_HEAD = 32


@dataclass(frozen=True, slots=True)
class Shown:
    """`text`: what is shown of the event, without the mark that it was cut; `folded`: the same as it is compared, its
    places pointing into the event's own text."""

    name: str
    event: Evidence
    text: str
    cut: bool
    folded: Traced

    @property
    def line(self) -> str:
        """The note as it stands in a question, one line."""
        return f"{self.name} {self.note}"

    @property
    def note(self) -> str:
        return f"({self.event.at:%Y-%m-%d %a %H:%M}) {self.text}{'…' if self.cut else ''}"


def board(events: Sequence[Evidence], chars: int = MOST_CHARS) -> tuple[Shown, ...]:
    """Oldest first, evenly over the time where there are too many, together within `chars` characters; the longest
    are cut first. Empty events are left out, and of two with one id the second."""
    found: dict[str, tuple[Evidence, Traced]] = {}
    for event in sorted(events, key=lambda event: (event.at, event.id)):
        # One character more than is ever shown, to know whether there is more.
        traced = shown(event.text, LONGEST_EVENT + 1)
        if event.id not in found and any(sign.isalnum() for sign in traced.text):
            found[event.id] = (event, traced)
    picked = _spread(list(found.values()), min(MOST_EVENTS, max(2, chars // (_SHORTEST_CUT + _HEAD))))
    longest = _cap([len(traced.text) for _, traced in picked], chars - _HEAD * len(picked))
    return tuple(_shown(f"e{n}", event, traced, longest) for n, (event, traced) in enumerate(picked, 1))


def _shown(name: str, event: Evidence, traced: Traced, longest: int) -> Shown:
    cut = len(traced.text) > longest
    text = traced.text[:longest].rstrip() if cut else traced.text
    kept = Traced(text, traced.places[: len(text)])
    return Shown(name, event, text, cut, folded(kept))


def _spread(events: list[tuple[Evidence, Traced]], most: int) -> list[tuple[Evidence, Traced]]:
    if len(events) <= most:
        return events
    step = (len(events) - 1) / (most - 1)
    return [events[round(step * index)] for index in range(most)]


def _cap(lengths: Sequence[int], room: int) -> int:
    """The length to which the longest must be cut so that all together fit."""
    longest = LONGEST_EVENT
    left, waiting = room, sorted(lengths)
    while waiting and waiting[0] * len(waiting) <= left:
        left -= waiting.pop(0)
    if waiting:
        longest = min(longest, max(_SHORTEST_CUT, left // len(waiting)))
    return longest
