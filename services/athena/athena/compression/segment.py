"""Cuts a text into blocks by what they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from athena.compression import kinds
from athena.compression.types import Block, Kind

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]*\1[ \t]*$\n?|\Z)", re.DOTALL | re.MULTILINE)


def segment(text: str) -> list[Block]:
    """Blocks that follow each other and together are the whole text."""
    if not text:
        return []
    whole = kinds.of_whole(text)
    if whole is not None:
        return [Block(whole, 0, len(text))]
    talk = kinds.labels(text)
    blocks: list[Block] = []
    for kind, start, end in _pieces(text, talk):
        if blocks and _belongs(blocks[-1].kind, kind):
            last = blocks.pop()
            blocks.append(Block(kind if last.kind == "blank" else last.kind, last.start, end))
        else:
            blocks.append(Block(kind, start, end))
    return blocks


def _pieces(text: str, talk: frozenset[str]) -> Iterator[Block]:
    at = 0
    for fence in _FENCE.finditer(text):
        yield from _paragraphs(text, at, fence.start(), talk)
        yield Block("code", fence.start(), fence.end())
        at = fence.end()
    yield from _paragraphs(text, at, len(text), talk)


def _paragraphs(text: str, start: int, end: int, talk: frozenset[str]) -> Iterator[Block]:
    """Runs of lines, each with the blank ones that follow it.

    `talk`: the labels of who speaks; with some, what isn't plainly something else is part of the talk.
    """
    at = begun = start
    blank_seen = False
    while at < end:
        after = text.find("\n", at, end) + 1 or end
        blank = not text[at:after].strip()
        if blank_seen and not blank:
            yield Block(kinds.of_run(text[begun:at], talk), begun, at)
            begun = at
        blank_seen = blank
        at = after
    if begun < end:
        yield Block(kinds.of_run(text[begun:end], talk), begun, end)


def _belongs(before: Kind, kind: Kind) -> bool:
    return before == kind or "blank" in (before, kind)
