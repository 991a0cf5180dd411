"""JSON without its white space, and lists of like objects as tables. Numbers and strings stay as they are written."""

from __future__ import annotations

import json
import re
from typing import Any

_STRING_OR_SPACE = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")|[ \t\r\n]+')
_LEAST_ROWS = 3
# Another form is harder to read: it must be a good deal shorter.
_WORTH_IT = 0.85


class _Raw(str):
    """A number as it was written: 1.0 isn't 1, and long ones have more digits than a float."""

    __slots__ = ()


class _NotRepresentable(Exception):
    pass


def without_spaces(text: str) -> str:
    """Of valid JSON; equal after parsing. The white space around it stays as one line's end, if it had one."""
    end = "\n" if text.endswith("\n") else ""
    return _STRING_OR_SPACE.sub(r"\1", text) + end


def as_tables(text: str) -> str:
    """`[{"a":1,"b":2},{"a":3,"b":4},…]` becomes `{"columns":["a","b"],"rows":[[1,2],[3,4],…]}`, at every depth.

    Only where all objects of a list have the same keys in the same order. Returns the text itself where
    nothing is won, or where a detail of the spelling would be lost (escapes, keys that occur twice).
    """
    if "\\u" in text or "\\/" in text:
        return text
    try:
        parsed = json.loads(
            text, parse_int=_Raw, parse_float=_Raw, parse_constant=_Raw, object_pairs_hook=_without_twice
        )
        shorter = _written(parsed)
    except (ValueError, RecursionError, _NotRepresentable):
        return text
    shorter += "\n" if text.endswith("\n") else ""
    return shorter if len(shorter) < _WORTH_IT * len(text) else text


def _without_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs) or found.keys() == {"columns", "rows"}:
        raise _NotRepresentable
    return found


def _written(value: Any) -> str:
    if isinstance(value, _Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_string(key)}:{_written(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        columns = _columns(value)
        if columns:
            names = ",".join(_string(name) for name in columns)
            rows = ",".join("[" + ",".join(_written(inner) for inner in row.values()) + "]" for row in value)
            return f'{{"columns":[{names}],"rows":[{rows}]}}'
        return "[" + ",".join(_written(inner) for inner in value) + "]"
    return _string(value) if isinstance(value, str) else json.dumps(value)


def _columns(value: list[Any]) -> tuple[str, ...]:
    """The keys that all members have, in one order; none if they aren't alike."""
    if len(value) < _LEAST_ROWS or not isinstance(value[0], dict):
        return ()
    keys = tuple(value[0])
    return keys if all(isinstance(row, dict) and tuple(row) == keys for row in value) else ()


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
