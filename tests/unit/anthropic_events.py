"""Reads Anthropic's streamed answers strictly: what a client may rely on is asserted on the way."""

from __future__ import annotations

import json
from typing import Any

from athena.gateway.sse import Event, Parser

Json = Any

_DELTAS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


def events(data: bytes) -> list[Event]:
    """All of `data` must be whole events."""
    parser = Parser()
    found = parser.feed(data)
    assert parser.at_boundary
    return found


def message(data: bytes) -> Json:
    """The whole message, as an SDK would put it together; an error event is an `AssertionError`."""
    reader = _Reader()
    for event in events(data):
        told = json.loads(event.data)
        assert told["type"] == event.name
        reader.take(told)
    assert reader.over, "the stream ended without message_stop"
    return reader.message


def error(data: bytes) -> Json:
    """The error that `data` ends with."""
    last = events(data)[-1]
    assert last.name == "error"
    told = json.loads(last.data)
    assert told["type"] == "error"
    return told["error"]


class _Reader:
    def __init__(self) -> None:
        self.message: Json = None
        self.over = False
        self._open: Json = None
        self._input = ""

    def take(self, event: Json) -> None:
        assert not self.over, f"{event['type']} after message_stop"
        getattr(self, event["type"])(event)

    def message_start(self, event: Json) -> None:
        assert self.message is None
        self.message = event["message"]
        assert self.message["content"] == []
        assert self.message["stop_reason"] is None
        assert self.message["usage"]["input_tokens"] >= 0

    def content_block_start(self, event: Json) -> None:
        assert self._open is None, "a block began inside another"
        assert self.message["stop_reason"] is None
        assert event["index"] == len(self.message["content"])
        self._open, self._input = event["content_block"], ""
        self.message["content"].append(self._open)

    def content_block_delta(self, event: Json) -> None:
        assert event["index"] == len(self.message["content"]) - 1
        delta = event["delta"]
        if delta["type"] == "input_json_delta":
            assert self._open["type"] == "tool_use"
            self._input += delta["partial_json"]
            return
        name = _DELTAS[delta["type"]]
        assert delta[name], "a delta of nothing"
        self._open[name] += delta[name]

    def content_block_stop(self, event: Json) -> None:
        assert self._open is not None, "a block ended twice"
        assert event["index"] == len(self.message["content"]) - 1
        if self._open["type"] == "tool_use":
            self._open["input"] = json.loads(self._input)
            assert isinstance(self._open["input"], dict)
        if self._open["type"] == "thinking":
            assert self._open["signature"]
        self._open = None

    def message_delta(self, event: Json) -> None:
        assert self._open is None
        assert event["delta"]["stop_reason"]
        self.message |= event["delta"]
        self.message["usage"] |= event["usage"]

    def message_stop(self, _event: Json) -> None:
        assert self.message["stop_reason"]
        self.over = True
