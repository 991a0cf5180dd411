"""What tools give back: long, repetitive, with one line that matters."""

from __future__ import annotations

import json


def log_of(lines: int, mark: str = "kiln") -> str:
    """Of a build, with one error in its middle."""
    said = [
        f"2026-11-20 12:00:{at % 60:02d} INFO worker {at % 7}: compiled module {mark}_{at} in {at * 13 % 97} ms"
        for at in range(lines)
    ]
    said[lines // 2] = f"2026-11-20 12:00:30 ERROR worker 3: module {mark}_main fails: undefined symbol fire_{mark}"
    return "\n".join(said)


def table_of(rows: int) -> str:
    """Of JSON with much space in it: shortened without loss, and so always in the same way."""
    return json.dumps(
        [{"kiln": at, "hot": at * 7 % 13, "fuel": {"kind": "gas", "amount": at}} for at in range(rows)], indent=8
    )
