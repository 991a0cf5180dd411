"""Who is who: ids that sort by time, what makes two memories the same one, who speaks."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import unicodedata
import uuid

from athena.memory.types import Kind, NewMemory

# A chat turn begins with who said it: "Ada: …", "Ada Lovelace: …". Three words at most, so
# that a sentence with a colon in it is no speaker.
_SPEAKER = re.compile(r"\A([^\W\d_][\w.'’-]*(?:[ ][\w.'’-]+){0,2}):\s")


def new_uid() -> uuid.UUID:
    """A version 7 UUID (RFC 9562): 48 bits of milliseconds, then random."""
    random = int.from_bytes(os.urandom(10))
    value = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def fingerprint(memory: NewMemory) -> bytes:
    """Two memories with one fingerprint in one project are the same memory, remembered twice.

    The same words about the same user, agent and session are one fact, whatever else is
    said of them. Events repeat: two of them are one only if they also happened at the same
    time and carry the same metadata (a message's id, say).
    """
    parts: list[object] = [
        memory.kind.value,
        memory.scope.user_id,
        memory.scope.agent_id,
        memory.scope.session_id,
        unicodedata.normalize("NFC", memory.content).strip(),
    ]
    if memory.kind is Kind.EVENT:
        parts += [memory.occurred_at.timestamp() if memory.occurred_at else None, memory.metadata]
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).digest()


def request_hash(memories: list[NewMemory]) -> bytes:
    """Tells a repeated request from another one that uses its idempotency key."""
    canonical = [
        [
            fingerprint(memory).hex(),
            memory.scope.project,
            memory.importance,
            list(memory.tags),
            memory.metadata,
            memory.source,
            *(
                moment.timestamp() if moment else None
                for moment in (memory.occurred_at, memory.valid_from, memory.valid_until)
            ),
            # Only where it is given: requests that were answered before there was such a field keep their hash.
            *([memory.expires_at.timestamp()] if memory.expires_at else ()),
        ]
        for memory in memories
    ]
    return hashlib.sha256(json.dumps(canonical, sort_keys=True).encode()).digest()


def speaker(content: str) -> str | None:
    """The label that a chat turn begins with, or None."""
    match = _SPEAKER.match(content)
    return match.group(1) if match else None
