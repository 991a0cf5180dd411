"""What the local model servers answer. Latencies are milliseconds of wall time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class EmbeddingResult:
    """`embedding`: the vector as the server normalised it; `dimension` is its length."""

    embedding: list[float]
    model: str
    latency_ms: float

    @property
    def dimension(self) -> int:
        return len(self.embedding)


@dataclass(frozen=True, slots=True)
class EmbeddingBatch:
    """One vector per text, in the order of the texts."""

    embeddings: list[list[float]]
    model: str
    tokens: int | None
    latency_ms: float


@dataclass(frozen=True, slots=True)
class ReasoningResult:
    """`data` is the parsed answer when a JSON schema was asked for."""

    text: str
    model: str
    tokens_in: int
    tokens_out: int
    tokens_per_second: float
    latency_ms: float
    finish_reason: str
    data: Any = None


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """One server's state: up, loading (answers, model not there yet) or down, and why.

    `version`, `model` and `engine` (what compresses) are what the server said just now; None where it didn't.
    """

    state: str
    url: str
    model: str | None
    latency_ms: float
    detail: str | None = None
    version: str | None = None
    engine: str | None = None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What an embedding server says of the model that it serves, and of itself; `build` is None for who doesn't say."""

    model: str
    dim: int
    context_tokens: int
    build: str | None = None


@dataclass(frozen=True, slots=True)
class CompressionResult:
    """`compression_ratio` is the share of tokens kept."""

    compressed_prompt: str
    original_tokens: int
    compressed_tokens: int
    compression_ratio: float
    engine: str
    latency_ms: float
