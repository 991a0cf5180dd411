"""Does the main job work here? Two sentences are remembered, one is asked for in other words, both are forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import BaseModel, ValidationError

from athena import http
from athena.errors import StackError

PROJECT = "athena-selfcheck"
SENTENCES = (
    "The boat is moored in the harbour of Lisbon until the spring.",
    "Grandmother bakes a plum cake every Sunday afternoon.",
)
QUESTION = "Where does the ship lie in winter?"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`degraded`: the parts that took no part; without embeddings the answer was found by words alone."""

    question: str
    answer: str
    right: bool
    degraded: tuple[str, ...]
    latency_ms: float


class _Hit(BaseModel):
    content: str


class _Result(BaseModel):
    memories: list[_Hit]
    degraded: list[str]


class _Recalled(BaseModel):
    result: _Result
    latency_ms: float


class _Stored(BaseModel):
    id: str


class _Remembered(BaseModel):
    result: _Stored


async def check(url: str, *, embedded: bool) -> Outcome:
    """Through the API, as a user would. `embedded`: wait for the vectors. Raises `StackError` if it can't be done."""
    ids: list[str] = []
    async with http.client(base_url=url, read_s=60.0) as client:
        try:
            for sentence in SENTENCES:
                body = {"content": sentence, "project": PROJECT}
                stored = _Remembered.model_validate(await _tool(client, "remember", body, wait=embedded))
                ids.append(stored.result.id)
            body = {"query": QUESTION, "project": PROJECT}
            found = _Recalled.model_validate(await _tool(client, "recall", body))
            await _tool(client, "forget", {"ids": ids, "project": PROJECT})
        except (httpx.HTTPError, ValidationError) as exc:
            raise StackError(f"the self-check failed: {exc!r}", hint="athena logs api") from exc
    answer = next((hit.content for hit in found.result.memories), "")
    right = answer == SENTENCES[0]
    return Outcome(QUESTION, answer, right, tuple(found.result.degraded), found.latency_ms)


async def _tool(client: httpx.AsyncClient, name: str, body: dict[str, Any], *, wait: bool = False) -> Any:
    response = await client.post(f"/tools/{name}/execute", json=body, params={"wait": "true"} if wait else None)
    return response.raise_for_status().json()
