"""A report as CSV, from its JSON form: what the API answers and what a command got from it are the same."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

# A spreadsheet takes a cell that begins like this for a formula, and names come from clients.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_of(report: Mapping[str, Any]) -> str:
    """A row for each line, without the total; nested fields as `tokens_input`, what isn't known as an empty cell."""
    out = io.StringIO()
    rows = [dict(_cells("", line)) for line in (*report["lines"], report["total"])]
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([report["by"] if name == "key" else name for name in rows[-1]])
    writer.writerows([row.values() for row in rows[:-1]])
    return out.getvalue()


def _cells(prefix: str, line: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in line.items():
        if isinstance(value, Mapping):
            yield from _cells(f"{prefix}{name}_", value)
        else:
            yield f"{prefix}{name}", _cell(value)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        # Without an exponent, which not every reader of CSV knows.
        return format(Decimal(repr(value)), "f")
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
