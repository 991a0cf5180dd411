"""Blank lines in a row, and the same line again and again."""

from __future__ import annotations

import re
from itertools import groupby

_BLANK_RUN = re.compile(r"(?<=\n)[ \t\r]*\n(?:[ \t\r]*\n)+")
_LEAST_REPEATS = 2


def without_blank_runs(text: str) -> str:
    """One blank line where there were several."""
    return _BLANK_RUN.sub("\n", text)


def counted(text: str) -> str:
    """A line that follows itself stands once, with how often it came again."""
    shorter: list[str] = []
    for line, group in groupby(text.splitlines(keepends=True)):
        again = sum(1 for _ in group) - 1
        shorter.append(line)
        note = f"[the line above {again} more times]\n"
        if again >= _LEAST_REPEATS and len(note) < again * len(line) and line.strip():
            shorter.append(note)
        else:
            shorter += [line] * again
    return "".join(shorter)
