"""What is kept or left out as one: a turn, a line, a sentence, with what it stands under."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from athena.compression import kinds
from athena.compression.tokens import estimate
from athena.compression.types import Block

# Characters. A line up to this is one thought; a longer one is cut into its sentences.
_WHOLE_LINE = 400
_WHOLE_TURN = 600
_WIDEST_WRAPPED = 130
_HEAD_WORDS = 14
_SENTENCE = re.compile(
    r".{2,}?(?:[.!?…]{1,8}[\"'”’)\]]{0,4}(?=\s+[^\sa-z])|[。！？]{1,8}[”」』）]{0,4}|(?=\n\s*\n)|\Z)\s*", re.DOTALL
)
_MARKED_HEAD = re.compile(
    r"\s*(?:#{1,6} |={3,}|-{3,}|\*\*[^*]+\*\*:?\s*$|\[[^\]]+\]\s*$|<[^>]+>\s*$|[A-Z][^.!?]{0,60}:\s*$)"
)
_DATE = re.compile(
    r"\b(?:\d{4}-\d\d-\d\d|\d{1,2}[:/.]\d\d\b|(?:19|20)\d\d\b|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday)",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.!?…。！？:;,]\W*$")
_BULLET = re.compile(r"\s*(?:[-*+•]|\d+[.)])\s")


@dataclass(frozen=True, slots=True)
class Unit:
    """`text[start:end]` of the whole text, trailing white space included.

    `section`: number of the part it is in; `head`: index of the unit that is this part's heading, -1
    without one (a heading's own is -1 too); `label`: who says it; `first`: it begins a paragraph.
    """

    start: int
    end: int
    tokens: int
    section: int
    head: int
    label: str
    first: bool
    is_head: bool


@dataclass(slots=True)
class _Section:
    number: int = 0
    head: int = -1


def units(text: str, blocks: list[Block]) -> list[Unit]:
    """Of these blocks (the elidable ones), in order."""
    found: list[Unit] = []
    where = _Section()
    for block in blocks:
        if found:
            where.number += 1
            where.head = -1
        talk = block.kind == "chat"
        for start, end, is_head, first, name in _cut(text, block):
            if is_head and found and found[-1].is_head and found[-1].end == start:
                # A heading under a heading: they stay together.
                start = found.pop().start
            elif is_head:
                where.number += 1
                where.head = -1
            tokens = estimate(text[start:end])
            found.append(Unit(start, end, tokens, where.number, where.head, name if talk else "", first, is_head))
            if is_head:
                where.head = len(found) - 1
    return found


_Cut = tuple[int, int, bool, bool, str]


def _cut(text: str, block: Block) -> Iterator[_Cut]:
    if block.kind == "chat":
        yield from _turns(text, block)
    elif block.kind in ("log", "tool_output"):
        for start, end in _with_continuations(text, block):
            yield start, end, False, False, ""
    else:
        yield from _paragraphs(text, block)


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Each with the blank lines after it."""
    at = start
    while at < end:
        after = text.find("\n", at, end) + 1 or end
        while after < end:
            further = text.find("\n", after, end) + 1 or end
            if text[after:further].strip():
                break
            after = further
        yield at, after
        at = after


def _turns(text: str, block: Block) -> Iterator[_Cut]:
    begun, name = -1, ""
    for start, end in _lines(text, block.start, block.end):
        line = text[start:end]
        said = kinds.label(line)
        is_head = not said and _is_head(line)
        if begun >= 0 and (said or is_head):
            yield from _said(text, begun, start, name)
            begun = -1
        if is_head:
            yield start, end, True, False, ""
            name = ""
        elif begun < 0:
            begun, name = start, said
    if begun >= 0:
        yield from _said(text, begun, block.end, name)


def _said(text: str, start: int, end: int, name: str) -> Iterator[_Cut]:
    if end - start <= _WHOLE_TURN:
        yield start, end, False, True, name
        return
    for index, (a, b) in enumerate(_sentences(text, start, end)):
        yield a, b, False, index == 0, name


def _with_continuations(text: str, block: Block) -> Iterator[tuple[int, int]]:
    """Indented lines go with the one above: a traceback's frames, a wrapped message."""
    begun, count = block.start, 0
    for start, _ in _lines(text, block.start, block.end):
        if start > begun and (count >= 8 or text[start] not in " \t"):
            yield begun, start
            begun, count = start, 0
        count += 1
    if begun < block.end:
        yield begun, block.end


def _paragraphs(text: str, block: Block) -> Iterator[_Cut]:
    paragraph: list[tuple[int, int]] = []
    for start, end in _lines(text, block.start, block.end):
        line = text[start:end]
        if not paragraph and end < block.end and _is_head(line):
            yield start, end, True, False, ""
            continue
        paragraph.append((start, end))
        if line.count("\n") > 1 or end == block.end:
            yield from _paragraph(text, paragraph)
            paragraph = []


def _paragraph(text: str, lines: list[tuple[int, int]]) -> Iterator[_Cut]:
    if _is_wrapped(text, lines):
        lines = [(lines[0][0], lines[-1][1])]
    first = True
    for start, end in lines:
        whole = end - start <= _WHOLE_LINE and text.find("\n", start, end - 1) < 0
        for a, b in [(start, end)] if whole else _sentences(text, start, end):
            yield a, b, False, first, ""
            first = False


def _is_wrapped(text: str, lines: list[tuple[int, int]]) -> bool:
    """Broken by hand at some width: lines of nearly one length that end anywhere in a sentence."""
    if len(lines) < 2:
        return False
    sizes = [end - start for start, end in lines[:-1]]
    if max(sizes) > _WIDEST_WRAPPED or min(sizes) < 0.6 * max(sizes) or max(sizes) < 40:
        return False
    if any(_BULLET.match(text[start : start + 8]) for start, _ in lines[1:]):
        return False
    return any(not _ENDS.search(text[start:end]) for start, end in lines[:-1])


def _is_head(line: str) -> bool:
    """It names what follows: marked as a heading, or short, with a date or without an end."""
    stripped = line.strip()
    if len(stripped) > 160 or stripped.count(" ") >= _HEAD_WORDS:
        return False
    if _MARKED_HEAD.match(stripped):
        return True
    if _BULLET.match(line):
        return False
    return bool(_DATE.search(stripped)) if not _ENDS.search(stripped) else False


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut after a sign that ends a sentence and before what can begin one; at worst, at a length."""
    at = start
    for match in _SENTENCE.finditer(text, start, end):
        if match.end() == at:
            break
        yield from _bounded(text, at, match.end())
        at = match.end()
    if at < end:
        yield from _bounded(text, at, end)


_LONGEST = 1200


def _bounded(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > _LONGEST:
        space = text.rfind(" ", start + _LONGEST // 2, start + _LONGEST) + 1
        cut = space or start + _LONGEST
        yield start, cut
        start = cut
    if start < end:
        yield start, end
