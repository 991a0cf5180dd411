"""Requests to a gateway as bare HTTP: every byte and every header as a test wants them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from athena.gateway import sse
from tests.clients.world import CLAUDE, GPT

Json = Any


class Asking:
    """`headers` go with each request. `said` is one text, or a list of messages."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.http = httpx.AsyncClient(base_url=url, headers=dict(headers), trust_env=False, timeout=60)

    async def messages(self, said: Json, headers: Mapping[str, str] | None = None, **body: Json) -> httpx.Response:
        """Anthropic's surface."""
        whole = {"model": CLAUDE, "max_tokens": 400, "messages": _messages(said), **body}
        return await self.http.post("/v1/messages", json=whole, headers=_named(headers))

    async def chat(self, said: Json, headers: Mapping[str, str] | None = None, **body: Json) -> httpx.Response:
        """OpenAI's surface."""
        whole = {"model": GPT, "messages": _messages(said), **body}
        return await self.http.post("/v1/chat/completions", json=whole, headers=dict(headers or {}))

    async def count(self, said: Json, headers: Mapping[str, str] | None = None, **body: Json) -> int:
        whole = {"model": CLAUDE, "messages": _messages(said), **body}
        answer = await self.http.post("/v1/messages/count_tokens", json=whole, headers=_named(headers))
        assert answer.status_code == 200, answer.text
        tokens: int = answer.json()["input_tokens"]
        return tokens

    @asynccontextmanager
    async def streaming(self, path: str, body: Json, headers: Mapping[str, str] | None = None) -> AsyncIterator[Reader]:
        """A streamed answer, read while it comes."""
        async with self.http.stream("POST", path, json={**body, "stream": True}, headers=_named(headers)) as answer:
            yield Reader(answer)

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return await self.http.get(path, headers=dict(headers or {}))

    async def put(self, path: str, body: Json) -> Json:
        answer = await self.http.put(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def patch(self, path: str, body: Json) -> Json:
        answer = await self.http.patch(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def close(self) -> None:
        await self.http.aclose()


class Reader:
    """Events one by one. Comments, which aren't events, come as `: …`."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def next(self) -> str | None:
        """The data of the next event, a comment, or None at the end."""
        async for line in self._lines:
            if line.startswith("data: "):
                return line.removeprefix("data: ")
            if line.startswith(":"):
                return line
        return None

    async def until(self, word: str) -> str:
        """Reads up to the first event that holds this."""
        while (data := await self.next()) is not None:
            if word in data:
                return data
        raise AssertionError(f"no event holds {word!r}")

    async def rest(self) -> list[str]:
        found = []
        while (data := await self.next()) is not None:
            found.append(data)
        return found


def events(answer: httpx.Response) -> list[Json]:
    """The data of a streamed answer's events; OpenAI's `[DONE]` as it stands."""
    assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
    parser = sse.Parser()
    found = [event.data for event in (*parser.feed(answer.content), *parser.end())]
    return [data.decode() if data == b"[DONE]" else json.loads(data) for data in found]


def text_of(answer: httpx.Response) -> str:
    """What an answer says, in either surface's form, streamed or not."""
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"].startswith("text/event-stream"):
        deltas = [event for event in events(answer) if isinstance(event, dict)]
        anthropic = [event.get("delta", {}).get("text", "") for event in deltas]
        openai = [choice["delta"].get("content") or "" for event in deltas for choice in event.get("choices", ())]
        return "".join([*anthropic, *openai])
    body = answer.json()
    if "choices" in body:
        return body["choices"][0]["message"]["content"] or ""
    return "".join(block.get("text", "") for block in body["content"])


def _messages(said: Json) -> Json:
    return [{"role": "user", "content": said}] if isinstance(said, str) else said


def _named(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {"anthropic-version": "2023-06-01", **(headers or {})}
