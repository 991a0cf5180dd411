"""The newest part of a conversation, for a window that is too small for all of it. Said aloud whenever it's done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from athena.gateway.types import Json

Message = dict[str, Json]

_MOST_MESSAGES: Final = 10
_MOST_TOKENS: Final = 6000
_LEADING: Final = ("system", "developer")


def trimmed(messages: Sequence[Message], tokens: int, room: int) -> list[Message] | None:
    """The leading system messages and the newest ten others at most, of about 6,000 tokens at most, beginning with
    something that a user says: never with the answer to a call that was left out. `messages` are of the OpenAI wire,
    `tokens` what they were counted to be, `room` what they may be. None where even the newest turn is too much."""
    head = 0
    while head < len(messages) and messages[head].get("role") in _LEADING:
        head += 1
    sizes = [_size(message) for message in messages]
    per_token = max(1.0, sum(sizes) / max(1, tokens))
    left = min(room, _MOST_TOKENS) * per_token - sum(sizes[:head])
    start, first = len(messages), None
    for place in range(len(messages) - 1, head - 1, -1):
        left -= sizes[place]
        if left < 0 or len(messages) - place > _MOST_MESSAGES:
            break
        start = place
        if messages[place].get("role") == "user":
            first = start
    if first is None or first == head:
        return None
    return [*messages[:head], *messages[first:]]


def _size(message: Message) -> int:
    """Characters, as good a measure of tokens as any between messages of one conversation."""
    return len(str(message.get("content") or "")) + len(str(message.get("tool_calls") or ""))
