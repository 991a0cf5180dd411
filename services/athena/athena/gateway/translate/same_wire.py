"""What must be set right even where client and provider speak alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from athena.gateway.translate.errors import CannotCarry
from athena.gateway.translate.foreign import MARK, is_foreign
from athena.gateway.types import Json

Message = dict[str, Json]

_MARK = MARK.encode()
_NOTHING = re.compile(rb'"content"\s*:\s*\[\s*\]')
# A message can't be empty: what was thought and never said is said to have been nothing.
_NO_ANSWER = {"type": "text", "text": "(no answer)"}


def without_foreign(messages: Sequence[Message], raw: bytes) -> Sequence[Message]:
    """Without thinking that another provider thought: Anthropic refuses what it didn't sign. Nor does it take an
    answer of nothing, which small models give. `raw`: the body, asked first, since nearly none holds either."""
    if _MARK not in raw and not _NOTHING.search(raw):
        return messages
    return [_without(message) for message in messages]


def with_signatures(messages: Sequence[Message], signatures: Mapping[str, Json]) -> Sequence[Message]:
    """With what the provider signed put back at its calls, where the client left it out. Messages that nothing is
    put into are the same objects."""
    if not signatures:
        return messages
    return [_with(message, signatures) for message in messages]


def signed_in(data: bytes, part: Literal["message", "delta"]) -> dict[str, Json]:
    """What a provider signed in an answer, or in an event of one, by the calls' ids. Never raises: what can't be read
    was signed by nobody."""
    try:
        answer = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return {}
    choices = answer.get("choices") if isinstance(answer, dict) else None
    found: dict[str, Json] = {}
    for choice in choices if isinstance(choices, list) else ():
        message = choice.get(part) if isinstance(choice, dict) else None
        calls = message.get("tool_calls") if isinstance(message, dict) else None
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict) and call.get("id") and call.get("extra_content"):
                found[str(call["id"])] = call["extra_content"]
    return found


def refuse_to_fetch(messages: Sequence[Message]) -> None:
    """A model's server of one's own would fetch pictures by itself, past the one way out: they must bring their data.
    Raises `CannotCarry`."""
    for place, message in enumerate(messages):
        content = message.get("content")
        for at, block in enumerate(content if isinstance(content, list) else ()):
            for name, named in block.items() if isinstance(block, dict) else ():
                url = named.get("url") if isinstance(named, dict) else named
                if not name.endswith("_url") or (isinstance(url, str) and url.startswith("data:")):
                    continue
                raise CannotCarry(
                    f"messages.{place}.content.{at}.{name}",
                    "a local model can't be sent to fetch a picture",
                    hint="send it as data:image/png;base64,…",
                )


def _without(message: Message) -> Message:
    content = message.get("content")
    if not isinstance(content, list) or message.get("role") != "assistant":
        return message
    kept = [block for block in content if not is_foreign(block)]
    return message if kept and len(kept) == len(content) else {**message, "content": kept or [_NO_ANSWER]}


def _with(message: Message, signatures: Mapping[str, Json]) -> Message:
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return message
    signed = [_signed(call, signatures) for call in calls]
    return (
        message
        if all(new is old for new, old in zip(signed, calls, strict=True))
        else {**message, "tool_calls": signed}
    )


def _signed(call: Json, signatures: Mapping[str, Json]) -> Json:
    if not isinstance(call, dict) or call.get("extra_content") or call.get("id") not in signatures:
        return call
    return {**call, "extra_content": signatures[call["id"]]}
