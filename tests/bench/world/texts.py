"""Texts to remember and questions about them: made up, the same in every run.

`spoken` resembles turns of a conversation (about two dozen common words, which is what an
embedding model is fed with); `rare` draws words from a long-tailed vocabulary (which is
what a lexical index is fed with).
"""

from __future__ import annotations

import random
from functools import cache

import numpy as np
from numpy.typing import NDArray

_NAMES = "Ada Ben Cora Dev Elif Finn Gus Hana Ivo June Kofi Lena Milo Nora Omar Pia Quinn Rosa Sami Tess".split()
_VERBS = "bought borrowed repaired lost found painted sold cleaned planned cancelled described photographed".split()
_THINGS = (
    "the old bicycle,a jar of honey,the garden shed,her grandmother's recipe,a second-hand piano,the train tickets,"
    "his sketchbook,a tent,the school newsletter,a pair of boots,the kitchen table,a telescope,the guest list"
).split(",")
_PLACES = (
    "near the harbour,at the Saturday market,behind the library,in the mountains,at work,on the way to Lisbon,"
    "at the swimming pool,in the community garden,at her sister's flat,by the river"
).split(",")
_REASONS = (
    "because the weather turned,since nobody else had time,to surprise a friend,before the holidays began,"
    "although it cost too much,after a long phone call,while the children slept,so the band could rehearse"
).split(",")
_AFTER = (
    "It took the whole afternoon,Everyone laughed about it later,That was a relief,The neighbours helped,"
    "Nothing like that had happened before,They want to do it again next year,It rained all the same"
).split(",")
_STOP_WORDS = "the of and to in is it that was for on are with as his they at be this from or had by but".split()
_VOCABULARY = 20_000


def spoken(count: int, seed: int) -> list[str]:
    """No two are the same, whatever the seed."""
    choose = random.Random(seed)
    return [_turn(choose, f"{seed}-{index}") for index in range(count)]


def questions(count: int, seed: int) -> list[str]:
    choose = random.Random(seed)
    return [
        f"Who {choose.choice(_VERBS)} {choose.choice(_THINGS)} {choose.choice(_PLACES)}, "
        f"and was {choose.choice(_NAMES)} there? ({seed}-{index})"
        for index in range(count)
    ]


def _turn(choose: random.Random, mark: str) -> str:
    who, friend = choose.sample(_NAMES, 2)
    return (
        f"{who}: I {choose.choice(_VERBS)} {choose.choice(_THINGS)} {choose.choice(_PLACES)} "
        f"{choose.choice(_REASONS)}. {friend} {choose.choice(_VERBS)} {choose.choice(_THINGS)}, too. "
        f"{choose.choice(_AFTER)} (note {mark})."
    )


def rare(count: int, seed: int, words: int = 12) -> list[str]:
    drawn = np.random.default_rng(seed).choice(_VOCABULARY, size=(count, words), p=_zipf())
    return [" ".join(f"w{word}x" for word in row) + f" n{seed}y{index}" for index, row in enumerate(drawn)]


@cache
def _zipf() -> NDArray[np.float64]:
    weights = 1 / np.arange(1, _VOCABULARY + 1, dtype=np.float64) ** 0.9
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def wordless(count: int, seed: int) -> list[str]:
    """Nothing but stop words: a lexical index finds nothing by them, so only vectors are left to search with."""
    choose = random.Random(seed)
    return [" ".join(choose.choices(_STOP_WORDS, k=20)) for _ in range(count)]
