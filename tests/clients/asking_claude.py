"""Requests to the fake of the Anthropic API, as its own tests make them."""

from __future__ import annotations

from typing import Any

import httpx
from anthropic.types import MessageParam, ToolParam

from tests.clients.world import CLAUDE, World

TOOLS: list[ToolParam] = [
    {"name": "look", "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}}}
]
HELLO: list[MessageParam] = [{"role": "user", "content": "Hello there"}]


async def raw(world: World, body: dict[str, Any], **headers: str) -> httpx.Response:
    sent = {"x-api-key": "k", "anthropic-version": "2023-06-01", **headers}
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.post(f"{world.anthropic.url}/v1/messages?beta=true", json=body, headers=sent)


def body(**more: Any) -> dict[str, Any]:
    return {"model": CLAUDE, "max_tokens": 500, "messages": HELLO, **more}
