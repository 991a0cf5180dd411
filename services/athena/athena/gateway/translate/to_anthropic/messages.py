"""OpenAI's conversation to Anthropic's: who speaks, in which order, and what must stand beside what.

What a conversation begins with is translated the same, however it goes on, so that Anthropic's cache is hit and its
thinking stays bound to what it was bound to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from athena.errors import InvalidInput
from athena.gateway.translate.errors import CannotCarry
from athena.gateway.translate.to_anthropic import calls, parts
from athena.gateway.translate.to_anthropic.claude import Claude
from athena.gateway.translate.to_anthropic.parts import Block
from athena.gateway.translate.to_anthropic.thinking import restored
from athena.gateway.types import Json

# Anthropic wants a user to speak first; chat UIs let the assistant greet.
_OPENING = "<system-reminder>\nThe assistant spoke first.\n</system-reminder>"


@dataclass(frozen=True, slots=True)
class Turn:
    role: Literal["user", "assistant", "system"]
    blocks: list[Block]


def conversation(
    messages: Sequence[Block], model_id: str, takes: Claude, signatures: Mapping[str, Json]
) -> tuple[list[Block], list[Block]]:
    """Anthropic's `system` and `messages`. Raises `CannotCarry` and `InvalidInput`."""
    turns = _turns(messages, model_id, signatures)
    opening = next((index for index, turn in enumerate(turns) if turn.role != "system"), len(turns))
    system = [block for turn in turns[:opening] for block in turn.blocks]
    spoken = _placed(turns[opening:], takes.late_system)
    if not spoken:
        raise CannotCarry("messages", "Anthropic answers a user: send what you ask as a message of role user")
    if spoken[0]["role"] == "assistant":
        spoken.insert(0, {"role": "user", "content": [{"type": "text", "text": _OPENING}]})
    return system, spoken


def _turns(messages: Sequence[Block], model_id: str, signatures: Mapping[str, Json]) -> list[Turn]:
    """Each message that says anything."""
    ids, turns = calls.Ids(), []
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        role = message.get("role")
        if role in ("system", "developer"):
            turn = Turn("system", parts.blocks(message.get("content"), f"{where}.content", "system"))
        elif role == "user":
            turn = Turn("user", parts.blocks(message.get("content"), f"{where}.content", "user"))
        elif role in ("tool", "function"):
            turn = Turn("user", [calls.result(message, where, ids, _of_tool)])
        elif role == "assistant":
            turn = Turn("assistant", _assistant(message, where, ids, model_id, signatures))
        else:
            raise InvalidInput(f"{where}.role: no role is called {role!r}")
        if turn.blocks:
            turns.append(turn)
    return turns


def _of_tool(content: Json, where: str) -> list[Block]:
    return parts.blocks(content, where, "tool")


def _assistant(
    message: Block, where: str, ids: calls.Ids, model_id: str, signatures: Mapping[str, Json]
) -> list[Block]:
    if message.get("audio") is not None:
        raise CannotCarry(f"{where}.audio", "a spoken answer is known to OpenAI alone; send its transcript as content")
    content, refusal = message.get("content"), message.get("refusal")
    uses = calls.uses(message, where, ids)
    entry = signatures.get(uses[0][0]) if uses else None
    if entry is not None:
        whole = restored(entry, model_id, parts.text_of(content), uses)
        if whole is not None:
            return whole
    said = parts.blocks(content, f"{where}.content", "assistant")
    if not said:
        said = parts.blocks(refusal, f"{where}.refusal", "assistant")
    return [*said, *(use for _, use in uses)]


def _placed(turns: Sequence[Turn], late_system: bool) -> list[Block]:
    """Turns by Anthropic's rules: a user's neighbours are one message, with tool results first; a late system
    message stands after a user's and before an assistant's or at the end. One that doesn't, or that the model
    wouldn't take, stays where it is as a reminder in the user's words."""
    placed: list[Block] = []
    for index, turn in enumerate(turns):
        role, blocks = turn.role, turn.blocks
        last = placed[-1]["role"] if placed else None
        if role == "system" and not (late_system and last in ("user", "system") and _before_answer(turns, index)):
            role, blocks = "user", [_reminder(block) for block in blocks]
        if role == last and role != "assistant":
            placed[-1]["content"] += blocks
        else:
            placed.append({"role": role, "content": list(blocks)})
    for message in placed:
        if message["role"] == "user" and len(message["content"]) > 1:
            message["content"].sort(key=lambda block: block["type"] != "tool_result")
    return placed


def _before_answer(turns: Sequence[Turn], index: int) -> bool:
    following = (turn.role for turn in turns[index + 1 :] if turn.role != "system")
    return next(following, "assistant") == "assistant"


def _reminder(block: Block) -> Block:
    return {**block, "text": f"<system-reminder>\n{block['text']}\n</system-reminder>"}
