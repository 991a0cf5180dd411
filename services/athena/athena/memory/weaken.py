"""What becomes of a pattern when events that it was concluded from are forgotten.

It says that evidence was removed. Where its words came from what is gone, it speaks in the words of what is left; with
nothing left, or half a change, it goes too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from athena.memory.identity import fingerprint, speaker
from athena.memory.types import Kind, NewMemory, Scope
from athena.memory.words import words

# These say when and of what sort, in words of their own.
_KEPT = frozenset(("type", "rhythm", "exemplar", "by", "first", "last", "old", "new"))


@dataclass(frozen=True, slots=True)
class Fate:
    """What a version of a pattern becomes. `content` None: it keeps its words."""

    id: int
    uid: str
    lineage: Any
    project_id: int
    becomes: Literal["weaker", "forgotten"]
    is_current: bool
    metadata: str = "{}"
    content: str | None = None
    fingerprint: bytes = b""
    speaker: str | None = None


def fate(row: Mapping[str, Any]) -> Fate:
    """`row`: of the statement `weakened`."""
    metadata = json.loads(row["metadata"])
    pattern = metadata.get("pattern")
    pattern = pattern if isinstance(pattern, dict) else {}
    is_current = row["superseded_by"] is None
    gone = _words(row["texts"]) - _words(row["quotes"])
    rhythm = pattern.get("rhythm")
    own = row["content"].removesuffix(f" ({rhythm})") if rhythm else row["content"]
    spoke = pattern.get("exemplar") in set(map(str, row["uids"])) or not gone.isdisjoint(words(own))
    lost = row["support"] == 0 or pattern.get("type") == "change"
    base = (row["id"], str(row["uid"]), row["lineage"], row["project_id"])
    if lost or (spoke and not is_current):
        return Fate(*base, "forgotten", is_current)
    pattern = {
        **_without(pattern, gone),
        "support": row["support"],
        "evidence_removed": _number(pattern.get("evidence_removed")) + len(row["uids"]),
    }
    if not spoke:
        return Fate(*base, "weaker", is_current, json.dumps({**metadata, "pattern": pattern}))
    pattern["exemplar"] = str(row["others"][0])
    content = row["quotes"][0].strip() + (f" ({rhythm})" if rhythm else "")
    new = NewMemory(content, Kind(row["kind"]), Scope("", row["user_id"], row["agent_id"], row["session"]))
    return Fate(
        *(*base, "weaker", is_current, json.dumps({**metadata, "pattern": pattern})),
        *(content, fingerprint(new), speaker(content)),
    )


def _without(pattern: Mapping[str, Any], gone: frozenset[str]) -> dict[str, Any]:
    """Without what is told in words that are gone."""
    kept: dict[str, Any] = {}
    for key, value in pattern.items():
        if key in _KEPT or not _tells(value, gone):
            kept[key] = value
        elif isinstance(value, list):
            kept[key] = [each for each in value if not _tells(each, gone)]
    return kept


def _tells(value: Any, gone: frozenset[str]) -> bool:
    if isinstance(value, str):
        return not gone.isdisjoint(words(value))
    if isinstance(value, dict):
        return any(_tells(each, gone) for pair in value.items() for each in pair)
    return isinstance(value, list) and any(_tells(each, gone) for each in value)


def _words(texts: Sequence[str]) -> frozenset[str]:
    return frozenset(word for text in texts for word in words(text))


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
