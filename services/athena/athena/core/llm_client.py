"""`LocalLLMClient`: embeddings, reasoning and compression by the models of this machine."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from athena import config
from athena.compression import Compressed, compress, estimate
from athena.compression.client import CompressorClient, Described
from athena.core.compression import EmbeddingRanker
from athena.core.embedding import EmbeddingServer
from athena.core.health import server_health
from athena.core.images import Image
from athena.core.reasoning import ReasoningServer
from athena.core.transport import Limits, ModelServer
from athena.core.types import (
    CompressionResult,
    EmbeddingBatch,
    EmbeddingResult,
    ModelInfo,
    ReasoningResult,
    ServerHealth,
)
from athena.errors import AthenaError, InvalidInput

# The standard library's logger: silent in a user's script, structured where the application sets that up.
_log = logging.getLogger(__name__)

_EMBEDDINGS_IN_FLIGHT = 8
_ANSWERS_IN_FLIGHT = 4
_HEALTH_S = 3.0


class LocalLLMClient:
    """A client of the two llama-servers and the compressor.

    Works with or without `async with`; connections are opened when they are first needed
    and kept. Safe to share between tasks. Every failure is an `AthenaError`:
    `ModelServerUnavailable` (down, loading, too slow), `InputTooLong`, `ModelServerError`.
    """

    def __init__(
        self,
        embedding_url: str | None = None,
        reasoning_url: str | None = None,
        enable_compression: bool = True,
        *,
        compressor_url: str | None = None,
        embedding_dim: int | None = None,
        connect_timeout_s: float = 2.0,
        embedding_timeout_s: float = 60.0,
        reasoning_timeout_s: float = 600.0,
        retry_for_s: float = 2.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """URLs that aren't given are those of the settings; so is `embedding_dim`, then.

        `embedding_dim`: the dimension every vector must have (None: whatever the server has).
        `retry_for_s`: how long a call goes on trying a server that is down or loading; once
        it was found down, each call tries once until it is back.
        """
        if embedding_url is None or reasoning_url is None or compressor_url is None:
            settings = config.load()
            compressor_url = settings.compressor_url if compressor_url is None else compressor_url
            if embedding_url is None:
                embedding_url = settings.embeddings_url
                embedding_dim = settings.embedding_dim if embedding_dim is None else embedding_dim
            reasoning_url = settings.reasoning_url if reasoning_url is None else reasoning_url
        self.enable_compression = enable_compression
        self._embedding_server = ModelServer(
            embedding_url,
            "embedding",
            Limits(connect_timeout_s, embedding_timeout_s, retry_for_s, _EMBEDDINGS_IN_FLIGHT),
            transport=transport,
        )
        self._reasoning_server = ModelServer(
            reasoning_url,
            "reasoning",
            Limits(connect_timeout_s, reasoning_timeout_s, retry_for_s, _ANSWERS_IN_FLIGHT),
            transport=transport,
        )
        self._embedding = EmbeddingServer(self._embedding_server, embedding_dim)
        self._reasoning = ReasoningServer(self._reasoning_server)
        self._compressor = CompressorClient(compressor_url)

    async def embed(self, text: str) -> EmbeddingResult:
        """The vector of `text` as it is: a model's task prefix is the caller's to add."""
        batch = await self.embed_many([text])
        return EmbeddingResult(embedding=batch.embeddings[0], model=batch.model, latency_ms=batch.latency_ms)

    async def embed_many(self, texts: list[str]) -> EmbeddingBatch:
        """One vector per text, in order; all or none."""
        batch = await self._embedding.embed_many(texts)
        _log.info(
            "embedding", extra={"texts": len(texts), "tokens": batch.tokens, "latency_ms": round(batch.latency_ms, 1)}
        )
        return batch

    async def count_tokens(self, text: str) -> int:
        """How many tokens the embedding model makes of `text`, special tokens included."""
        return await self._embedding.count_tokens(text)

    async def model_info(self) -> ModelInfo:
        """What the embedding server serves: name, dimension of a real vector, longest input in tokens."""
        return await self._embedding.model_info()

    async def reason(
        self,
        prompt: str,
        system: str | None = None,
        max_tokens: int = 1000,
        images: Sequence[Image] | None = None,
        json_schema: Mapping[str, Any] | None = None,
        temperature: float | None = None,
    ) -> ReasoningResult:
        """The reasoning model's answer, without its thinking.

        `images`: paths, bytes or data URLs, for a vision model. With `json_schema` the
        answer is constrained to it and parsed into `.data`; cut by `max_tokens` it raises
        `AnswerCut`, not JSON `InvalidAnswer`. `temperature` None: the server's own.
        """
        result = await self._reasoning.reason(
            prompt,
            system=system,
            max_tokens=max_tokens,
            images=images or (),
            json_schema=json_schema,
            temperature=temperature,
        )
        _log.info(
            "reasoning",
            extra={
                "tokens_in": result.tokens_in,
                "tokens_out": result.tokens_out,
                "latency_ms": round(result.latency_ms, 1),
            },
        )
        return result

    async def compress_prompt(
        self,
        context: str,
        instruction: str,
        compression_ratio: float = 0.5,
        *,
        budget_ms: float = 5_000,
    ) -> CompressionResult:
        """`context` with about `compression_ratio` of its tokens, chosen with `instruction` in mind.

        The instruction itself is never shortened, and isn't part of what comes back. Sentences are ranked by
        words and, where the embedding server answers within `budget_ms`, by meaning; the compressor service
        drops words where it runs and the ratio isn't reached. `.engine` says what did the work. Switched off
        (`enable_compression=False`) the original comes back. Token counts are estimates.
        """
        if not 0 < compression_ratio <= 1:
            raise InvalidInput(
                f"compression_ratio is the share of tokens kept, above 0 and up to 1, got {compression_ratio}"
            )
        if not self.enable_compression:
            tokens = estimate(context)
            return CompressionResult(context, tokens, tokens, 1.0, "none", 0.0)
        done = await self.compress(context, instruction, ratio=compression_ratio, budget_ms=budget_ms)
        _log.info("compression", extra={"tokens": done.original_tokens, "latency_ms": round(done.latency_ms, 1)})
        return CompressionResult(
            compressed_prompt=done.text,
            original_tokens=done.original_tokens,
            compressed_tokens=done.compressed_tokens,
            compression_ratio=done.compressed_tokens / max(done.original_tokens, 1),
            engine="+".join(done.engines) or "none",
            latency_ms=done.latency_ms,
        )

    async def compress(
        self,
        text: str,
        query: str,
        *,
        ratio: float | None = None,
        target_tokens: int | None = None,
        budget_ms: float = 150,
        lossless_only: bool = False,
        prefixes: tuple[str, str] = ("", ""),
    ) -> Compressed:
        """Everything that `athena.compression.compress` tells, with this client's servers as its engines.

        `prefixes`: what the embedding model wants before a query and before a document.
        """
        ranker = EmbeddingRanker(
            self._embedding.embed_many, budget_ms=budget_ms, prefix_query=prefixes[0], prefix_document=prefixes[1]
        )
        return await compress(
            text,
            query=query,
            ratio=ratio,
            target_tokens=target_tokens,
            budget_ms=budget_ms,
            lossless_only=lossless_only,
            ranker=ranker,
            squeezer=self._compressor,
        )

    async def health(self) -> dict[str, ServerHealth]:
        """`embedding`, `reasoning` and `compressor`: up, loading or down, and why. Never raises for a server."""
        embedding, reasoning, compressor = await asyncio.gather(
            server_health(self._embedding_server), server_health(self._reasoning_server), self._compressor_health()
        )
        return {"embedding": embedding, "reasoning": reasoning, "compressor": compressor}

    async def _compressor_health(self) -> ServerHealth:
        started = time.perf_counter()
        said = Described()
        state, detail = "up", None
        try:
            async with asyncio.timeout(_HEALTH_S):
                said = await self._compressor.health()
        except TimeoutError:
            state, detail = "down", f"no answer within {_HEALTH_S:.0f} s; extraction compresses without it"
        except AthenaError as exc:
            state, detail = "down", f"{exc.message}; extraction compresses without it"
        latency_ms = (time.perf_counter() - started) * 1e3
        return ServerHealth(state, self._compressor.url, said.model, latency_ms, detail, said.version, said.engine)

    async def aclose(self) -> None:
        """Closes the connections. Further calls raise `ModelServerUnavailable`."""
        await asyncio.gather(
            self._embedding_server.aclose(), self._reasoning_server.aclose(), self._compressor.aclose()
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
