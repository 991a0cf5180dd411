"""A history: experience as a memory would receive it, and what is true about it. Read from and written as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

KINDS = ("event", "fact", "preference", "task", "procedure")


@dataclass(frozen=True, slots=True)
class Event:
    """`occurred_at` carries its offset."""

    id: str
    content: str
    kind: str
    occurred_at: datetime
    session_id: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Planted:
    """Events that say the same thing again and again, oldest first."""

    name: str
    event_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """`old` is the last event that states the superseded value, `new` the first that denies or replaces it; `old_ids`
    and `new_ids` are all that state the one and the other (each at least the event of the pair)."""

    old: str
    new: str
    old_ids: tuple[str, ...]
    new_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """`noise`: events that belong to no pattern and state neither side of a contradiction."""

    patterns: tuple[Planted, ...]
    contradictions: tuple[Contradiction, ...]
    noise: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class History:
    """`events`: oldest first."""

    name: str
    seed: int
    events: tuple[Event, ...]
    truth: Truth

    def dumps(self) -> str:
        return json.dumps(as_json(self), ensure_ascii=False, indent=1)

    @classmethod
    def loads(cls, text: str) -> History:
        """Raises `ValueError` where the text is no history, or its truth speaks of events that aren't there."""
        try:
            return from_json(json.loads(text))
        except (KeyError, TypeError) as exc:
            raise ValueError(f"not a history: {exc!r}") from exc


def as_json(history: History) -> dict[str, Any]:
    truth = history.truth
    return {
        "name": history.name,
        "seed": history.seed,
        "events": [
            {
                "id": event.id,
                "content": event.content,
                "kind": event.kind,
                "occurred_at": event.occurred_at.isoformat(),
                "session_id": event.session_id,
                "user_id": event.user_id,
            }
            for event in history.events
        ],
        "truth": {
            "patterns": [{"name": each.name, "event_ids": list(each.event_ids)} for each in truth.patterns],
            "contradictions": [
                {"old": each.old, "new": each.new, "old_ids": list(each.old_ids), "new_ids": list(each.new_ids)}
                for each in truth.contradictions
            ],
            "noise": list(truth.noise),
        },
    }


def from_json(data: Mapping[str, Any]) -> History:
    truth = data["truth"]
    history = History(
        name=data["name"],
        seed=data["seed"],
        events=tuple(_event(each) for each in data["events"]),
        truth=Truth(
            patterns=tuple(Planted(each["name"], tuple(each["event_ids"])) for each in truth["patterns"]),
            contradictions=tuple(_contradiction(each) for each in truth["contradictions"]),
            noise=tuple(truth["noise"]),
        ),
    )
    _check(history)
    return history


def joined(name: str, seed: int, parts: Sequence[History]) -> History:
    """One history of many people's: each part keeps to users and sessions of its own, ids are numbered anew."""
    events: list[tuple[int, Event]] = [(part, event) for part, history in enumerate(parts) for event in history.events]
    events.sort(key=lambda pair: (pair[1].occurred_at, pair[0]))
    ids = {(part, event.id): f"e{number}" for number, (part, event) in enumerate(events, start=1)}

    def renamed(part: int, old: Iterable[str]) -> tuple[str, ...]:
        return tuple(ids[part, each] for each in old)

    return History(
        name=name,
        seed=seed,
        events=tuple(
            replace(
                event,
                id=ids[part, event.id],
                session_id=None if event.session_id is None else f"{part}-{event.session_id}",
                user_id=f"{part}-{event.user_id or 'me'}",
            )
            for part, event in events
        ),
        truth=Truth(
            patterns=tuple(
                Planted(f"{part}-{each.name}", renamed(part, each.event_ids))
                for part, history in enumerate(parts)
                for each in history.truth.patterns
            ),
            contradictions=tuple(
                Contradiction(
                    ids[part, each.old],
                    ids[part, each.new],
                    renamed(part, each.old_ids),
                    renamed(part, each.new_ids),
                )
                for part, history in enumerate(parts)
                for each in history.truth.contradictions
            ),
            noise=tuple(each for part, history in enumerate(parts) for each in renamed(part, history.truth.noise)),
        ),
    )


def _event(data: Mapping[str, Any]) -> Event:
    at = datetime.fromisoformat(data["occurred_at"])
    if at.tzinfo is None:
        raise ValueError(f"event {data['id']}: occurred_at has no offset")
    if data["kind"] not in KINDS:
        raise ValueError(f"event {data['id']}: unknown kind {data['kind']!r}")
    return Event(data["id"], data["content"], data["kind"], at, data.get("session_id"), data.get("user_id"))


def _contradiction(data: Mapping[str, Any]) -> Contradiction:
    old, new = data["old"], data["new"]
    return Contradiction(old, new, tuple(data.get("old_ids") or (old,)), tuple(data.get("new_ids") or (new,)))


def _check(history: History) -> None:
    known = {event.id for event in history.events}
    if len(known) != len(history.events):
        raise ValueError("two events of one id")
    truth = history.truth
    named = [*truth.noise]
    named += [each for pattern in truth.patterns for each in pattern.event_ids]
    for change in truth.contradictions:
        named += [change.old, change.new, *change.old_ids, *change.new_ids]
        if change.old not in change.old_ids or change.new not in change.new_ids:
            raise ValueError(f"the pair ({change.old}, {change.new}) isn't among its own old_ids and new_ids")
    if unknown := sorted(set(named) - known):
        raise ValueError(f"the truth speaks of events that aren't there: {unknown[:5]}")
