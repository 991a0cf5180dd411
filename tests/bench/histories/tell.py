"""Sentences from frames: `{slot}` takes a word from a list, `[this|that|]` one of its alternatives."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

_EITHER = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiouAEIOU])(?!(?:one|once|uni|use|usu|eu|ut)[a-z]*)")
_GAPS = re.compile(r"\s{2,}")
_BEFORE_MARK = re.compile(r"\s+([,.;!?:])(?=\s|$)")
_DOUBLE_STOP = re.compile(r"([!?])\.|(?<!\.)\.\.(?!\.)")
_NAME = re.compile(r"`|#|\S*[a-z][-_./][a-z]")
_CONTINUED = re.compile(r"\n[ \t]+")
_DEPTH = 4
_COMMON = frozenset("A All An As At Every For From He If In It My No On Our She So That The There They We".split())

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that can be told in several wordings. `hour`: when in the day it usually happens."""

    name: str
    hour: int
    parts: Mapping[str, tuple[str, ...]]

    def __getitem__(self, part: str) -> tuple[str, ...]:
        return self.parts.get(part, ())


class Cycle(Generic[T]):
    """Items in random order, each once before any comes again."""

    def __init__(self, rng: random.Random, items: Sequence[T]) -> None:
        self._rng, self._items, self._left = rng, tuple(items), list[T]()

    def next(self) -> T:
        if not self._left:
            self._left = list(self._items)
            self._rng.shuffle(self._left)
        return self._left.pop()

    def __iter__(self) -> Iterator[T]:
        while True:
            yield self.next()


@dataclass(slots=True)
class Teller:
    """Fills frames from `words`; what the caller passes by name goes before them."""

    rng: random.Random
    words: Mapping[str, Sequence[str]]
    _cycles: dict[str, Cycle[str]] = field(default_factory=dict)

    def fill(self, frame: str, **fixed: str) -> str:
        text = frame
        for _ in range(_DEPTH):  # what fills a slot may hold slots itself
            text = _EITHER.sub(lambda found: self.rng.choice(found[1].split("|")), text)
            text = _SLOT.sub(lambda found: fixed[found[1]] if found[1] in fixed else self.word(found[1]), text)
        return tidy(text)

    def word(self, slot: str) -> str:
        """Words come round evenly: a list of sixty gives sixty different ones before the first again."""
        if slot not in self._cycles:
            self._cycles[slot] = Cycle(self.rng, self.words[slot])
        return self._cycles[slot].next()

    def sentence(self, frame: str, **fixed: str) -> str:
        return capital(self.fill(frame, **fixed))


def tidy(text: str) -> str:
    text = _GAPS.sub(" ", text).strip()
    text = _ARTICLE.sub(r"\1n ", text)
    text = _BEFORE_MARK.sub(r"\1", text)
    return _DOUBLE_STOP.sub(lambda found: found[1] or ".", text)


def capital(text: str) -> str:
    """Of a sentence; a first word that is rather a name ("billing-api", "test_login") stays."""
    return text if _NAME.match(text) else text[:1].upper() + text[1:]


def lower(text: str) -> str:
    """For the middle of a sentence; a first word that may be a name stays."""
    return text[:1].lower() + text[1:] if text.split(" ", 1)[0] in _COMMON else text


def lines(block: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in block.strip().splitlines() if line.strip())


def variants(line: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in line.split(" / ") if each.strip())


def topics(block: str) -> tuple[Topic, ...]:
    """Paragraphs: a first line "name hour", then "part: wording / wording / wording"; a line that is indented goes on
    with the one before."""
    found = []
    for paragraph in re.split(r"\n\s*\n", block.strip()):
        head, *rest = lines(_CONTINUED.sub(" ", paragraph))
        name, _, hour = head.partition(" ")
        parts = {part: variants(text) for part, _, text in (line.partition(": ") for line in rest)}
        found.append(Topic(name, int(hour or 12), parts))
    return tuple(found)
