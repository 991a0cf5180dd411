"""Anthropic's whole answers and errors, as OpenAI's clients read them."""

from __future__ import annotations

import time

from athena.gateway.jsontext import decoded, faithful
from athena.gateway.translate.errors import NoAnswer
from athena.gateway.translate.to_anthropic.parts import Block
from athena.gateway.translate.to_anthropic.request import Wants
from athena.gateway.translate.to_anthropic.thinking import kept, placed
from athena.gateway.types import Json, Model

PLAIN = Wants()

_FINISH = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
# OpenAI's words for what went wrong, by status: clients look at the status first.
_KINDS = {401: "authentication_error", 402: "insufficient_quota", 403: "permission_error", 429: "rate_limit_error"}
_STATUS_OF = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 503,
}


def answer(body: Block, model: Model, asked: str, wants: Wants = PLAIN) -> tuple[Block, dict[str, Json]]:
    """The chat completion, and what must be remembered for `request`, by tool call id. `asked`: the model as the
    client named it. Raises `NoAnswer`."""
    given = body.get("content")
    if not isinstance(given, list):
        raise NoAnswer(f"{model.name} answered without a message")
    content = [block for block in given if isinstance(block, dict)]
    text = "".join(block.get("text") or "" for block in content if block.get("type") == "text")
    thoughts = "".join(block.get("thinking") or "" for block in content if block.get("type") == "thinking")
    calls = [block for block in content if block.get("type") == "tool_use"]
    message: Block = {"role": "assistant", "content": text if text or not calls else None, "refusal": None}
    if thoughts:
        message["reasoning_content"] = thoughts
    if (said := refusal(body)) is not None:
        message["refusal"] = said
    if calls and wants.functions:
        message["function_call"] = _function(calls[0])
    elif calls:
        message["tool_calls"] = [{"id": call["id"], "type": "function", "function": _function(call)} for call in calls]
    finish = finish_reason(body.get("stop_reason"), wants)
    completion = {
        "id": f"chatcmpl-{body.get('id', '')}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": usage(body.get("usage") or {}),
    }
    return completion, kept(placed(content), model.id)


def finish_reason(stop: Json, wants: Wants) -> str:
    """Anthropic's `stop_reason` as OpenAI's `finish_reason`. What is new and unknown is a stop."""
    if stop == "tool_use" and wants.functions:
        return "function_call"
    return _FINISH.get(stop, "stop")


def refusal(source: Block) -> str | None:
    """Why the model declined, of a message or of a stream's last delta; None where it didn't, or didn't say."""
    details = source.get("stop_details")
    explanation = details.get("explanation") if isinstance(details, dict) else None
    return explanation if isinstance(explanation, str) else None


def usage(billed: Block) -> Block:
    """OpenAI counts what was cached as part of the prompt; Anthropic beside it."""
    cached = billed.get("cache_read_input_tokens") or 0
    written = billed.get("cache_creation_input_tokens") or 0
    prompt = (billed.get("input_tokens") or 0) + cached + written
    output = billed.get("output_tokens") or 0
    found: Block = {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
    }
    details = billed.get("output_tokens_details")
    if isinstance(details, dict):
        found["completion_tokens_details"] = {"reasoning_tokens": details.get("thinking_tokens") or 0}
    return found


def error(status: int, body: bytes) -> tuple[int, bytes]:
    """An error answer as OpenAI's clients read it: the message word for word."""
    try:
        found = decoded(body)
    except ValueError:
        found = body.decode("utf-8", "replace").strip() or f"the provider answered {status} without a word"
    return (503 if status == 529 else status), faithful(error_body(found, status))


def error_body(found: Json, status: int = 0) -> Block:
    """`found`: Anthropic's error object, or whatever came instead of one. `status` 0: as the error's type says."""
    inner = found.get("error") if isinstance(found, dict) else None
    if not isinstance(inner, dict):
        words = found if isinstance(found, str) else faithful(found).decode()
        return {"error": {"message": words, "type": _kind(status or 500), "param": None, "code": None}}
    kind = inner.get("type")
    message = str(inner.get("message") or "")
    details = inner.get("details")
    code = details.get("error_code") if isinstance(details, dict) else None
    code = code or kind
    openai_kind = _kind(status or _STATUS_OF.get(str(kind), 500))
    if message.startswith("prompt is too long"):
        code = "context_length_exceeded"
    elif "spend_limit" in str(code) or kind == "billing_error":
        openai_kind = code = "insufficient_quota"
    said = {"message": message, "type": openai_kind, "param": None, "code": code}
    request_id = found.get("request_id")
    return {"error": said, "request_id": request_id} if request_id else {"error": said}


def _kind(status: int) -> str:
    return _KINDS.get(status, "invalid_request_error" if status < 500 else "server_error")


def _function(call: Block) -> Block:
    return {"name": call["name"], "arguments": faithful(call.get("input") or {}).decode()}
