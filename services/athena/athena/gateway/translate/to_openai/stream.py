"""A streamed answer of the OpenAI wire, as Anthropic's events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from athena.gateway import sse
from athena.gateway.translate.foreign import signature
from athena.gateway.translate.to_openai import reading
from athena.gateway.translate.to_openai.calls import Calls
from athena.gateway.translate.to_openai.error import rendered, status_of
from athena.gateway.translate.to_openai.shapes import decoded, encoded
from athena.gateway.types import Json, Model

Kind = Literal["thinking", "text"]

_BEGINNINGS: Mapping[Kind, Json] = {
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
    "text": {"type": "text", "text": ""},
}


class Stream:
    """Fed with the data of one event after the other. `signatures`, complete at the end: what to keep for each tool
    call, as `answer` gives it.

    Thinking and text go on as they come. Calls wait until the answer ends: parallel ones may come interleaved, which
    Anthropic's blocks can't be, and clients take a tool's input for JSON, which only the whole can be checked to be.
    """

    def __init__(self, model: Model, asked: str) -> None:
        self.signatures: dict[str, Json] = {}
        self._model = model
        self._asked = asked
        self._calls = Calls()
        self._started = False
        self._over = False
        self.failed = False
        self._blocks = 0
        self._open: Kind | None = None
        self._id: Json = None
        self._usage: Json = None
        self._finish: Json = None
        self._matched: Json = None
        self._refused = False

    def feed(self, data: bytes) -> bytes:
        """Whole events, or nothing. After the end, or an error, there is nothing more."""
        if self._over:
            return b""
        if data.strip() == b"[DONE]":
            return self._complete() if self._started else self._failed("the provider's answer was empty")
        chunk = decoded(data)
        if not isinstance(chunk, Mapping):
            return self._failed("the provider's stream holds an event that isn't JSON")
        if chunk.get("error"):
            return self._failed(chunk)
        return self._chunk(chunk)

    def end(self) -> bytes:
        """What is still to be said when the provider's stream has ended, with or without `[DONE]`."""
        if self._over:
            return b""
        if self._finish is None:
            return self._failed("the provider's stream ended before its answer was complete")
        return self._complete()

    def _chunk(self, chunk: Mapping[str, Json]) -> bytes:
        if chunk.get("usage"):
            self._usage = chunk["usage"]
        out = [] if self._started else [self._start(chunk)]
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if not isinstance(choice, Mapping) or choice.get("index", 0) != 0:
                continue
            delta = choice.get("delta")
            if isinstance(delta, Mapping):
                out += self._delta(delta)
            self._finish = choice.get("finish_reason") or self._finish
            self._matched = choice.get("stop_reason") or self._matched
        return b"".join(out)

    def _start(self, chunk: Mapping[str, Json]) -> bytes:
        self._started = True
        self._id = chunk.get("id")
        message: Json = {
            "id": reading.message_id(self._id),
            "type": "message",
            "role": "assistant",
            "model": self._asked,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": reading.usage(self._usage, self._model),
        }
        return _event("message_start", {"message": message})

    def _delta(self, delta: Mapping[str, Json]) -> list[bytes]:
        out: list[bytes] = []
        if thought := reading.thought(delta):
            out += self._more("thinking", "thinking_delta", thought)
        if text := reading.said(delta):
            out += self._more("text", "text_delta", text)
        if isinstance(refusal := delta.get("refusal"), str) and refusal:
            self._refused = True
            out += self._more("text", "text_delta", refusal)
        self._calls.take(delta.get("tool_calls"))
        return out

    def _more(self, kind: Kind, delta: str, text: str) -> list[bytes]:
        out: list[bytes] = []
        if self._open != kind:
            out += self._closed()
            out.append(_event("content_block_start", {"index": self._blocks, "content_block": _BEGINNINGS[kind]}))
            self._open = kind
        out.append(self._piece({"type": delta, kind: text}))
        return out

    def _closed(self) -> list[bytes]:
        """The end of the block that is open, if one is. Each block ends once."""
        if self._open is None:
            return []
        out = []
        if self._open == "thinking":
            out.append(self._piece({"type": "signature_delta", "signature": signature(self._model)}))
        self._open = None
        return [*out, self._stop()]

    def _piece(self, delta: Json) -> bytes:
        return _event("content_block_delta", {"index": self._blocks, "delta": delta})

    def _stop(self) -> bytes:
        event = _event("content_block_stop", {"index": self._blocks})
        self._blocks += 1
        return event

    def _complete(self) -> bytes:
        self._over = True
        out = self._closed()
        for call in self._calls.named(self._id):
            block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
            out.append(_event("content_block_start", {"index": self._blocks, "content_block": block}))
            out.append(self._piece({"type": "input_json_delta", "partial_json": call.written}))
            out.append(self._stop())
            if call.extra is not None:
                self.signatures[call.id] = call.extra
        stopped = reading.stop(self._finish, self._matched, calls=bool(self._calls), refused=self._refused)
        usage = reading.usage(self._usage, self._model)
        out.append(_event("message_delta", {"delta": stopped, "usage": usage}))
        out.append(_event("message_stop", {}))
        return b"".join(out)

    def _failed(self, said: Json) -> bytes:
        self._over = self.failed = True
        return sse.encode(rendered(said, status_of(said)).encode(), "error")


def _event(name: str, fields: dict[str, Json]) -> bytes:
    return sse.encode(encoded({"type": name, **fields}).encode(), name)
