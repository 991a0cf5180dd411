"""Conversations as OpenAI's clients send them, and what is said in them, in either provider's words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from athena.gateway.types import Model, Provider

Json = Any

ANTHROPIC = Provider("anthropic", "anthropic", "http://localhost", False, "anthropic")
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_REMINDER = ("<system-reminder>\n", "\n</system-reminder>")


def claude(name: str = "claude-sonnet-5-5", output: int | None = 64_000) -> Model:
    return Model(ANTHROPIC, name, output=output)


def asked(*messages: Json, **fields: Json) -> dict[str, Json]:
    return {"model": "auto", "messages": list(messages), **fields}


def user(content: Json = "Hello") -> Json:
    return {"role": "user", "content": content}


def call(id: str | None, name: str, arguments: str = "{}") -> Json:
    found = {"type": "function", "function": {"name": name, "arguments": arguments}}
    return found if id is None else {"id": id, **found}


# Nobody's own marker may look like the translation's.
words = st.text(alphabet=st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20).filter(
    lambda text: text.strip() and "system-reminder" not in text
)
blank = st.sampled_from(("", " ", "\n\n"))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=4,
)
inputs = st.dictionaries(words, values, max_size=3)
names = st.sampled_from(("Read", "get_weather", "a-b"))
# Of Anthropic, of OpenAI, of servers that count, with characters that Anthropic refuses.
call_ids = st.sampled_from(("toolu_01A", "call_abc", "call_0", "call_1", "functions.f:0", "функция"))
parts = st.lists(
    st.one_of(
        st.builds(lambda text: {"type": "text", "text": text}, words | blank),
        st.just({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}", "detail": "low"}}),
        st.just({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}),
    ),
    min_size=1,
    max_size=3,
).filter(lambda content: any(part["type"] != "text" or part["text"].strip() for part in content))
instructions = st.lists(
    st.builds(
        lambda role, text: {"role": role, "content": text}, st.sampled_from(("system", "developer")), words | blank
    ),
    max_size=2,
)


@st.composite
def rounds(draw: st.DrawFn) -> list[Json]:
    """An assistant's calls and their results."""
    ids = draw(st.lists(call_ids, min_size=1, max_size=3, unique=True))
    calls = [call(id, draw(names), json.dumps(draw(inputs))) for id in ids]
    answer = {"role": "assistant", "content": draw(st.none() | words | blank), "tool_calls": calls}
    results = [{"role": "tool", "tool_call_id": id, "content": draw(words | blank)} for id in ids]
    return [answer, *results, *draw(instructions)]


@st.composite
def conversations(draw: st.DrawFn) -> list[Json]:
    """Ends with what a model is asked to go on from."""
    messages = draw(instructions)
    turns = draw(st.integers(1, 3))
    for turn in range(turns):
        messages += draw(st.just([]) if turn == 0 else instructions)
        messages.append(user(draw(words | parts)))
        messages += draw(instructions)
        for _ in range(draw(st.integers(0, 2))):
            messages += draw(rounds())
        if turn < turns - 1:
            messages.append({"role": "assistant", "content": draw(words)})
    return messages


def requests(messages: Sequence[Json]) -> list[list[Json]]:
    """One for each answer in it, and the last."""
    ends = [index for index, message in enumerate(messages) if message["role"] == "assistant"]
    return [list(messages[:end]) for end in [*ends, len(messages)]]


def said(messages: Sequence[Json]) -> list[tuple[Json, ...]]:
    """Who says what, in order; calls are counted, and results name the call they answer."""
    found: list[tuple[Json, ...]] = []
    calls: dict[str, int] = {}
    count = 0
    for message in messages:
        role, content = message["role"], message.get("content")
        if role == "tool":
            found.append(("result", calls[message["tool_call_id"]], content.strip() and content))
            continue
        speaker = "system" if role == "developer" else role
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content or []:
            if part["type"] == "image_url":
                found.append(("image", part["image_url"]["url"]))
            elif part["text"].strip():
                found.append((speaker, part["text"]))
        for made in message.get("tool_calls", []):
            calls[made["id"]] = count
            found.append(("call", count, made["function"]["name"], json.loads(made["function"]["arguments"])))
            count += 1
    return found


def heard(request: Mapping[str, Json]) -> list[tuple[Json, ...]]:
    """The same of what Anthropic is sent."""
    found: list[tuple[Json, ...]] = [("system", block["text"]) for block in request.get("system", [])]
    calls: dict[str, int] = {}
    for message in request["messages"]:
        for block in message["content"]:
            kind = block["type"]
            if kind == "text":
                text, begin, end = block["text"], *_REMINDER
                reminds = text.startswith(begin) and text.endswith(end)
                found.append(("system", text[len(begin) : -len(end)]) if reminds else (message["role"], text))
            elif kind == "image":
                source = block["source"]
                found.append(("image", source.get("url") or f"data:{source['media_type']};base64,{source['data']}"))
            elif kind == "tool_use":
                calls[block["id"]] = len(calls)
                found.append(("call", calls[block["id"]], block["name"], block["input"]))
            elif kind == "tool_result":
                found.append(("result", calls[block["tool_use_id"]], block.get("content", "")))
    return found


def unmarked(value: Json) -> Json:
    """Without `cache_control`, which is no part of what is said."""
    if isinstance(value, dict):
        return {key: unmarked(inner) for key, inner in value.items() if key != "cache_control"}
    return [unmarked(inner) for inner in value] if isinstance(value, list) else value
