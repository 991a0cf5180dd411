"""What stands where something was left out, and by which id it can be had."""

from __future__ import annotations

import hashlib

from athena.compression.types import Elision

SHORT = "[…]"
SHORT_TOKENS = 3
FULL_TOKENS = 18
LEGEND_TOKENS = 20
# Marks with an id each may take this share of what is kept; beyond it they are short, and one line names one id.
FULL_SHARE = 0.06


def elision(text: str) -> Elision:
    """Half surrogates are hashed too: nothing that can be in a text has no id."""
    return Elision(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12], text)


def full(left_out: Elision) -> str:
    return f"[… {_size(left_out.text)} elided, id={left_out.id}]"


def legend(left_out: Elision, places: int) -> str:
    """Of a text in which every gap is marked `SHORT`; the id's text is the whole original."""
    return f"[… elided in {places} places, id={left_out.id}]"


def squeezed(left_out: Elision) -> str:
    return f"[… words elided above, id={left_out.id}]"


def _size(text: str) -> str:
    lines = text.strip("\n").count("\n") + 1
    return f"{lines} lines" if lines > 1 else f"{len(text.split())} words"
