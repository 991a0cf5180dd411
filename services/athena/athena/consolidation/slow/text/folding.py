"""Text as it is shown to a model, and as it is compared; each character knows where in the original it stood."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

# A chat template's own marks (`<|im_start|>`, `</s>`, `[INST]`) must not be read as such, nor may a fence be closed.
_SHOWN = str.maketrans({"<": "‹", ">": "›", "[": "(", "]": ")"})
_QUOTES = dict.fromkeys("\"'`´‘’‚‛“”„‟′″‹›«»<>", "'")
_DASHES = dict.fromkeys("-‐‑‒–—―−", "-")
_BRACKETS = {"[": "(", "]": ")", "…": "...", "ı": "i"}
_SAME = str.maketrans({**_QUOTES, **_DASHES, **_BRACKETS})


@dataclass(frozen=True, slots=True)
class Traced:
    """`places[i]`: where in the original the character `text[i]` comes from."""

    text: str
    places: tuple[int, ...]


def shown(text: str, limit: int | None = None) -> Traced:
    """One line, without control characters, invisible and direction marks or halves of characters, and with nothing
    in it that a chat template or a fence could be made of. At most `limit` characters."""
    kept: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(text):
        if limit is not None and len(kept) >= limit:
            break
        visible = _visible(sign)
        if not visible or (visible == " " and (not kept or kept[-1] == " ")):
            continue
        kept.append(visible)
        places.append(place)
    while kept and kept[-1] == " ":
        kept.pop()
        places.pop()
    return Traced("".join(kept), tuple(places))


def folded(traced: Traced) -> Traced:
    """As it is compared: lower case, no accents, one kind of quotation marks, dashes, brackets and spaces."""
    kept: list[str] = []
    places: list[int] = []
    for sign, place in zip(traced.text, traced.places, strict=True):
        for each in _folded_sign(sign):
            if each == " " and (not kept or kept[-1] == " "):
                continue
            kept.append(each)
            places.append(place)
    return Traced("".join(kept), tuple(places))


def fold(text: str) -> str:
    return folded(shown(text)).text.strip()


def _visible(sign: str) -> str:
    if sign.isspace() or unicodedata.category(sign) == "Cc":
        return " "
    if unicodedata.category(sign) in ("Cf", "Cs"):
        return ""
    return sign.translate(_SHOWN)


def _folded_sign(sign: str) -> Iterator[str]:
    for each in unicodedata.normalize("NFKD", sign.translate(_SAME)).casefold():
        if "\u0300" <= each <= "\u036f":
            continue
        yield " " if each.isspace() else each.translate(_SAME)
