"""Anthropic's conversation as OpenAI's: the same beginning always gives the same beginning.

Anthropic takes neighbours of one role for one turn, so turns are what is translated: all that the assistant said in a
row, then all that came from the other side (people, tools, late system messages) until it speaks again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Literal

from athena.errors import InvalidInput
from athena.gateway.translate.errors import CannotCarry
from athena.gateway.translate.to_openai.dialects import MANNERS, Manners
from athena.gateway.translate.to_openai.ids import for_provider
from athena.gateway.translate.to_openai.parts import Block, Part, content, of_user, text_part
from athena.gateway.translate.to_openai.shapes import blocks, encoded, mapping, string
from athena.gateway.types import Json, Model

Message = dict[str, Json]
Side = Literal["assistant", "other"]

# A line for Anthropic's bookkeeping, new in every request: elsewhere it would only break the prefix.
_BILLING = "x-anthropic-billing-header"
# Google's own word for calls that it didn't make: without any signature it refuses them.
_FOREIGN_CALL = {"google": {"thought_signature": "skip_thought_signature_validator"}}
_BETWEEN = "\n\n"


def conversation(body: Mapping[str, Json], model: Model, signatures: Mapping[str, Json]) -> list[Message]:
    """System prompt and messages. Raises `CannotCarry` and `InvalidInput`."""
    said = list(enumerate(blocks(body.get("messages"), "messages")))
    leading = next((place for place, message in said if message.get("role") != "system"), len(said))
    if said and said[-1][1].get("role") == "assistant":
        raise CannotCarry(
            f"messages.{len(said) - 1}",
            "the beginning of an answer can't be put into this model's mouth",
            hint="end with a message of the user",
        )
    system = _system_texts(body.get("system"), "system")
    for place, message in said[:leading]:
        system += _system_texts(message.get("content"), f"messages.{place}.content")
    out: list[Message] = [{"role": "system", "content": _BETWEEN.join(system)}] if system else []
    turns = _Turns(model, signatures)
    for side, group in groupby(said[leading:], key=_side):
        turn = list(group)
        out.extend(turns.assistant(turn) if side == "assistant" else turns.other(turn))
    return out


def _side(numbered: tuple[int, Message]) -> Side:
    place, message = numbered
    role = message.get("role")
    if role not in ("user", "assistant", "system"):
        raise InvalidInput(f"messages.{place}.role: must be user, assistant or system")
    return "assistant" if role == "assistant" else "other"


def _system_texts(value: Json, field: str) -> list[str]:
    texts = []
    for index, block in enumerate(blocks(value, field)):
        if block.get("type") != "text":
            raise CannotCarry(f"{field}.{index}", "a system prompt is text elsewhere", hint="send text blocks alone")
        text = string(block, "text", f"{field}.{index}")
        if text and not text.startswith(_BILLING):
            texts.append(text)
    return texts


class _Turns:
    """Translates turns for one model."""

    def __init__(self, model: Model, signatures: Mapping[str, Json]) -> None:
        self._manners: Manners = MANNERS[model.provider.dialect]
        self._local = model.provider.local
        self._signatures = signatures

    def assistant(self, turn: list[tuple[int, Message]]) -> Iterator[Message]:
        """What it said and called. Thinking is left out, whoever thought it: it is signed for its own provider."""
        texts: list[Block] = []
        calls: list[Json] = []
        for field, block in _numbered(turn):
            kind = block.get("type")
            if kind == "text":
                string(block, "text", field)
                texts.append(block)
            elif kind == "tool_use":
                calls.append(self._call(block, field))
            elif kind not in ("thinking", "redacted_thinking", "fallback"):
                raise CannotCarry(
                    field,
                    f"a block of the type `{kind}` is known to Claude alone",
                    hint="go on with the Claude model that wrote it, or begin anew",
                )
        message: Message = {"role": "assistant", "content": _joined(texts) or (None if calls else "")}
        if calls:
            if self._manners.signed_calls and not any("extra_content" in call for call in calls):
                calls[0]["extra_content"] = _FOREIGN_CALL
            message["tool_calls"] = calls
        yield message

    def _call(self, block: Block, field: str) -> Json:
        client_id = string(block, "id", field)
        arguments = encoded(mapping(block.get("input"), f"{field}.input"))
        call = {
            "id": for_provider(client_id, self._manners.id_length),
            "type": "function",
            "function": {"name": string(block, "name", field), "arguments": arguments},
        }
        if signature := self._signatures.get(client_id):
            call["extra_content"] = signature
        return call

    def other(self, turn: list[tuple[int, Message]]) -> Iterator[Message]:
        """Tools' results first, for they must follow their calls; then what people and the system said, in order."""
        shown: list[Part] = []
        for field, block in _numbered(turn):
            if block.get("type") == "tool_result":
                message, images = self._result(block, field)
                yield message
                shown += images
        parts = shown
        for place, message in turn:
            if message.get("role") == "system":
                text = _BETWEEN.join(_system_texts(message.get("content"), f"messages.{place}.content"))
                if not text:
                    continue
                if self._manners.late_system:
                    yield from _user(parts)
                    yield {"role": "system", "content": text}
                    parts = []
                else:
                    parts.append(text_part(f"<system-reminder>\n{text}\n</system-reminder>"))
                continue
            for field, block in _numbered([(place, message)]):
                if block.get("type") != "tool_result":
                    parts += of_user(block, field, self._manners, local=self._local)
        yield from _user(parts)

    def _result(self, block: Block, field: str) -> tuple[Message, list[Part]]:
        """The message of a tool, which holds text alone, and its images, for the next message of the user."""
        client_id = string(block, "tool_use_id", field)
        texts: list[Part] = []
        images: list[Part] = []
        for index, inner in enumerate(blocks(block.get("content"), f"{field}.content")):
            for part in of_user(inner, f"{field}.content.{index}", self._manners, local=self._local):
                if part["type"] == "text":
                    texts.append(part)
                else:
                    images.append(part)
                    texts.append(text_part(f"[{_shown(part)} {len(images)}: see the user's next message]"))
        text = content(texts)
        message = {
            "role": "tool",
            "tool_call_id": for_provider(client_id, self._manners.id_length),
            "content": f"<tool_error>\n{text}\n</tool_error>" if block.get("is_error") else text,
        }
        if images:
            images.insert(0, text_part(f"What the tool call {message['tool_call_id']} showed:"))
        return message, images


def _shown(part: Part) -> str:
    return "image" if part["type"] == "image_url" else "file"


def _numbered(turn: list[tuple[int, Message]]) -> Iterator[tuple[str, Block]]:
    """(place, block) of all messages of a turn but the system's."""
    for place, message in turn:
        if message.get("role") != "system":
            for index, block in enumerate(blocks(message.get("content"), f"messages.{place}.content")):
                yield f"messages.{place}.content.{index}", block


def _user(parts: list[Part]) -> Iterator[Message]:
    if parts:
        yield {"role": "user", "content": content(parts)}


def _joined(texts: list[Block]) -> str:
    """Texts that cite are pieces of one text; others stand for themselves."""
    joined = ""
    for index, block in enumerate(texts):
        cites = block.get("citations") or (index and texts[index - 1].get("citations"))
        joined += block["text"] if cites or not joined else _BETWEEN + block["text"]
    return joined
