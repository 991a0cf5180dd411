"""What a model said in an answer that went through: its text, and whether that was its last word.

Read from the answer's bytes afterwards, beside the request: on its way through nobody decodes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from athena.gateway import sse
from athena.gateway.types import Json, Wire

_FINAL = {"anthropic": ("end_turn", "stop_sequence"), "openai": ("stop",)}


@dataclass(frozen=True, slots=True)
class Said:
    """`final`: the turn is over; not with tools still to be called, nor cut or refused."""

    text: str
    final: bool


def said(wire: Wire, content: bytes, *, streamed: bool) -> Said:
    """`content`: the whole answer in the client's wire. What can't be read says nothing."""
    try:
        if streamed:
            parser = sse.Parser()
            events = [*parser.feed(content), *parser.end()]
            return _streamed(wire, [_object(event.data) for event in events if event.data != b"[DONE]"])
        body = _object(content)
        return _anthropic(body) if wire == "anthropic" else _openai(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Said("", False)


def _object(data: bytes) -> dict[str, Json]:
    value = msgspec.json.decode(data)
    return value if isinstance(value, dict) else {}


def _anthropic(body: dict[str, Json]) -> Said:
    blocks = body.get("content")
    texts = [_text(block, "text") for block in blocks] if isinstance(blocks, list) else []
    return Said("".join(texts), body.get("stop_reason") in _FINAL["anthropic"])


def _openai(body: dict[str, Json]) -> Said:
    choice = _choice(body)
    message = choice.get("message")
    if not isinstance(message, dict):
        return Said("", False)
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    text = content if isinstance(content, str) else "".join(_text(part, "text") for part in parts)
    return Said(text, choice.get("finish_reason") in _FINAL["openai"] and not message.get("tool_calls"))


def _streamed(wire: Wire, events: list[dict[str, Json]]) -> Said:
    texts, stop, called = [], None, False
    for event in events:
        if wire == "anthropic":
            delta = event.get("delta")
            texts.append(_text(delta, "text") if isinstance(delta, dict) else "")
            if event.get("type") == "message_delta" and isinstance(delta, dict):
                stop = delta.get("stop_reason") or stop
        else:
            choice = _choice(event)
            delta = choice.get("delta")
            texts.append(_text(delta, "content") if isinstance(delta, dict) else "")
            called = called or (isinstance(delta, dict) and bool(delta.get("tool_calls")))
            stop = choice.get("finish_reason") or stop
    return Said("".join(texts), stop in _FINAL[wire] and not called)


def _choice(body: dict[str, Json]) -> dict[str, Json]:
    """The first one: others are drafts of the same turn."""
    choices = body.get("choices")
    for choice in choices if isinstance(choices, list) else []:
        if isinstance(choice, dict) and choice.get("index", 0) == 0:
            return choice
    return {}


def _text(block: Json, field: str) -> str:
    value = block.get(field) if isinstance(block, dict) else None
    return value if isinstance(value, str) else ""
