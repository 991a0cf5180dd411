"""A whole answer of a provider of the OpenAI wire, as Anthropic's clients read it."""

from __future__ import annotations

from collections.abc import Mapping

from athena.gateway.translate.errors import NoAnswer
from athena.gateway.translate.foreign import signature
from athena.gateway.translate.to_openai import reading
from athena.gateway.translate.to_openai.calls import Calls
from athena.gateway.translate.to_openai.error import told
from athena.gateway.translate.to_openai.shapes import decoded
from athena.gateway.types import Json, Model


def answer(body: Mapping[str, Json], model: Model, asked: str) -> tuple[dict[str, Json], dict[str, Json]]:
    """(message, signatures): what to keep for each tool call, by the id the client knows it by, so that `request` can
    give it back. `asked`: the model's name as the client said it. Raises `NoAnswer`."""
    if body.get("error"):
        raise NoAnswer(f"{model.name} answered with an error: {told(body)}")
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, Mapping) else None
    if not isinstance(choice, Mapping) or not isinstance(message, Mapping):
        raise NoAnswer(f"{model.name} answered without a message")
    calls = Calls()
    calls.take_whole(message.get("tool_calls"))
    named = calls.named(body.get("id"))
    content: list[Json] = []
    if thought := reading.thought(message):
        content.append({"type": "thinking", "thinking": thought, "signature": signature(model)})
    refusal = message.get("refusal")
    refused = isinstance(refusal, str) and bool(refusal)
    if text := reading.said(message) + (str(refusal) if refused else ""):
        content.append({"type": "text", "text": text})
    for call in named:
        content.append({"type": "tool_use", "id": call.id, "name": call.name, "input": decoded(call.written)})
    translated = {
        "id": reading.message_id(body.get("id")),
        "type": "message",
        "role": "assistant",
        "model": asked,
        "content": content,
        **reading.stop(choice.get("finish_reason"), choice.get("stop_reason"), calls=bool(named), refused=refused),
        "usage": reading.usage(body.get("usage"), model),
    }
    return translated, {call.id: call.extra for call in named if call.extra is not None}
