"""Shorter without leaving anything out."""

from __future__ import annotations

from dataclasses import dataclass

from athena.compression import kinds
from athena.compression.reduce import jsontext, lines, python, templates
from athena.compression.types import Kind

__all__ = ["Reduced", "reduce"]


@dataclass(frozen=True, slots=True)
class Reduced:
    """`engines`: which reducers changed something."""

    text: str
    engines: tuple[str, ...] = ()


def reduce(text: str, kind: Kind, *, lossless_only: bool) -> Reduced:
    """Lossless: JSON and Python mean the same to their parsers, prose has fewer blank lines.

    Otherwise also other forms of the same content: tables of JSON objects, repeated lines counted,
    lines of one form as a table. Never longer.
    """
    steps: list[tuple[str, str]] = []
    if kind == "json":
        steps.append(("json", jsontext.without_spaces(text)))
        if not lossless_only:
            steps.append(("table", jsontext.as_tables(steps[-1][1])))
    elif kind == "code":
        tidied = python.without_blank_lines(text)
        if tidied != text and kinds.is_python(text):
            steps.append(("python", tidied))
    elif kind in ("prose", "chat", "quoted", "log", "tool_output", "blank"):
        steps.append(("blank", lines.without_blank_runs(text)))
        if kind in ("log", "tool_output") and not lossless_only:
            steps.append(("repeats", lines.counted(steps[-1][1])))
            steps.append(("templates", templates.tabled(steps[-1][1])))
    engines = []
    for engine, shorter in steps:
        if len(shorter) < len(text):
            text = shorter
            engines.append(engine)
    return Reduced(text, tuple(engines))
