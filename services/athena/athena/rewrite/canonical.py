"""A conversation as the ledger sees it: which texts may be rewritten, and the hash of all before each.

Clients say the same thing in several ways from one request to the next: a plain string or
one text block, a `cache_control` that wanders. The canonical form takes these differences
away, so that they don't look like another conversation. Everything else counts.

Messages are JSON as clients send them: `{"role", "content"}`, the content a string or a list
of blocks. Rewritable are the texts of a user, and of tools' results in either form (a
`tool_result` block, or a message with the role `tool`); nothing else ever is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]
Json = Any

_BILLING = "x-anthropic-billing-header"
_SPEAKS_FOR_ITSELF = ("assistant", "model")


@dataclass(frozen=True, slots=True)
class Unit:
    """One rewritable text.

    `tool`: the name of the tool whose result this is, where the conversation says it.
    `path` leads to it from the list of messages. `key` is the hash of the canonical
    conversation up to and including its block, with its place in the block; `root` the
    same of the conversation's first block. `is_new`: no answer has followed it yet.
    """

    path: tuple[int | str, ...]
    text: str
    key: bytes
    root: bytes
    is_new: bool
    tool: str | None = None


def units(messages: Sequence[Message]) -> list[Unit]:
    """All rewritable texts, in order."""
    newest = _first_unanswered(messages)
    called = _called_tools(messages)
    chain = hashlib.sha256()
    root = b""
    found: list[Unit] = []
    for index, message in enumerate(messages):
        role = str(message.get("role", ""))
        if not any(True for _ in blocks(message.get("content"))):
            # Tool calls alone are something said, too.
            chain.update(_bytes([role, _extras(message), None]))
        for path, block in blocks(message.get("content")):
            if _is_billing(block):
                continue
            chain.update(_bytes([role, _extras(message), _canonical(block)]))
            digest = chain.digest()
            root = root or digest
            for place, (inner, text) in enumerate(_texts(role, block)):
                key = digest if place == 0 else hashlib.sha256(digest + place.to_bytes(4, "big")).digest()
                tool = called.get(_call_id(message, block) or "")
                found.append(Unit((index, "content", *path, *inner), text, key, root, index >= newest, tool))
    return found


def canonical_form(messages: Sequence[Message]) -> list[Json]:
    """The conversation without what may differ from one request to the next; for comparing."""
    return [
        [
            message.get("role"),
            _extras(message),
            [_canonical(b) for _, b in blocks(message.get("content")) if not _is_billing(b)],
        ]
        for message in messages
    ]


def replaced(messages: Sequence[Message], texts: dict[tuple[int | str, ...], str]) -> list[Message]:
    """A copy with the texts at these paths replaced; what isn't touched is shared with `messages`."""
    copies = list(messages)
    for path, text in texts.items():
        copies[int(path[0])] = _with(copies[int(path[0])], path[1:], text)
    return copies


def last_question(messages: Sequence[Message]) -> str:
    """What a person said last, in plain text; empty if nobody did."""
    for message in reversed(messages):
        if message.get("role") == "user":
            texts = [text for _, block in blocks(message.get("content")) for text in _person(block)]
            if texts:
                return "\n".join(texts)
    return ""


def texts_of(messages: Sequence[Message]) -> Iterator[str]:
    """Everything that is said in plain text, whoever says it, and what tools gave back."""
    for message in messages:
        for _, block in blocks(message.get("content")):
            yield from _person(block)
            for _, text in _texts("user", block) if isinstance(block, dict) and block.get("type") != "text" else ():
                yield text


def blocks(content: Json) -> Iterator[tuple[tuple[int, ...], Json]]:
    """(path below `content`, block). A plain string is one text block, and its path is empty."""
    if isinstance(content, str):
        yield (), {"type": "text", "text": content}
    elif isinstance(content, list):
        for index, block in enumerate(content):
            yield (index,), block
    elif content is not None:
        yield (), content


def _first_unanswered(messages: Sequence[Message]) -> int:
    answered = [i for i, message in enumerate(messages) if message.get("role") in _SPEAKS_FOR_ITSELF]
    return answered[-1] + 1 if answered else 0


def _called_tools(messages: Sequence[Message]) -> dict[str, str]:
    """The names of the tools that were called, by the id of the call."""
    named: dict[str, str] = {}
    for message in messages:
        for _, block in blocks(message.get("content")):
            if isinstance(block, dict) and block.get("type") == "tool_use" and "id" in block:
                named[str(block["id"])] = str(block.get("name"))
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict) and "id" in call and isinstance(call.get("function"), dict):
                named[str(call["id"])] = str(call["function"].get("name"))
    return named


def _call_id(message: Message, block: Json) -> str | None:
    if isinstance(block, dict) and block.get("type") == "tool_result":
        return str(block["tool_use_id"]) if "tool_use_id" in block else None
    return str(message["tool_call_id"]) if "tool_call_id" in message else None


def _texts(role: str, block: Json) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """(path below the block, text) of what may be rewritten in it."""
    if not isinstance(block, dict) or role not in ("user", "tool"):
        return
    if block.get("type") == "text" and isinstance(block.get("text"), str):
        yield ("text",), block["text"]
    elif block.get("type") == "tool_result":
        content = block.get("content")
        if isinstance(content, str):
            yield ("content",), content
        elif isinstance(content, list):
            for index, inner in enumerate(content):
                if isinstance(inner, dict) and inner.get("type") == "text" and isinstance(inner.get("text"), str):
                    yield ("content", index, "text"), inner["text"]


def _person(block: Json) -> Iterator[str]:
    if isinstance(block, dict) and block.get("type") == "text" and isinstance(block.get("text"), str):
        yield block["text"]


def _canonical(value: Json) -> Json:
    """Without `cache_control`, and with a tool result's plain string as one text block."""
    if isinstance(value, dict):
        kept = {name: _canonical(inner) for name, inner in value.items() if name != "cache_control"}
        if kept.get("type") == "tool_result" and isinstance(kept.get("content"), str):
            kept["content"] = [{"type": "text", "text": kept["content"]}]
        return kept
    if isinstance(value, list):
        return [_canonical(inner) for inner in value]
    return value


def _extras(message: Message) -> Json:
    """What a message says besides role and content: tool calls, names, ids."""
    return _canonical({name: value for name, value in message.items() if name not in ("role", "content")})


def _is_billing(block: Json) -> bool:
    return isinstance(block, dict) and str(block.get("text", "")).startswith(_BILLING)


def _bytes(value: Json) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    # The length in front: no two sequences of blocks can run together into the same bytes.
    return f"{len(text)}:{text}".encode()


def _with(value: Json, path: tuple[int | str, ...], text: str) -> Json:
    """A copy of `value` with `text` at `path`; a plain string is replaced as a plain string."""
    if not path or isinstance(value, str):
        return text
    step, rest = path[0], path[1:]
    copy = list(value) if isinstance(value, list) else dict(value)
    copy[step] = _with(copy[step], rest, text)  # type: ignore[index]
    return copy
