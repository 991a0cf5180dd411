"""JSON for servers that can't read everything that clients write."""

from __future__ import annotations

import json
import re

import msgspec

from athena.gateway.types import Json

# Half of a surrogate pair, as text has it that was cut at the wrong place.
_HALF = re.compile("[\ud800-\udfff]")


def encoded(body: Json) -> bytes:
    """Halves of surrogate pairs become the sign for what can't be read."""
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
