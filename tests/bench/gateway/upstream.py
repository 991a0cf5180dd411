"""`python -m tests.bench.gateway.upstream PORT`: a provider that costs next to nothing, of both wires.

It reads a request to its end and says the same each time, from bytes that were made before:
twenty pieces of text, as events when the body says `"stream":true`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, cast

_PIECES = 20
_BURSTS = 4
_WORD = "A few words of an answer. "


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()


def _messages_events() -> list[bytes]:
    usage = {"input_tokens": 25, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0, "output_tokens": 1}
    message = {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    piece = {"index": 0, "delta": {"type": "text_delta", "text": _WORD}}
    return [
        _event("message_start", {"message": message}),
        _event("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        *[_event("content_block_delta", piece)] * _PIECES,
        _event("content_block_stop", {"index": 0}),
        _event("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": {**usage, "output_tokens": 120}}),
        _event("message_stop", {}),
    ]


def _messages_whole() -> bytes:
    return json.dumps(
        {
            "id": "msg_bench",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-5-5",
            "content": [{"type": "text", "text": _WORD * _PIECES}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {
                "input_tokens": 25,
                "cache_read_input_tokens": 0,
                "cache_creation_input_tokens": 0,
                "output_tokens": 120,
            },
        }
    ).encode()


_CHUNK = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5-mini"}
_USAGE = {"prompt_tokens": 25, "completion_tokens": 120, "total_tokens": 145}


def _chat_events() -> list[bytes]:
    def chunk(**rest: Any) -> bytes:
        return f"data: {json.dumps({**_CHUNK, **rest})}\n\n".encode()

    def choice(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    return [
        chunk(**choice({"role": "assistant", "content": ""})),
        *[chunk(**choice({"content": _WORD}))] * _PIECES,
        chunk(**choice({}, "stop")),
        chunk(choices=[], usage=_USAGE),
        b"data: [DONE]\n\n",
    ]


def _chat_whole() -> bytes:
    message = {"role": "assistant", "content": _WORD * _PIECES}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({**_CHUNK, "object": "chat.completion", "choices": [choice], "usage": _USAGE}).encode()


def _whole(body: bytes) -> list[bytes]:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return [head.encode() + body]


def _stream(events: list[bytes]) -> list[bytes]:
    """In bursts, as a model's pieces come: each burst is a write of its own."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    size = -(-len(events) // _BURSTS)
    bursts = [b"".join(_chunked(event) for event in events[at : at + size]) for at in range(0, len(events), size)]
    return [head + bursts[0], *bursts[1:-1], bursts[-1] + b"0\r\n\r\n"]


def _chunked(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


_ANSWERS = {
    (True, True): _stream(_chat_events()),
    (True, False): _whole(_chat_whole()),
    (False, True): _stream(_messages_events()),
    (False, False): _whole(_messages_whole()),
}


class Provider(asyncio.Protocol):
    """One connection. Bodies come with a content-length or in chunks; what is in them doesn't matter."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._complete()) is not None:
            request = bytes(self._buffer[:end])
            del self._buffer[:end]
            streams = b'"stream":true' in request or b'"stream": true' in request
            self._say(_ANSWERS[b"/chat/completions" in request[:200], streams])

    def _complete(self) -> int | None:
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return None
        headers = bytes(self._buffer[:head]).lower()
        if b"transfer-encoding: chunked" in headers:
            last = self._buffer.find(b"0\r\n\r\n", head)
            return None if last < 0 else last + 5
        at = headers.find(b"content-length:")
        length = int(headers[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        total = head + 4 + length
        return total if len(self._buffer) >= total else None

    def _say(self, pieces: list[bytes]) -> None:
        self._transport.write(pieces[0])
        loop = asyncio.get_running_loop()
        for place, piece in enumerate(pieces[1:], 1):
            loop.call_later(0.001 * place, self._transport.write, piece)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(sys.argv[1])))
