"""Embeddings from one llama-server."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from typing import Any

from athena.core import answers
from athena.core.failures import RouteMissing
from athena.core.transport import ModelServer
from athena.core.types import EmbeddingBatch, ModelInfo
from athena.errors import InputTooLong, ModelServerError

# llama-server reaches its full rate with eight texts a request and two requests in flight
# (MiniLM, 2 cores: 80 texts/s one by one, 120 so; more only makes a query wait longer
# behind a bulk). Long texts go in smaller batches, or one request would take minutes.
BATCH_TEXTS = 8
BATCH_CHARACTERS = 16_000
BULK_REQUESTS = 2

_PROBE = "the quick brown fox jumps over the lazy dog"


class EmbeddingServer:
    """`dim`: the dimension every vector must have, None to take what comes."""

    def __init__(self, server: ModelServer, dim: int | None = None) -> None:
        self._server = server
        self._dim = dim
        self._older = False

    async def embed_many(self, texts: list[str]) -> EmbeddingBatch:
        """One vector per text, in order. A failure is the whole call's: no text is left out.

        `InputTooLong.index` says which text it was.
        """
        started = time.perf_counter()
        pending = _batches(texts)
        done: dict[int, EmbeddingBatch] = {}

        async def work() -> None:
            for start, batch in pending:
                done[start] = await self._batch(start, batch)

        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(BULK_REQUESTS):
                    workers.create_task(work())
        except ExceptionGroup as group:
            raise group.exceptions[0] from group
        parts = [done[start] for start in sorted(done)]
        dims = {len(vector) for part in parts for vector in part.embeddings}
        if len(dims) > 1:
            raise ModelServerError(f"the embedding server's dimension changed between requests: {sorted(dims)}")
        counts = [part.tokens for part in parts]
        return EmbeddingBatch(
            embeddings=list(itertools.chain.from_iterable(part.embeddings for part in parts)),
            model=parts[0].model if parts else "",
            tokens=None if None in counts else sum(count or 0 for count in counts),
            latency_ms=(time.perf_counter() - started) * 1000,
        )

    async def count_tokens(self, text: str) -> int:
        """How many tokens the model makes of `text`, with those it adds at both ends."""
        answer = await self._server.post("/tokenize", {"content": text, "add_special": True, "parse_special": True})
        tokens = answer.get("tokens") if isinstance(answer, dict) else None
        if not isinstance(tokens, list):
            raise ModelServerError("the embedding server's /tokenize answered without tokens")
        return len(tokens)

    async def model_info(self) -> ModelInfo:
        """Asks the server, and embeds once: the dimension is the one of a real vector."""
        described = await self._server.get("/v1/models")
        probe = await self._batch(0, [_PROBE])
        props = await self._props()
        return ModelInfo(
            model=served_model(described) or probe.model,
            dim=len(probe.embeddings[0]),
            context_tokens=await self._longest_input(_context(described, props)),
            build=build_of(props),
        )

    async def _batch(self, start: int, texts: list[str]) -> EmbeddingBatch:
        started = time.perf_counter()
        try:
            payloads = await self._ask(texts)
        except InputTooLong as exc:
            index = await self._too_long(texts, exc) if len(texts) > 1 else 0
            exc.index = None if index is None else start + index
            raise
        vectors = [vector for payload, count in payloads for vector in answers.vectors(payload, count, self._dim)]
        first = payloads[0][0]
        usage = first.get("usage") if isinstance(first, dict) else None
        return EmbeddingBatch(
            embeddings=vectors,
            model=short_name(first.get("model")) if isinstance(first, dict) else "",
            tokens=usage.get("prompt_tokens") if isinstance(usage, dict) else None,
            latency_ms=(time.perf_counter() - started) * 1000,
        )

    async def _ask(self, texts: list[str]) -> list[tuple[Any, int]]:
        """Payloads, each with how many vectors it must hold."""
        if not self._older:
            try:
                return [(await self._server.post("/v1/embeddings", {"input": texts}), len(texts))]
            except RouteMissing:
                pass
        # A server without /v1/embeddings is older than lists in /embedding: one text at a time.
        payloads = [(await self._server.post("/embedding", {"content": text}), 1) for text in texts]
        self._older = True
        return payloads

    async def _too_long(self, texts: list[str], exc: InputTooLong) -> int | None:
        for index, text in enumerate(texts):
            # A token has at least one byte, but for the few that the model adds: most texts need no asking.
            could_be = exc.tokens is not None and len(text.encode()) + 8 >= exc.tokens
            if could_be and await self.count_tokens(text) == exc.tokens:
                return index
        return None

    async def _props(self) -> Any:
        try:
            return await self._server.get("/props")
        except RouteMissing:
            return None

    async def _longest_input(self, context: int) -> int:
        """The physical batch may be smaller than the context, and only a refusal says so.

        The input that is sent is over both limits: it is refused before anything is computed.
        """
        try:
            await self._ask(["a " * (context + 1)])
        except InputTooLong as exc:
            return min(context, exc.limit or context)
        return context


def served_model(described: Any) -> str | None:
    """The model's name out of an answer of /v1/models."""
    return short_name(_first_model(described).get("id")) or None


def short_name(name: Any) -> str:
    """A model that was given no alias is called by its path: the file's name will do."""
    text = name if isinstance(name, str) else ""
    return text.replace("\\", "/").rsplit("/", 1)[-1] if text.endswith(".gguf") else text


def build_of(props: Any) -> str | None:
    """Which llama.cpp a server is, out of an answer of /props: "b11176-9d34231"."""
    build = props.get("build_info") if isinstance(props, dict) else None
    return build if isinstance(build, str) and build else None


def _context(described: Any, props: Any) -> int:
    """Tokens per slot, at most what the model was trained for."""
    try:
        slot = props["default_generation_settings"]["n_ctx"]
    except (KeyError, TypeError):
        slot = None
    meta = _first_model(described).get("meta")
    trained = meta.get("n_ctx_train") if isinstance(meta, dict) else None
    known = [n for n in (slot, trained) if isinstance(n, int) and n > 0]
    if not known:
        raise ModelServerError(
            "the embedding server doesn't say how long its context is (neither /props nor /v1/models)",
            hint="use llama-server",
        )
    return min(known)


def _first_model(described: Any) -> dict[str, Any]:
    models = described.get("data") if isinstance(described, dict) else None
    return models[0] if isinstance(models, list) and models and isinstance(models[0], dict) else {}


def _batches(texts: list[str]) -> Iterator[tuple[int, list[str]]]:
    """(place of the first text, texts) in order; a text over the limit is a batch of its own."""
    start, size = 0, 0
    for index, text in enumerate(texts):
        if index > start and (index - start == BATCH_TEXTS or size + len(text) > BATCH_CHARACTERS):
            yield start, texts[start:index]
            start, size = index, 0
        size += len(text)
    if texts:
        yield start, texts[start:]
