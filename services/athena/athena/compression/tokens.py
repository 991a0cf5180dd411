"""How many tokens a text is, without a tokenizer."""

from __future__ import annotations

import re

# One match, one token: a word's first ten letters, three digits, two signs, a line's end with its indent.
# Against cl100k_base: English prose 1.02, Markdown 1.01, Python 1.10, JSON 0.95 to 1.12, logs 0.90,
# hashes 0.97, Chinese and Russian 0.8, Arabic 0.7, French 1.2. Ratios of similar texts are closer than that.
_TOKEN = re.compile(
    r" ?[a-zA-Z]{1,10}|\d{1,3}|\s*\n\s*|[\U0001F000-\U0001FFFF]|[^\w\s]{1,2}"
    r"|[\u00c0-\u04ff\u0600-\u06ff]{1,2}|[^\W\d_a-zA-Z]|_| {2,}|\t+"
)
_STEP = 1 << 20


def estimate(text: str) -> int:
    """The same for the same text, everywhere; linear time."""
    if len(text) <= _STEP:
        return len(_TOKEN.findall(text))
    # A list of all matches of an enormous text would be larger than the text.
    return sum(len(_TOKEN.findall(text, start, start + _STEP)) for start in range(0, len(text), _STEP))
