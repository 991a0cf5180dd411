"""Requests as Anthropic's clients send them: Claude Code's, and whatever else is allowed."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from athena.gateway.types import Dialect, Model, Provider

Json = Any
Message = dict[str, Json]

IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def model(dialect: Dialect, *, thinking: bool | None = None, name: str = "some-model") -> Model:
    local = dialect in ("llama", "ollama")
    return Model(Provider(dialect, "openai", "http://127.0.0.1:9", local, dialect), name, thinking=thinking)


OPENAI, GOOGLE, OLLAMA, LLAMA, GENERIC = (
    model(dialect) for dialect in ("openai", "google", "ollama", "llama", "generic")
)
ALL = (OPENAI, GOOGLE, OLLAMA, LLAMA, GENERIC)


def text(value: str, *, cached: bool = False) -> Message:
    return {"type": "text", "text": value} | ({"cache_control": {"type": "ephemeral"}} if cached else {})


def user(*blocks: Json) -> Message:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Json) -> Message:
    return {"role": "assistant", "content": list(blocks)}


def tool_use(id: str, name: str, /, **input: Json) -> Message:
    return {"type": "tool_use", "id": id, "name": name, "input": input}


def tool_result(id: str, content: Json, /, **more: Json) -> Message:
    return {"type": "tool_result", "tool_use_id": id, "content": content, **more}


def tool(name: str, /, **properties: Json) -> Json:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"name": name, "description": f"Does {name}.", "input_schema": schema}


_TOOLS = """Agent AskUserQuestion Bash BashOutput Edit EnterPlanMode ExitPlanMode Glob Grep KillShell LSP
NotebookEdit Read Skill SlashCommand TaskCreate TaskGet TaskList TaskUpdate TodoWrite ToolSearch WebFetch WebSearch
Write""".split()


def claude_code(*turns: Message, request: int = 1) -> dict[str, Json]:
    """A request of Claude Code in the year 2026, short of its length: billing block first, a late system message, 24
    tools, and `cache_control` on whatever is last. `turns`: what followed the first message; `request` counts."""
    first = [
        text("<system-reminder>\nAs you answer, you can use the following context.\n</system-reminder>"),
        text("what does main.py do?", cached=not turns),
    ]
    messages: list[Message] = [{"role": "user", "content": first}]
    messages.append({"role": "system", "content": "Your working directory is /tmp/project."})
    return {
        "model": "claude-sonnet-5-5",
        "max_tokens": 32000,
        "stream": True,
        "system": [
            text(f"x-anthropic-billing-header: cc_version=2.1.{request}; cc_entrypoint=cli; cch={request * 7919:05x};"),
            text("You are Claude Code, Anthropic's official CLI for Claude.", cached=True),
            text("You are an interactive agent that helps users with software engineering tasks.", cached=True),
        ],
        "tools": [tool(name, argument={"type": "string", "maxLength": 8}) for name in _TOOLS],
        "messages": messages + list(turns),
        "thinking": {"type": "adaptive"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "medium"},
        "metadata": {"user_id": json.dumps({"device_id": "d" * 8, "account_uuid": "", "session_id": "s" * 8})},
    }


# Anthropic refuses texts of white space alone.
words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12).filter(str.strip)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
inputs = st.dictionaries(words, json_values, max_size=3)
images = st.sampled_from(("image/png", "image/webp")).map(
    lambda kind: {"type": "image", "source": {"type": "base64", "media_type": kind, "data": IMAGE}}
)
texts = words.map(text)


@st.composite
def turns(draw: st.DrawFn, shown: bool = True) -> list[Message]:
    """A conversation that Anthropic's API takes: the assistant's calls are answered, neighbours may be of one role,
    and the system may speak wherever the user may. `shown`: tools' results may hold images."""
    messages: list[Message] = []
    for turn in range(draw(st.integers(1, 4))):
        if turn:
            asked = draw(st.lists(inputs, max_size=2))
            calls = [tool_use(f"toolu_{turn}-{place}", "get", **input) for place, input in enumerate(asked)]
            thinking = {"type": "thinking", "thinking": draw(words), "signature": draw(words)}
            said = draw(st.lists(texts, min_size=0 if calls else 1, max_size=2))
            messages.append({"role": "assistant", "content": [*draw(st.sampled_from(([], [thinking]))), *said, *calls]})
            if calls:
                results = [draw(_results(call["id"], shown)) for call in calls]
                messages.append({"role": "user", "content": [*results, *draw(st.lists(texts, max_size=1))]})
        for _ in range(draw(st.integers(0 if messages and messages[-1]["role"] == "user" else 1, 2))):
            messages.append(draw(_others))
        if not turn:
            messages.append({"role": "user", "content": draw(words)})
    return messages


@st.composite
def _results(draw: st.DrawFn, id: str, shown: bool) -> Message:
    content = draw(words | st.lists(texts | images if shown else texts, max_size=2))
    return tool_result(id, content, **draw(st.sampled_from(({}, {"is_error": True}))))


_others = st.one_of(
    st.builds(lambda content: {"role": "user", "content": content}, words),
    st.builds(lambda content: {"role": "user", "content": content}, st.lists(texts | images, min_size=1, max_size=3)),
    st.builds(lambda content: {"role": "system", "content": content}, words),
)


def request_of(messages: list[Message], **more: Json) -> dict[str, Json]:
    return {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": messages, **more}
