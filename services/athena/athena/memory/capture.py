"""Turns that passed through the gateway become events: what a person said, and the final answer.

Only where somebody consented (by key or by project; the caller sees to that). Tools' noise never gets
here, secrets and recalled notes are taken out, and the same turn sent twice is captured once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from athena.core.marked import holds_mark, unmarked
from athena.errors import Conflict
from athena.memory.redact import redacted
from athena.memory.types import Kind, NewMemory, Receipt, Scope

TAG = "captured"
SOURCE = "capture"
# A pasted log is noise; what a person says about it is not.
_LONGEST = 20_000
# Looked through for secrets beyond the cut, so that none is cut in two.
_MARGIN = 4_000


class Remember(Protocol):
    """`MemoryService.remember`."""

    async def __call__(
        self, items: Sequence[NewMemory], *, idempotency_key: str | None = None, principal: str = ""
    ) -> list[Receipt]: ...


@dataclass(frozen=True, slots=True)
class Turn:
    """`key` stands for this turn of this conversation: the same however often it is sent. `said` are the person's
    own words, `answer` the model's final ones; `at`: when the answer was there."""

    project: str
    principal: str
    session: str
    agent: str | None
    key: bytes
    said: str
    answer: str
    model: str
    at: datetime


class Capture:
    """Raises what `remember` does: `StoreUnavailable`, for one, and then the turn may be given again."""

    def __init__(self, remember: Remember) -> None:
        self._remember = remember

    async def __call__(self, turn: Turn) -> list[Receipt]:
        """Two events, or none: where a side says nothing that may be kept, and where the turn is known."""
        said, answer = _kept(turn.said), _kept(turn.answer)
        if not said or not answer:
            return []
        events = [_event(turn, "user", "User", said), _event(turn, "assistant", "Assistant", answer)]
        try:
            return await self._remember(
                events, idempotency_key=f"capture/{turn.project}/{turn.key.hex()}", principal=turn.principal
            )
        except Conflict:
            # The turn was asked again and answered otherwise: the first answer stands.
            return []


def _event(turn: Turn, role: str, speaker: str, text: str) -> NewMemory:
    return NewMemory(
        # The speaker in front, as the ranking expects of talk.
        f"{speaker}: {text}",
        Kind.EVENT,
        Scope(turn.project, None, turn.agent, turn.session),
        occurred_at=turn.at.astimezone(UTC),
        tags=(TAG,),
        metadata={"role": role, "turn": turn.key.hex()[:32], "model": turn.model},
        source=SOURCE,
    )


def _kept(text: str) -> str:
    """What may be remembered of it; empty for nothing."""
    own = unmarked(text[: _LONGEST + _MARGIN])
    if holds_mark(own):
        return ""
    safe = redacted(own.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")).strip()
    return safe if len(safe) <= _LONGEST else f"{safe[:_LONGEST]}…"
