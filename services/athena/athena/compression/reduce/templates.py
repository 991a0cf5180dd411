"""Neighbouring lines of one form, as the form and a table of what differs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from athena.compression.protect import protect
from athena.compression.types import Span

_LEAST_LINES = 4
# Another form is harder to read: it must be a good deal shorter.
_WORTH_IT = 0.85
_HOLE = "{}"
_BETWEEN = " | "
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class _Line:
    """`atoms`: words, and what protection holds together; `gaps`: what is before, between and after them."""

    text: str
    atoms: tuple[str, ...]
    gaps: tuple[str, ...]


def tabled(text: str) -> str:
    """`[n lines: a {} b {}]` and then n lines `x | y`: nothing is lost, every atom stays whole."""
    shorter: list[str] = []
    for group in _groups(list(_lines(text, protect(text)))):
        shorter.append(_table(group) or "".join(line.text for line in group))
    return "".join(shorter)


def _lines(text: str, spans: Sequence[Span]) -> Iterator[_Line]:
    at = 0
    first = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        while first < len(spans) and spans[first].end <= at:
            first += 1
        last = first
        while last < len(spans) and spans[last].start < end:
            last += 1
        yield _line(text, at, end, spans[first:last])
        at = end


def _line(text: str, start: int, end: int, spans: Sequence[Span]) -> _Line:
    atoms: list[str] = []
    gaps: list[str] = []
    at, span = start, 0
    while (match := _WORD.search(text, at, end)) is not None:
        stop = match.end()
        # A span that goes on behind the word's end takes the next words along.
        while span < len(spans) and spans[span].start < stop:
            if spans[span].end > stop:
                further = _WORD.search(text, spans[span].end - 1, end)
                stop = further.end() if further else end
            span += 1
        gaps.append(text[at : match.start()])
        atoms.append(text[match.start() : stop])
        at = stop
    gaps.append(text[at:end])
    return _Line(text[start:end], tuple(atoms), tuple(gaps))


def _groups(lines: list[_Line]) -> Iterator[list[_Line]]:
    group: list[_Line] = []
    for line in lines:
        if group and (line.gaps != group[0].gaps or not _alike(line, group[0])):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _alike(line: _Line, other: _Line) -> bool:
    same = sum(a == b for a, b in zip(line.atoms, other.atoms, strict=True))
    return same * 5 >= len(line.atoms) * 2


def _table(group: list[_Line]) -> str | None:
    if len(group) < _LEAST_LINES or not group[0].text.endswith("\n"):
        return None
    columns = list(zip(*(line.atoms for line in group), strict=True))
    varying = [len(set(column)) > 1 for column in columns]
    if any(_HOLE in atom or _BETWEEN in atom for column in columns for atom in column) or not any(varying):
        return None
    gaps = group[0].gaps
    form = "".join(
        gap + (_HOLE if varies else column[0]) for gap, column, varies in zip(gaps, columns, varying, strict=False)
    )
    form += gaps[-1][:-1]
    kept = [index for index, varies in enumerate(varying) if varies]
    rows = "".join(_BETWEEN.join(line.atoms[index] for index in kept) + "\n" for line in group)
    table = f"[{len(group)} lines: {form}]\n{rows}"
    return table if len(table) < _WORTH_IT * sum(len(line.text) for line in group) else None
