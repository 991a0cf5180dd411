"""Events as a caller has them, as columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from athena.consolidation.finding import Owner
from athena.consolidation.ports import Model
from athena.consolidation.reconcile import Known
from athena.consolidation.types import Events, PatternType
from athena.errors import AthenaError, InvalidInput

Given = str | Mapping[str, Any] | Any

_BATCH = 64
# What is longer than any model reads is known by how it begins.
_LONGEST = 4_000

log = structlog.get_logger(__name__)


async def columns(events: Sequence[Given], model: Model | None) -> tuple[Events, list[Owner]]:
    """Raises `InvalidInput`, naming the event."""
    rows = [_row(index, each) for index, each in enumerate(events)]
    if len({row["id"] for row in rows}) < len(rows):
        raise InvalidInput("two events have the same id")
    order = sorted(range(len(rows)), key=lambda i: (rows[i]["at"], rows[i]["id"]))
    rows = [rows[i] for i in order]
    owners: dict[Owner, int] = {}
    sessions: dict[str, int] = {}
    vectors = await _vectors([row["content"][:_LONGEST] for row in rows], model)
    return (
        Events(
            ids=tuple(row["id"] for row in rows),
            texts=tuple(row["content"][:_LONGEST] for row in rows),
            kinds=tuple(row["kind"] for row in rows),
            at=np.array([row["at"] for row in rows], np.float64),
            sessions=np.array(
                [-1 if row["session"] is None else sessions.setdefault(row["session"], len(sessions)) for row in rows],
                np.int32,
            ),
            scopes=np.array([owners.setdefault(row["owner"], len(owners)) for row in rows], np.int32),
            vectors=vectors,
        ),
        list(owners),
    )


def known(row: Mapping[str, Any]) -> Known:
    """A pattern of the store's."""
    metadata = json.loads(row["metadata"])
    type = metadata.get("pattern", {}).get("type", PatternType.THEME)
    evidence = frozenset(map(str, row["memories"]))
    return Known(str(row["uid"]), PatternType(type), row["content"], metadata, evidence, row["own"])


def _row(index: int, event: Given) -> dict[str, Any]:
    def get(*names: str) -> Any:
        for name in names:
            value = event.get(name) if isinstance(event, Mapping) else getattr(event, name, None)
            if value is not None:
                return value
        return None

    if isinstance(event, str):
        event = {"content": event}
    content = get("content", "text")
    if not isinstance(content, str) or not content.strip():
        raise InvalidInput(f"event {index} has no content", hint='{"content": "what happened"}')
    scope = get("scope")
    return {
        "id": str(get("id") or f"e{index}"),
        "content": content,
        "kind": str(get("memory_type", "kind") or "event"),
        "at": _at(index, get("occurred_at", "timestamp", "recorded_at")),
        "session": get("session_id", "session") or getattr(scope, "session_id", None),
        "owner": (
            get("user_id") or getattr(scope, "user_id", None),
            get("agent_id") or getattr(scope, "agent_id", None),
        ),
    }


def _at(index: int, moment: Any) -> float:
    if isinstance(moment, (int, float)):
        return float(moment)
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError as exc:
            raise InvalidInput(f"event {index}: {moment!r} is no time", hint="2026-05-08T13:56:00Z") from exc
    if moment is None:
        moment = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(days=index)
    return float((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


async def _vectors(texts: list[str], model: Model | None) -> NDArray[np.float32]:
    """(n, d), of length 1; (n, 0) where nobody embeds."""
    found: list[list[float]] = []
    try:
        for start in range(0, len(texts) if model is not None else 0, _BATCH):
            assert model is not None
            found += (await model.embed_many(texts[start : start + _BATCH])).embeddings
    except AthenaError as exc:
        log.warning("events are compared by words alone", reason=exc.message)
        found = []
    if not found:
        return np.zeros((len(texts), 0), np.float32)
    vectors = np.array(found, np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    np.divide(vectors, lengths, out=vectors, where=lengths > 0)
    return vectors
