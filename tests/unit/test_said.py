"""A model's words out of the bytes of its answer, in both wires, streamed and whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from athena.gateway.said import Said, said
from athena.gateway.types import Wire


def sse(*events: Any) -> bytes:
    return b"".join(b"event: x\ndata: " + json.dumps(event).encode() + b"\n\n" for event in events)


def delta(kind: str, **what: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": kind, **what}}


def test_anthropic_whole() -> None:
    blocks = [
        {"type": "thinking", "thinking": "hmm", "signature": "s"},
        {"type": "text", "text": "It is "},
        {"type": "text", "text": "blue."},
    ]
    body = {"type": "message", "content": blocks, "stop_reason": "end_turn"}
    assert said("anthropic", json.dumps(body).encode(), streamed=False) == Said("It is blue.", True)
    body["stop_reason"] = "tool_use"
    assert said("anthropic", json.dumps(body).encode(), streamed=False) == Said("It is blue.", False)


def test_anthropic_streamed() -> None:
    stream = sse(
        {"type": "message_start", "message": {"content": [], "stop_reason": None}},
        {"type": "ping"},
        delta("thinking_delta", thinking="hmm"),
        delta("text_delta", text="It is "),
        delta("text_delta", text="blue."),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    )
    assert said("anthropic", stream, streamed=True) == Said("It is blue.", True)
    assert said("anthropic", stream.partition(b'event: x\ndata: {"type": "message_delta"')[0], streamed=True) == Said(
        "It is blue.", False
    )


def test_openai_whole() -> None:
    def body(message: dict[str, Any], finish: str) -> bytes:
        return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": finish}]}).encode()

    assert said("openai", body({"content": "blue"}, "stop"), streamed=False) == Said("blue", True)
    parts = {"content": [{"type": "text", "text": "bl"}, {"type": "text", "text": "ue"}]}
    assert said("openai", body(parts, "stop"), streamed=False) == Said("blue", True)
    assert said("openai", body({"content": "cut"}, "length"), streamed=False) == Said("cut", False)
    called = {"content": None, "tool_calls": [{"id": "1"}]}
    assert said("openai", body(called, "stop"), streamed=False) == Said("", False)


def test_openai_streamed() -> None:
    def chunk(finish: str | None = None, index: int = 0, **what: Any) -> dict[str, Any]:
        return {"choices": [{"index": index, "delta": what, "finish_reason": finish}]}

    words = [chunk(role="assistant"), chunk(content="bl"), chunk(content="XX", index=1), chunk(content="ue")]
    usage = {"choices": [], "usage": {"total_tokens": 3}}
    stream = sse(*words, chunk("stop"), usage) + b": ping\n\ndata: [DONE]\n\n"
    assert said("openai", stream, streamed=True) == Said("blue", True)
    calling = sse(*words, chunk(tool_calls=[{"index": 0}]), chunk("stop"))
    assert said("openai", calling, streamed=True) == Said("blue", False)


@pytest.mark.parametrize("wire", ["anthropic", "openai"])
@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[1]",
        b'{"choices": {"a": 1}, "content": "text"}',
        b'{"choices": [3], "content": [3]}',
        b"data: nonsense\n\n",
        b"data: [3]\n\n",
        b"[" * 100_000,
        b'{"error": {"message": "overloaded"}}',
    ],
)
def test_what_is_no_answer_says_nothing(wire: Wire, streamed: bool, content: bytes) -> None:
    assert said(wire, content, streamed=streamed) == Said("", False)
