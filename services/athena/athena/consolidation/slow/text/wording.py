"""What a sentence says, as far as words can tell: what it is about, whom and how many it names, what turns it round."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

from athena.compression.extract import words
from athena.consolidation.slow.text import lexicon
from athena.consolidation.slow.text.folding import fold

_TOKEN = re.compile(r"\d+(?:[.,:/-]\d+)*|[^\W\d_]+(?:[^\W_]*[^\W\d_])?|[^\W_]+")
_NOT = re.compile(r"\b(\w+?)n't\b")
_STEMS_OF_NOT = {"ca": "can", "wo": "will", "sha": "shall"}
_PHRASES = (
    (re.compile(r"\bused to\b"), " usedto "),
    (re.compile(r"\b(?:no|not any) (?:longer|more)\b|\banymore\b"), " not "),
    (re.compile(r"\b(?:gave|give|given|giving) up\b"), " stopped "),
    (re.compile(r"\brather than\b"), " instead "),
    (re.compile(r"'s\b|'(?:ll|ve|re|m|d)\b"), " "),
)
# Two stems with this much in common are one word: "organis" and "organiz", but not "contract" and "contrast".
_COMMON_START = 5


@dataclass(frozen=True, slots=True)
class Wording:
    """`content`: stems of what it is about. `sequence`: those and its numbers, in their order; `anchors`: the names and
    numbers among them. `bounds`: words that claim more than "now and then". `turns`: what turns or weakens it.
    `negated`: for each negation the stem that follows it and the one after. `asks`: it is a question. `renews`: it says
    that something is otherwise now."""

    content: frozenset[str]
    sequence: tuple[str, ...]
    anchors: tuple[str, ...]
    bounds: frozenset[str]
    turns: frozenset[str]
    negated: tuple[tuple[str, ...], ...]
    asks: bool
    renews: bool = False

    def has(self, stem: str) -> bool:
        return stem in self.content or any(alike(stem, other) for other in self.content)

    def share_of(self, stems: Collection[str]) -> float:
        """Which share of these it has; all of none."""
        return sum(self.has(stem) for stem in stems) / len(stems) if stems else 1.0


def wording(text: str, names: Collection[str] = ()) -> Wording:
    """`names`: lower-case words to be taken for names beside those that begin with a capital."""
    tokens = tokenised(text)
    capitals = _capitals(text)
    content: list[str] = []
    sequence: list[str] = []
    anchors: list[str] = []
    for token in tokens:
        number = token[0].isdigit() or token in lexicon.NUMBERS
        if not number and not is_content(token):
            continue
        stem = _number(token) if number else stem_of(token)
        sequence.append(stem)
        if number or token in capitals or token in names:
            anchors.append(stem)
        if not number:
            content.append(stem)
    return Wording(
        frozenset(content),
        tuple(sequence),
        tuple(anchors),
        frozenset(stem_of(token) for token in tokens if token in lexicon.BOUNDS or token in lexicon.META),
        frozenset(_turn(token) for token in tokens if token in lexicon.TURNS),
        tuple(_after_negations(tokens)),
        text.rstrip(" '\"”»)").endswith(("?", "？")),
        any(token in lexicon.CHANGES for token in tokens),
    )


def tokenised(text: str) -> list[str]:
    """Words and numbers as they are compared, "don't" as "do not"; scripts without spaces in pairs of signs."""
    flat = _NOT.sub(lambda found: f"{_STEMS_OF_NOT.get(found[1], found[1])} not", fold(text))
    for phrase, instead in _PHRASES:
        flat = phrase.sub(instead, flat)
    found: list[str] = []
    for token in _TOKEN.findall(flat):
        found += [token] if token.isascii() else words.words(token)
    return found


def is_content(token: str) -> bool:
    """Whether it is about something: no small word, no frame such as "usually", nothing that only turns or bounds."""
    if token[0].isdigit() or token in lexicon.NUMBERS or token in lexicon.NEGATIONS:
        return False
    return not (token in lexicon.FRAMES or token in lexicon.BOUNDS or token in lexicon.TURNS) and bool(
        words.terms(token)
    )


@lru_cache(maxsize=1 << 14)
def stem_of(token: str) -> str:
    return words.stem(lexicon.IRREGULAR.get(token, token))


def alike(one: str, other: str) -> bool:
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    same = next((n for n, pair in enumerate(zip(short, long, strict=False)) if pair[0] != pair[1]), len(short))
    return same >= _COMMON_START and same >= len(long) - 1


def in_order(wanted: Iterable[str], there: Iterable[str]) -> bool:
    """Whether all that is wanted stands there in this order; other things may stand between."""
    rest = iter(there)
    return all(any(alike(each, other) for other in rest) for each in wanted)


def _turn(token: str) -> str:
    stem = words.stem(token)
    return "forget" if stem.startswith("forg") else "hop" if stem.startswith("hop") else stem


def _number(token: str) -> str:
    """`1,000` is `1000`, and `07:00` is `7:00`."""
    plain = re.sub(r",(?=\d{3}\b)", "", token)
    return plain.lstrip("0") or "0"


def _capitals(text: str) -> frozenset[str]:
    """Words with a capital inside a sentence, as they are compared."""
    found: set[str] = set()
    for sentence in re.split(r"(?<=[.!?:])\s+", text):
        for token in sentence.replace("'s", "").replace("’s", "").split()[1:]:
            bare = token.strip("\"'“”‘’«»‹›()[]{},.;:!?…-")
            if bare[:1].isupper():
                found.update(_TOKEN.findall(fold(bare)))
    return frozenset(found)


def _after_negations(tokens: list[str]) -> Iterable[tuple[str, ...]]:
    for place, token in enumerate(tokens):
        if token in lexicon.NEGATIONS:
            after = [stem_of(each) for each in tokens[place + 1 : place + 6] if is_content(each)]
            yield tuple(after[:2])
