"""Runs inside the peers' environment: answers requests (a JSON object per line) with mem0 as it is shipped.

Every call is timed here, so that what the pipe costs isn't counted against mem0.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from mem0 import Memory  # type: ignore[import-not-found]  # only in the peers' environment


def _open(dsn: str, collection: str, embeddings: str, history: str) -> Memory:
    openai = {"model": "any", "api_key": "none", "openai_base_url": f"{embeddings}/v1"}
    store = {"connection_string": dsn, "collection_name": collection, "embedding_model_dims": 384, "hnsw": True}
    return Memory.from_config(
        {
            "vector_store": {"provider": "pgvector", "config": store},
            "embedder": {"provider": "openai", "config": openai},
            "llm": {"provider": "openai", "config": {**openai, "model": "unused"}},
            "history_db_path": history,
        }
    )


def _add(memory: Memory, user: str, texts: list[str], metadata: list[dict[str, Any]]) -> dict[str, Any]:
    started = time.perf_counter()
    for text, known in zip(texts, metadata, strict=True):
        memory.add(text, user_id=user, infer=False, metadata=known)
    return {"seconds": time.perf_counter() - started}


def _search(memory: Memory, user: str, query: str, limit: int) -> dict[str, Any]:
    started = time.perf_counter()
    found = memory.search(query, filters={"user_id": user}, top_k=limit, threshold=0.0)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "metadata": [hit.get("metadata") or {} for hit in found["results"]]}


def main() -> None:
    answers = sys.stdout
    sys.stdout = sys.stderr  # whatever a library prints must not look like an answer
    memory = _open(**json.loads(sys.argv[1]))
    calls: dict[str, Callable[..., dict[str, Any]]] = {"add": _add, "search": _search}
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(calls[asked.pop("do")](memory, **asked)), file=answers, flush=True)


if __name__ == "__main__":
    main()
