"""An embedding server without a model: llama-server's routes, `vector(text)` behind them.

With it in front of two systems, what is measured is the systems. It runs as a process of
its own (`python -m tests.bench.world.stub_embedder PORT`), so that it takes its time from
neither. `GET /delay?MS` makes every later embedding request wait so long, whatever is in it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from tests.bench.world.vectors import DIM, vector

MODEL = "stub-embedder"
_CONTEXT = 512
_delay = {"seconds": 0.0}


async def _serve(port: int) -> None:
    server = await asyncio.start_server(_connection, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


async def _connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while (request := await _request(reader)) is not None:
            if _delay["seconds"] and "embedding" in request[0]:
                await asyncio.sleep(_delay["seconds"])
            status, body = _answer(*request)
            head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def _request(reader: asyncio.StreamReader) -> tuple[str, bytes] | None:
    """(path, body), None at the end of the connection."""
    line = await reader.readline()
    if not line:
        return None
    length = 0
    while (header := await reader.readline()) not in (b"\r\n", b"\n", b""):
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    path, _, query = line.split()[1].decode().partition("?")
    if path == "/delay":
        _delay["seconds"] = float(query) / 1e3
    return path, await reader.readexactly(length)


def _answer(path: str, body: bytes) -> tuple[str, bytes]:
    sent = json.loads(body) if body else {}
    match path:
        case "/v1/embeddings":
            return _embeddings(sent["input"])
        case "/embedding":
            return "200 OK", f'[{{"index":0,"embedding":[{_numbers(sent["content"])}]}}]'.encode()
        case "/health" | "/delay":
            return _json({"status": "ok"})
        case "/v1/models":
            return _json({"data": [{"id": MODEL, "meta": {"n_embd": DIM, "n_ctx_train": _CONTEXT}}]})
        case "/props":
            return _json({"default_generation_settings": {"n_ctx": _CONTEXT}})
        case "/tokenize":
            return _json({"tokens": list(range(_tokens(sent["content"])))})
        case _:
            return "404 Not Found", b'{"error":{"code":404,"message":"no such route","type":"not_found_error"}}'


def _embeddings(given: str | list[str]) -> tuple[str, bytes]:
    texts = [given] if isinstance(given, str) else given
    if any(_tokens(text) > _CONTEXT for text in texts):
        message = "input is larger than the max context size. skipping"
        refusal = {"code": 400, "message": message, "type": "exceed_context_size_error", "n_ctx": _CONTEXT}
        return "400 Bad Request", json.dumps({"error": refusal}).encode()
    rows = ",".join(
        f'{{"object":"embedding","index":{index},"embedding":{_numbers(text)}}}' for index, text in enumerate(texts)
    )
    usage = f'{{"prompt_tokens":{sum(map(_tokens, texts))},"total_tokens":{sum(map(_tokens, texts))}}}'
    return "200 OK", f'{{"object":"list","model":"{MODEL}","data":[{rows}],"usage":{usage}}}'.encode()


def _numbers(text: str) -> str:
    return "[" + ",".join(map("%.6f".__mod__, vector(text).tolist())) + "]"


def _tokens(text: str) -> int:
    return len(text.split()) + 2


def _json(value: Any) -> tuple[str, bytes]:
    return "200 OK", json.dumps(value).encode()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
