"""JSON in and out. Cut text may hold half of a surrogate pair, which only the standard library reads and writes."""

from __future__ import annotations

import json
import re

import msgspec

from athena.gateway.types import Json

# Half of a surrogate pair, as text has it that was cut at the wrong place.
_HALF = re.compile("[\ud800-\udfff]")


_decode = msgspec.json.Decoder().decode


def decoded(data: bytes | str) -> Json:
    """Raises `ValueError` for what is no JSON."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        try:
            return json.loads(data)
        except RecursionError as exc:
            raise ValueError("nested too deep") from exc


def faithful(value: Json) -> bytes:
    """What `decoded` reads, it writes: halves of surrogate pairs too, without a space too many."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def encoded(body: Json) -> bytes:
    """For servers that can't read everything that clients write: halves become the sign for what can't be read."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return _HALF.sub("\ufffd", json.dumps(body, ensure_ascii=False)).encode()


def readable(body: Json) -> Json:
    """The same, not yet as bytes; nearly no body holds any."""
    try:
        msgspec.json.encode(body)
    except UnicodeEncodeError:
        return json.loads(encoded(body))
    return body
