"""The lines of an export: what each kind holds, written and read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec

from athena.errors import InvalidInput
from athena.memory.types import Kind

VERSION = 2
# Of version 1, all that is new has a default.
_READ = (1, VERSION)
_HINT = "nothing was imported"

_Text = Annotated[str, msgspec.Meta(min_length=1)]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
_Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class EmbeddingReference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A generation by what makes its vectors what they are. The vectors themselves are made anew."""

    model: str
    dim: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    prefix_document: str
    prefix_query: str


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="record", tag="header"):
    """How many of each follow."""

    format: Literal["athena-memory"]
    version: int
    memories: _Count | None = None
    tombstones: _Count | None = None
    evidence: _Count | None = None
    twins: _Count | None = None
    reviews: _Count | None = None
    rejections: _Count | None = None
    embedding: EmbeddingReference | None = None


class Belief(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was believed of a memory before, until `known_until`. `holds`: it was true then, to this day."""

    valid_from: _Moment
    valid_until: _Moment | None
    superseded_by: UUID | None
    known_until: _Moment
    holds: bool = False


class MemoryRecord(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="record", tag="memory"
):
    """One version of one memory. `previous`: the memory before it in its session; `beliefs`: oldest first."""

    id: UUID
    lineage: UUID | None = None
    supersedes: UUID | None = None
    superseded_by: UUID | None = None
    previous: UUID | None = None
    project: _Text
    user_id: str | None = None
    agent_id: str | None = None
    session_id: _Text | None = None
    memory_type: Kind
    content: str
    occurred_at: _Moment | None = None
    valid_from: _Moment
    valid_until: _Moment | None = None
    recorded_at: _Moment
    importance: _Share = 0.5
    tags: list[str] = []
    source: str | None = None
    times_seen: _Count = 1
    last_seen_at: _Moment | None = None
    expires_at: _Moment | None = None
    derived: bool = False
    beliefs: list[Belief] = []
    fingerprint: _Sha256 | None = None
    # As it was written: numbers here may be longer than any that Python's floats hold.
    metadata: msgspec.Raw = msgspec.Raw(b"{}")


class TombstoneRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="record", tag="tombstone"):
    """That a memory was, and when it was forgotten."""

    id: UUID
    lineage: UUID
    project: _Text
    recorded_at: _Moment
    forgotten_at: _Moment


class EvidenceRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="record", tag="evidence"):
    """What a pattern was concluded from, and the words there that speak for it."""

    pattern: UUID
    memory: UUID
    quote: str


class TwinRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="record", tag="twin"):
    """That a memory says what `original` said before it, in nearly the same words."""

    memory: UUID
    original: UUID
    likeness: _Share
    since: _Moment


class ReviewRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="record", tag="review"):
    """That a memory stands on one that is true no longer, and is to be looked at."""

    memory: UUID
    because: UUID
    since: _Moment


class RejectionRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="record", tag="rejection"):
    """That a pattern was forgotten by a person, and isn't to be found again from these memories."""

    project: _Text
    memories: list[UUID]
    at: _Moment


class End(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="record", tag="end"):
    """`sha256`: of all bytes before this line."""

    sha256: _Sha256 | None = None


# What speaks of memories, and comes after them.
Link: TypeAlias = EvidenceRecord | TwinRecord | ReviewRecord | RejectionRecord
Content: TypeAlias = MemoryRecord | TombstoneRecord | Link
Record: TypeAlias = Header | Content | End


class _Version(msgspec.Struct):
    """Of a header of any version."""

    record: Literal["header"]
    format: Literal["athena-memory"]
    version: int


_decoder = msgspec.json.Decoder(Record)
_version = msgspec.json.Decoder(_Version)
encode = msgspec.json.Encoder().encode


def bad(line: int, problem: str) -> InvalidInput:
    return InvalidInput(f"line {line}: {problem}", hint=_HINT)


def decode(line: bytes, number: int) -> Record:
    """Raises `InvalidInput`, naming the line."""
    if number == 1:
        _check_version(line)
    try:
        record: Record = _decoder.decode(line)
        if isinstance(record, MemoryRecord):
            _check_metadata(record.metadata, number)
        if isinstance(record, Content):
            _check_moments(record, number)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise bad(number, _plain(exc)) from exc
    return record


def _check_metadata(metadata: msgspec.Raw, number: int) -> None:
    raw = bytes(metadata)
    if not raw.startswith(b"{"):
        raise bad(number, "metadata must be an object")
    raw.decode()


def _check_moments(record: Content | Belief, number: int) -> None:
    for belief in record.beliefs if isinstance(record, MemoryRecord) else ():
        _check_moments(belief, number)
    for name in record.__struct_fields__:
        moment = getattr(record, name)
        if isinstance(moment, datetime):
            try:
                moment.astimezone(UTC)
            except OverflowError as exc:
                raise bad(number, f"{name} must be between the years 1 and 9999") from exc


def _check_version(line: bytes) -> None:
    try:
        version = _version.decode(line).version
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise bad(1, "this is no export of Athena's: it must begin with a header") from exc
    if version not in _READ:
        raise InvalidInput(
            f"line 1: this export has format {version}, this Athena reads up to format {VERSION}", hint="update Athena"
        )


def _plain(exc: Exception) -> str:
    """What is wrong, without what was said there: a memory may be nobody else's business."""
    if isinstance(exc, msgspec.ValidationError):
        return str(exc).replace("$.", "")
    if isinstance(exc, UnicodeDecodeError):
        return "this isn't UTF-8"
    if isinstance(exc, RecursionError):
        return "this is nested too deep"
    return f"this isn't JSON ({exc})"
