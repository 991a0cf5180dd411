"""Spans of a text, in Unicode code points: which were kept, and the text that they make.

What is kept is always a list of spans of the original, separators among them, so that
the shorter text is nothing but their concatenation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

Span = tuple[int, int]

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n")
_SPACE = re.compile(r"\s")
_MARK = re.compile(r"\W|_")
_CLOSING = ",.;:!?)]}%»”’…，。；：！？）"
_WORD_TEXT = re.compile(r"\S+")


def merged(spans: Iterable[Span]) -> list[Span]:
    """In order, without empty ones, those that touch or overlap made one."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def outside(spans: Sequence[Span], length: int) -> list[Span]:
    """The complement of merged `spans` in `0..length`."""
    result: list[Span] = []
    at = 0
    for start, end in spans:
        if start > at:
            result.append((at, start))
        at = end
    if at < length:
        result.append((at, length))
    return result


def trimmed(text: str, span: Span) -> Span:
    """Without white space at both ends; a span of nothing else stays as it is."""
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return span if start >= end else (start, end)


def uncovered(text: str, spans: Iterable[Span]) -> list[Span]:
    """Runs of characters other than white space that lie in none of the spans."""
    return [
        (match.start() + start, match.end() + start)
        for start, end in outside(merged(spans), len(text))
        for match in _WORD_TEXT.finditer(text[start:end])
    ]


def with_separators(text: str, words: Iterable[Span]) -> list[Span]:
    """The words' spans and, between them, the white space that keeps them apart.

    White space between neighbours stays verbatim. Where words went, one blank stays, or the line or
    paragraph break that lay there; where there was none, the mark that kept two words apart. Closing
    punctuation goes to what is before it. White space at both ends of the text stays.
    """
    kept = merged(words)
    if not kept:
        return []
    body = trimmed(text, (0, len(text)))
    result: list[Span] = [(0, body[0])]
    for (start, end), following in zip(kept, [*kept[1:], None], strict=True):
        result.append((start, end))
        if following is not None:
            result.append(_separator(text, end, following[0]))
    result.append((body[1], len(text)))
    return merged(result)


def joined(text: str, spans: Sequence[Span]) -> str:
    return "".join(text[start:end] for start, end in spans)


def _separator(text: str, start: int, end: int) -> Span:
    gap = text[start:end]
    if not gap.strip():
        return (start, end)
    before, after = text[start - 1], text[end]
    closes = after in _CLOSING and not gap[-1].isspace()
    if before.isspace() or after.isspace() or closes:
        return (start, start)
    found = _PARAGRAPH.search(gap) or re.search("\n", gap) or _SPACE.search(gap)
    if found is None and before.isalnum() and after.isalnum():
        found = _MARK.search(gap)
    return (start + found.start(), start + found.end()) if found else (start, start)
