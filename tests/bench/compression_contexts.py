"""LoCoMo conversations as one text each, and what a plain compressor makes of such a text.

The data is not part of the project: its licence allows measuring, not shipping.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from athena.compression import estimate
from athena.compression.extract.words import terms

_CATEGORIES = (1, 2, 3, 4)
_DIALOGUE_ID = re.compile(r"D\d+:\d+")


@dataclass(frozen=True, slots=True)
class Question:
    """`evidence`: indexes of the turns that answer it."""

    text: str
    category: int
    evidence: frozenset[int]


@dataclass(frozen=True, slots=True)
class Context:
    """`text`: the whole conversation, a date line before each session, one turn per line."""

    name: str
    text: str
    turns: tuple[str, ...]
    questions: tuple[Question, ...]


def read(path: Path) -> list[Context]:
    return [_context(sample) for sample in json.loads(path.read_text())]


def kept(turns: Sequence[str], evidence: Iterable[int], shorter: str) -> bool:
    """All of these turns are there, whole."""
    return all(turns[index] in shorter for index in evidence)


def _context(sample: dict[str, Any]) -> Context:
    talk = sample["conversation"]
    numbers = sorted(int(match[1]) for key in talk if (match := re.fullmatch(r"session_(\d+)", key)))
    lines: list[str] = []
    turns: list[str] = []
    places: dict[str, int] = {}
    for number in numbers:
        lines.append(f"\n{talk[f'session_{number}_date_time']}\n")
        for turn in talk[f"session_{number}"]:
            picture = f" [image: {turn['blip_caption']}]" if turn.get("blip_caption") else ""
            places[turn["dia_id"]] = len(turns)
            turns.append(" ".join(f"{turn['speaker']}: {turn['text']}{picture}".split()))
            lines.append(turns[-1])
    asked = [
        Question(pair["question"], pair["category"], evidence)
        for pair in sample["qa"]
        if pair["category"] in _CATEGORIES and (evidence := _evidence(pair.get("evidence") or [], places))
    ]
    return Context(sample["sample_id"], "\n".join(lines).strip() + "\n", tuple(turns), tuple(asked))


def _evidence(named: list[Any], places: dict[str, int]) -> frozenset[int]:
    found = (id for each in named for id in _DIALOGUE_ID.findall(str(each)))
    return frozenset(places[id] for id in found if id in places)


def truncated(context: Context, tokens: int) -> set[int]:
    """The newest turns."""
    return _filled(context, range(len(context.turns) - 1, -1, -1), tokens)


def drawn(context: Context, tokens: int, dice: random.Random) -> set[int]:
    return _filled(context, dice.sample(range(len(context.turns)), len(context.turns)), tokens)


class PlainBm25:
    """BM25 over stems, each turn's score with a third of both neighbours'. No dates, speakers, sessions or marks."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._documents = [Counter(terms(turn)) for turn in context.turns]
        self._lengths = [document.total() for document in self._documents]
        self._mean = sum(self._lengths) / len(self._lengths)

    def kept(self, query: str, tokens: int) -> set[int]:
        scores = [0.0] * len(self._documents)
        for word in set(terms(query)):
            holding = sum(word in document for document in self._documents)
            rarity = math.log(1 + (len(scores) - holding + 0.5) / (holding + 0.5))
            for index, document in enumerate(self._documents):
                if often := document[word]:
                    norm = 1.2 * (0.25 + 0.75 * self._lengths[index] / self._mean)
                    scores[index] += rarity * often * 2.2 / (often + norm)
        padded = [0.0, *scores, 0.0]
        near = [padded[i + 1] + (padded[i] + padded[i + 2]) / 3 for i in range(len(scores))]
        return _filled(self._context, sorted(range(len(near)), key=lambda index: -near[index]), tokens)


def _filled(context: Context, order: Iterable[int], tokens: int) -> set[int]:
    """As many as fit, in that order; nothing is paid for the places where something is missing."""
    chosen: set[int] = set()
    for index in order:
        size = estimate(context.turns[index] + "\n")
        if size <= tokens:
            tokens -= size
            chosen.add(index)
    return chosen
