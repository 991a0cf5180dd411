"""Whether one statement ends another's truth: stricter than whether the two contradict.

A change that is told and was none is a nuisance; a fact that is closed and still holds is missing from every recall. So
it is closed only by a statement that says itself that something changed, or that is the same but for the value.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[\w'’.:/@+-]*\w|[%€$£]")
_LABEL = re.compile(r"\A[^\W\d_][\w.'’-]*(?: [\w.'’-]+){0,2}:\s")
# It says so itself. Not "yet" or "still": these keep.
_CUE = re.compile(
    r"\b(?:now|no longer|any ?more|instead of|rather than|used to|formerly|from now on|these days|nowadays|as of"
    r"|switched|moved|changed|swapped|replaced|migrated|renamed|raised|lowered|stopped|quit"
    r"|gave up|given up|not .{1,40} any ?more)\b",
    re.IGNORECASE,
)
_ADDS = re.compile(r"\b(?:also|too|as well|another|additionally|besides|both)\b", re.IGNORECASE)
# What somebody or something has one of at a time.
_ONE_AT_A_TIME = frozenset(
    "is are 's isn't aren't live lives work works prefer prefers use uses want wants take takes need needs drive drives"
    " start starts begin begins end ends run runs listen listens cost costs weigh weighs last lasts belong belongs"
    " point points wear wears study studies = stands lies".split()
)
# A name of one of several.
_ONE_OF_SEVERAL = frozenset("called named".split())
_VALUE_WORDS = 5


def replaces(old: str, new: str) -> bool:
    """English; of any other language: no."""
    old, new = _LABEL.sub("", old.strip()), _LABEL.sub("", new.strip())
    if _ADDS.search(new):
        return False
    return bool(_CUE.search(new)) or _same_but_for_the_value(_words(old), _words(new))


def _words(text: str) -> list[str]:
    return [word.casefold().rstrip(".") for word in _WORD.findall(text[:2_000])]


def _same_but_for_the_value(old: list[str], new: list[str]) -> bool:
    before = 0
    while before < min(len(old), len(new)) and old[before] == new[before]:
        before += 1
    after = 0
    while after < min(len(old), len(new)) - before and old[-1 - after] == new[-1 - after]:
        after += 1
    values = [words[before : len(words) - after] for words in (old, new)]
    said = old[:before]
    return (
        all(0 < len(value) <= _VALUE_WORDS for value in values)
        and not _ONE_AT_A_TIME.isdisjoint(said)
        and _ONE_OF_SEVERAL.isdisjoint(said)
    )
