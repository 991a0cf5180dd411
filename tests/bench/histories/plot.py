"""What happens in a history before it is one: statements on a time line, and what is planted among them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.bench.histories.history import Contradiction, Event, History, Planted, Truth
from tests.bench.histories.rhythm import Span

SMALLEST, LARGEST = 100, 2000
MIN_SUPPORT, MAX_SUPPORT = 4, 40
_USUAL_SUPPORT = 24


@dataclass(frozen=True, slots=True)
class Shape:
    """How much of what a history of a size holds. `planted`: events that are no noise, at most."""

    size: int
    patterns: int
    changes: int
    planted: int

    @classmethod
    def drawn(cls, rng: random.Random, size: int) -> Shape:
        if not SMALLEST <= size <= LARGEST:
            raise ValueError(f"size is {SMALLEST} to {LARGEST}, not {size}: join several histories for more")
        patterns = max(6, min(40, round(size / rng.uniform(19, 26)) + 2))
        changes = max(5, min(24, round(size / rng.uniform(45, 70)) + 2))
        planted = round(size * (1 - rng.uniform(0.33, 0.47)))
        return cls(size, patterns, changes, min(planted, patterns * _USUAL_SUPPORT))


@dataclass(eq=False, slots=True)
class Draft:
    """A statement that has no id yet."""

    at: datetime
    content: str
    kind: str = "event"
    user: str | None = None
    session: str | None = None


@dataclass(slots=True)
class Plot:
    rng: random.Random
    span: Span
    shape: Shape
    drafts: list[Draft] = field(default_factory=list)
    planted: list[tuple[str, list[Draft]]] = field(default_factory=list)
    changes: list[tuple[list[Draft], list[Draft]]] = field(default_factory=list)

    @classmethod
    def begun(cls, style: str, seed: int, size: int) -> Plot:
        """The same for the same arguments, in any process: a text seeds by its bytes."""
        rng = random.Random(f"{style} {seed} {size}")
        shape = Shape.drawn(rng, size)
        return cls(rng, Span.drawn(rng, (90, 200) if size < 500 else (180, 420)), shape)

    def say(self, at: datetime, content: str, kind: str = "event", user: str | None = None) -> Draft:
        draft = Draft(at, content, kind, user)
        self.drafts.append(draft)
        return draft

    def pattern(self, name: str, drafts: Sequence[Draft]) -> None:
        number = sum(1 for known, _ in self.planted if known.split("#")[0] == name)
        self.planted.append((f"{name}#{number + 1}" if number else name, list(drafts)))

    def change(self, old: Sequence[Draft], new: Sequence[Draft]) -> None:
        self.changes.append((list(old), list(new)))

    def supports(self, count: int) -> list[int]:
        """How often each of `count` more patterns is told, so that together they fill what is left of the plan."""
        left = max(self.shape.planted - len(self.drafts), count * MIN_SUPPORT)
        found = [MIN_SUPPORT] * count
        weights = [self.rng.uniform(0.3, 1.7) for _ in range(count)]
        for _ in range(left - sum(found)):
            room = [index for index in range(count) if found[index] < MAX_SUPPORT]
            if not room:
                break
            found[self.rng.choices(room, [weights[index] for index in room])[0]] += 1
        return found

    @property
    def missing(self) -> int:
        """Events to go until the history has its size."""
        return max(0, self.shape.size - len(self.drafts))

    def sessions(self, gap: timedelta | None, label: str) -> None:
        """A silence longer than `gap` ends a session; without one there are none."""
        if gap is None:
            return
        before, number = None, 0
        for draft in self._in_order():
            if before is None or draft.at - before > gap:
                number += 1
            before = draft.at
            draft.session = f"{label}-{number:04d}"

    def history(self, name: str, seed: int) -> History:
        order = self._in_order()
        ids = {id(draft): f"e{number}" for number, draft in enumerate(order, start=1)}

        def of(drafts: Sequence[Draft]) -> tuple[str, ...]:
            return tuple(ids[id(draft)] for draft in sorted(drafts, key=lambda draft: int(ids[id(draft)][1:])))

        meant = {id(draft) for _, drafts in self.planted for draft in drafts}
        meant |= {id(draft) for pair in self.changes for side in pair for draft in side}
        return History(
            name=name,
            seed=seed,
            events=tuple(Event(ids[id(d)], d.content, d.kind, d.at, d.session, d.user) for d in order),
            truth=Truth(
                patterns=tuple(Planted(pattern, of(drafts)) for pattern, drafts in self.planted),
                contradictions=tuple(
                    Contradiction(of(old)[-1], of(new)[0], of(old), of(new)) for old, new in self.changes
                ),
                noise=tuple(ids[id(draft)] for draft in order if id(draft) not in meant),
            ),
        )

    def _in_order(self) -> list[Draft]:
        return sorted(self.drafts, key=lambda draft: draft.at)  # stable: ties stay as they were said
