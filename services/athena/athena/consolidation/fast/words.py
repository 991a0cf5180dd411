"""The words of all events as numbers: content stems, how rare each is, and a small vector per event made of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from athena.compression.extract.words import stem
from athena.compression.extract.words import words as split_words

# Longer texts are compared by their beginning: what an event is about stands there.
HEAD = 1200
WIDTH = 192
_MARKS = 8
_TERMS_PER_EVENT = 48
_CHUNK = 4096

STOP = frozenset(
    "a about after again all also am an and any are aren as at be because been before being but by can could "
    "couldn d "
    "did didn do does doesn doing don down each even ever few for from further get gets getting got had hadn "
    "has hasn "
    "have haven having he her here hers him his how i if in into is isn it its itself just let ll m me more "
    "most much "
    "must my myself no nor not now of off on once one only or other our ours out over own quite rather re "
    "really s same "
    "she should shouldn since so some still such t than that the their theirs them then there these they thing "
    "things "
    "this those through to too under until up upon us ve very was wasn we were weren what when where which while who "
    "whom whose why will with won would wouldn yet you your yours yourself today tonight yesterday tomorrow already "
    "always usually usual often sometimes never went go going gone goes come came comes make made makes did done do "
    "take took taken takes put give gave given first last next new old way lot bit back around this these".split()
)
# What people say to be polite: a conversation is full of it, and it is about nothing.
FILLER = frozenset(
    "hey hi hello thanks thank welcome wow yeah yes yep nope okay ok sure great good nice cool awesome amazing glad "
    "happy sorry please bye oh ah haha lol absolutely definitely totally congrats congratulations appreciate sounds "
    "sound hear hearing know think guess love really so exciting excited wonderful fantastic right tell talk catch "
    "see say said look looks like want feel feeling support supportive lucky proud cheers luck fun photo pic picture "
    "image everyone someone something anything mean means meant word words kind encourage encouraging encouragement "
    "worries motivate motivating inspire inspiring grateful thankful positivity determination".split()
)
_NUMBER = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Words:
    """`terms` are the content stems of event i at `starts[i]:starts[i + 1]`, without repetition, in order of first
    use; `vocabulary[t]` is a stem; `weights` is how much a term says (rare: much; a number: little)."""

    starts: NDArray[np.int64]
    terms: NDArray[np.int32]
    vocabulary: tuple[str, ...]
    counts: NDArray[np.int32]
    weights: NDArray[np.float32]

    def of(self, event: int) -> NDArray[np.int32]:
        return self.terms[self.starts[event] : self.starts[event + 1]]


def content(text: str) -> list[str]:
    """The stems of `text` that carry meaning, in order, each once."""
    found = dict.fromkeys(_stem(word) for word in split_words(text[:HEAD]) if word not in STOP)
    found.pop("", None)
    return list(found)[:_TERMS_PER_EVENT]


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    return stem(word) if len(word) > 1 or not word.isascii() or word.isdigit() else ""


def read(texts: Sequence[str]) -> Words:
    """The words of `texts`; the same text gives the same terms wherever it stands."""
    numbers: dict[str, int] = {}
    flat: list[int] = []
    starts = np.zeros(len(texts) + 1, np.int64)
    for index, text in enumerate(texts):
        flat.extend(numbers.setdefault(term, len(numbers)) for term in content(text))
        starts[index + 1] = len(flat)
    terms = np.asarray(flat, np.int32)
    counts = np.bincount(terms, minlength=len(numbers)).astype(np.int32)
    return Words(starts, terms, tuple(numbers), counts, _weights(tuple(numbers), counts, len(texts)))


def _weights(vocabulary: tuple[str, ...], counts: NDArray[np.int32], total: int) -> NDArray[np.float32]:
    weights = np.log1p(total / np.maximum(counts, 1)).astype(np.float32)
    # A word said once can't join two events; it only tells them apart, and not much: people vary their words.
    weights[counts < 2] *= 0.5
    soft = np.fromiter((_softness(term) for term in vocabulary), np.float32, len(vocabulary))
    return weights * soft


def _softness(term: str) -> float:
    if term in _FILLER_STEMS:
        return 0.3
    return 0.3 if _NUMBER.search(term) else 1.0


_FILLER_STEMS = frozenset(stem(word) for word in FILLER) | FILLER


def is_filler(term: str) -> bool:
    return term in _FILLER_STEMS


def vectors(words: Words) -> NDArray[np.float16]:
    """(n, WIDTH), rows of length 1 (0 without words): their inner products are about the cosines of weighted words."""
    places, signs = _marks(words.vocabulary)
    rows = len(words.starts) - 1
    out = np.zeros((rows, WIDTH), np.float16)
    for start in range(0, rows, _CHUNK):
        stop = min(start + _CHUNK, rows)
        low, high = words.starts[start], words.starts[stop]
        terms = words.terms[low:high]
        owner = np.repeat(np.arange(stop - start), np.diff(words.starts[start : stop + 1]))
        cells = (owner[:, None] * WIDTH + places[terms]).ravel()
        values = (signs[terms] * words.weights[terms][:, None]).ravel()
        block = np.bincount(cells, values, (stop - start) * WIDTH).reshape(-1, WIDTH)
        norms = np.sqrt((block**2).sum(axis=1, keepdims=True))
        out[start:stop] = block / np.maximum(norms, 1e-9)
    return out


def _marks(vocabulary: tuple[str, ...]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Where each term stands in a word vector: fixed by its letters alone."""
    digests = b"".join(hashlib.blake2b(term.encode(), digest_size=2 * _MARKS).digest() for term in vocabulary)
    codes = np.frombuffer(digests, "<u2").reshape(-1, _MARKS).astype(np.int64)
    signs = np.where(codes & 0x8000, 1.0, -1.0).astype(np.float32)
    return codes % WIDTH, signs
