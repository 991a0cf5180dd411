"""Anthropic's stream, event by event, as OpenAI's chunks."""

from __future__ import annotations

import time
from collections.abc import Callable

from athena.gateway.jsontext import decoded, faithful
from athena.gateway.translate.to_anthropic.answer import PLAIN, error_body, finish_reason, refusal, usage
from athena.gateway.translate.to_anthropic.parts import Block
from athena.gateway.translate.to_anthropic.request import Wants
from athena.gateway.translate.to_anthropic.thinking import THINKING, kept, placed
from athena.gateway.types import Json, Model

_DONE = b"data: [DONE]\n\n"
# Says nothing to the client but that somebody is there: the standard has it skip the line.
_PING = b": ping\n\n"


class Stream:
    """One answer. `feed` takes the data of one event and gives the bytes of as many chunks as it needs, `end` what
    is left when the provider has nothing more: whoever was promised an answer reads `[DONE]` or an error, always.

    `signatures`: what must be remembered for `request`, by tool call id; filled when the reason to stop is told.
    """

    def __init__(self, model: Model, asked: str, wants: Wants = PLAIN) -> None:
        self.signatures: dict[str, Json] = {}
        self._model = model
        self._asked = asked
        self._wants = wants
        self._blocks: dict[int, _Block] = {}
        self._calls = 0
        self._usage: Block = {}
        self._stopped = False  # why it stopped was said: the answer is whole
        self._over = False
        self.failed = False
        self._frame("")
        self._steps: dict[str, Callable[[Block], bytes]] = {
            "content_block_delta": self._delta,
            "content_block_start": self._start,
            "content_block_stop": self._stop,
            "message_start": self._begin,
            "message_delta": self._finish,
            "message_stop": lambda _: self.end(),
            "ping": lambda _: _PING,
            "error": self._error,
        }

    def feed(self, data: bytes) -> bytes:
        if self.failed or self._over:
            return b""
        try:
            event = decoded(data)
        except ValueError:
            return self._fail("the provider's stream holds an event that is no JSON")
        step = self._steps.get(str(event.get("type"))) if isinstance(event, dict) else None
        try:
            # An event that nobody knows yet says nothing to clients of the other wire.
            return step(event) if step is not None else b""
        except (KeyError, TypeError, ValueError, AttributeError):
            return self._fail(f"the provider's stream holds a {event['type']} of an unknown shape")

    def end(self) -> bytes:
        """Nothing, where all was said: the provider's last event says the end already."""
        if self.failed or self._over:
            return b""
        if not self._stopped:
            return self._fail("the provider's stream ended before its answer did")
        self._over = True
        return self._bill() + _DONE

    def _begin(self, event: Block) -> bytes:
        message = event.get("message") or {}
        self._usage = dict(message.get("usage") or {})
        self._frame(message.get("id") or "")
        return self._say({"role": "assistant", "content": "", "refusal": None})

    def _start(self, event: Block) -> bytes:
        block = self._blocks[event["index"]] = _Block(event["content_block"])
        if block.kind == "text" and block.given.get("text"):
            return self._say({"content": block.given["text"]})
        if block.kind == "thinking" and block.given.get("thinking"):
            return self._say({"reasoning_content": block.given["thinking"]})
        if block.kind == "tool_use":
            block.position = self._calls
            self._calls += 1
            return self._call(block, {"name": block.given["name"], "arguments": ""}, first=True)
        return b""

    def _delta(self, event: Block) -> bytes:
        block, delta = self._blocks.get(event["index"]), event["delta"]
        kind = delta.get("type")
        if block is None:
            return b""
        if kind == "text_delta":
            block.more.append(delta["text"])
            return self._say({"content": delta["text"]})
        if kind == "input_json_delta":
            if not delta["partial_json"]:
                return b""
            block.more.append(delta["partial_json"])
            return self._call(block, {"arguments": delta["partial_json"]})
        if kind == "thinking_delta":
            block.more.append(delta["thinking"])
            return self._say({"reasoning_content": delta["thinking"]})
        if kind == "signature_delta":
            block.signature += delta["signature"]
        return b""

    def _stop(self, event: Block) -> bytes:
        block = self._blocks.get(event["index"])
        if block is None or block.kind != "tool_use" or block.more:
            return b""
        # No arguments came: the client must read JSON all the same.
        given = faithful(block.given.get("input") or {}).decode()
        block.more.append(given)
        return self._call(block, {"arguments": given})

    def _finish(self, event: Block) -> bytes:
        delta = event.get("delta") or {}
        # Counts are cumulative, and those that changed are said again.
        self._usage.update({name: count for name, count in (event.get("usage") or {}).items() if count is not None})
        stop = delta.get("stop_reason")
        if stop is None or self._stopped:
            return b""
        self._stopped = True
        content = (block.whole() for _, block in sorted(self._blocks.items()))
        self.signatures |= kept(placed(content), self._model.id)
        said = refusal(delta)
        words = self._say({"refusal": said}) if said is not None else b""
        return words + self._say({}, finish_reason(stop, self._wants))

    def _bill(self) -> bytes:
        if not self._wants.usage:
            return b""
        return self._prefix + b'"choices":[],"usage":' + faithful(usage(self._usage)) + b"}\n\n"

    def _error(self, event: Block) -> bytes:
        self.failed = True
        return b"data: " + faithful(error_body(event)) + b"\n\n"

    def _fail(self, message: str) -> bytes:
        return self._error({"error": {"type": "api_error", "message": message}})

    def _call(self, block: _Block, function: Block, first: bool = False) -> bytes:
        if self._wants.functions:
            return self._say({"function_call": function}) if block.position == 0 else b""
        call: Block = {"index": block.position}
        if first:
            call |= {"id": block.given["id"], "type": "function"}
        return self._say({"tool_calls": [{**call, "function": function}]})

    def _frame(self, message_id: str) -> None:
        """What all chunks have in common, written once."""
        common = {
            "id": f"chatcmpl-{message_id}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": self._asked,
        }
        self._prefix = b"data: " + faithful(common)[:-1] + b","
        self._suffix = b',"usage":null}\n\n' if self._wants.usage else b"}\n\n"

    def _say(self, delta: Block, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return self._prefix + b'"choices":[' + faithful(choice) + b"]" + self._suffix


class _Block:
    """One content block while it comes."""

    __slots__ = ("given", "kind", "more", "position", "signature")

    def __init__(self, given: Block) -> None:
        self.given = given
        self.kind = given.get("type")
        self.more: list[str] = []
        self.signature = ""
        self.position = 0

    def whole(self) -> Block:
        """As it would stand in an answer that isn't streamed; a call without its arguments."""
        if self.kind == "text":
            return {**self.given, "text": (self.given.get("text") or "") + "".join(self.more)}
        if self.kind not in THINKING:
            return self.given
        block = dict(self.given)
        if self.kind == "thinking":
            block["thinking"] = (block.get("thinking") or "") + "".join(self.more)
            block["signature"] = (block.get("signature") or "") + self.signature
        return block
