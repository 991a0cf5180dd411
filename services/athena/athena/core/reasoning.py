"""Answers from one llama-server's chat endpoint."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from athena.core import answers
from athena.core.embedding import short_name
from athena.core.images import Image, image_parts
from athena.core.transport import ModelServer
from athena.core.types import ReasoningResult
from athena.errors import InvalidInput, ModelServerError


class ReasoningServer:
    def __init__(self, server: ModelServer) -> None:
        self._server = server

    async def reason(
        self,
        prompt: str,
        *,
        system: str | None,
        max_tokens: int,
        images: Sequence[Image],
        json_schema: Mapping[str, Any] | None,
        temperature: float | None,
    ) -> ReasoningResult:
        if max_tokens < 1:
            raise InvalidInput(f"max_tokens must be at least 1, got {max_tokens}")
        body: dict[str, Any] = {
            "messages": await _messages(prompt, system, images),
            "max_tokens": max_tokens,
            "stream": False,
        }
        if temperature is not None:
            body["temperature"] = temperature
        if json_schema is not None:
            schema = {"name": "answer", "strict": True, "schema": dict(json_schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        started = time.perf_counter()
        payload = await self._server.post("/v1/chat/completions", body)
        latency_ms = (time.perf_counter() - started) * 1000
        return _result(payload, latency_ms, max_tokens, wants_json=json_schema is not None)


async def _messages(prompt: str, system: str | None, images: Sequence[Image]) -> list[dict[str, Any]]:
    content: str | list[dict[str, Any]] = prompt
    if images:
        content = [*await image_parts(images), {"type": "text", "text": prompt}]
    first = [{"role": "system", "content": system}] if system else []
    return [*first, {"role": "user", "content": content}]


def _result(payload: Any, latency_ms: float, max_tokens: int, *, wants_json: bool) -> ReasoningResult:
    try:
        choice = payload["choices"][0]
        message = choice["message"]
        finish_reason = str(choice.get("finish_reason") or "stop")
        said = message.get("content") or ""
        thought = bool(message.get("reasoning_content"))
        usage = payload.get("usage") or {}
        timings = payload.get("timings") or {}
        tokens_in, tokens_out = int(usage.get("prompt_tokens", 0)), int(usage.get("completion_tokens", 0))
        speed = float(timings.get("predicted_per_second") or tokens_out / max(latency_ms / 1000, 1e-6))
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as exc:
        raise ModelServerError("the reasoning server answered without a message", source="reasoning") from exc
    text = answers.without_thinking(str(said))
    if finish_reason == "length" and not text and (thought or said):
        raise answers.cut(max_tokens, "it had only been thinking")
    return ReasoningResult(
        text=text,
        model=short_name(payload.get("model")),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        tokens_per_second=speed,
        latency_ms=latency_ms,
        finish_reason=finish_reason,
        data=answers.parsed_json(text, finish_reason, max_tokens) if wants_json else None,
    )
