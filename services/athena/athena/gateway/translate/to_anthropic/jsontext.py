"""JSON in and out. Cut text may hold half of a surrogate pair, which only the standard library reads and writes."""

from __future__ import annotations

import json
from typing import Any

import msgspec

_decode = msgspec.json.Decoder().decode


def decoded(data: bytes | str) -> Any:
    """Raises `ValueError` for what is no JSON."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        try:
            return json.loads(data)
        except RecursionError as exc:
            raise ValueError("nested too deep") from exc


def encoded(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()
