"""The field types that bodies and queries are made of, with their limits.

JSON can carry what PostgreSQL can't store (the character U+0000, halves of a
surrogate pair) and what JSON itself doesn't know (NaN, Infinity, which Python's
parser takes): each is refused here, naming the field, and never further in.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

MAX_CONTENT = 1_000_000
MAX_QUERY = 8_000
MAX_NAME = 256
MAX_TAGS = 64
MAX_TAG = 128
MAX_BATCH = 1_000
MAX_METADATA_BYTES = 64 * 1024
MAX_METADATA_DEPTH = 32

_DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9})\d*)?([Zz]|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)


def _storable(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain the character U+0000")
    return value


def _date_time(value: Any) -> datetime:
    """A moment in UTC. A date alone is its midnight, a time without an offset is UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    match = _DATE_TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a date and time as in 2026-11-20T09:30:00Z")
    day, clock, fraction, offset = match.groups()
    text = f"{day}T{clock or '00:00'}"
    if fraction:
        text += f"{'' if clock and clock.count(':') == 2 else ':00'}.{fraction[:6].ljust(6, '0')}"
    try:
        moment = datetime.fromisoformat(text + ((offset or "+00:00").upper()))
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise ValueError("must be a date and time that exists, between the years 1 and 9999") from exc


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    _walk(value)
    if len(json.dumps(value, ensure_ascii=False).encode()) > MAX_METADATA_BYTES:
        raise ValueError(f"must be at most {MAX_METADATA_BYTES} bytes of JSON")
    return value


def _walk(root: dict[str, Any]) -> None:
    pending: list[tuple[Any, int]] = [(root, 1)]
    while pending:
        value, depth = pending.pop()
        if depth > MAX_METADATA_DEPTH:
            raise ValueError(f"must not be nested deeper than {MAX_METADATA_DEPTH}")
        if isinstance(value, dict):
            pending.extend((key, depth) for key in value)
            pending.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list):
            pending.extend((item, depth + 1) for item in value)
        else:
            _scalar(value)


def _scalar(value: Any) -> None:
    if isinstance(value, str):
        _storable(value)
        try:
            value.encode()
        except UnicodeEncodeError as exc:
            raise ValueError("must not contain half of a surrogate pair") from exc
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must not contain NaN or Infinity")


def whole(value: Any) -> Any:
    """JSON has one kind of number: 3.0 is an integer there. true and "3" are not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be an integer")
    return value


def number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    return value


Text = Annotated[str, AfterValidator(_storable)]
Content = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_CONTENT),
    AfterValidator(_storable),
    Field(description="The text, kept to the last character."),
]
Query = Annotated[str, StringConstraints(min_length=1, max_length=MAX_QUERY), AfterValidator(_storable)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME), AfterValidator(_storable)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TAG), AfterValidator(_storable)]
Tags = Annotated[list[Tag], Field(max_length=MAX_TAGS)]
Cursor = Annotated[str, StringConstraints(min_length=1, max_length=18, pattern=r"^[0-9]+$")]
MemoryId = Annotated[UUID, Field(description="A memory's id, as `remember` answered it.")]
Metadata = Annotated[
    dict[str, Any],
    AfterValidator(_metadata),
    Field(description="Anything of yours, given back as it was. At most 64 KiB of JSON."),
]
Flag = Annotated[bool, Field(strict=True)]
# The bounds come first: behind a validator they would be checked but not be in the schema.
Importance = Annotated[float, Field(ge=0, le=1), BeforeValidator(number)]
RecallLimit = Annotated[int, Field(ge=1, le=100), BeforeValidator(whole)]
PageLimit = Annotated[int, Field(ge=1, le=500), BeforeValidator(whole)]
ForgetLimit = Annotated[int, Field(ge=1, le=10_000), BeforeValidator(whole)]
Dimension = Annotated[int, Field(ge=1, le=4_000), BeforeValidator(whole)]
MaxTokens = Annotated[int, Field(ge=1, le=32_768), BeforeValidator(whole)]
Moment = Annotated[
    datetime,
    BeforeValidator(_date_time),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
