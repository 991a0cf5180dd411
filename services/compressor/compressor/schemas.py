"""The wire format. Spans are `[start, end]` in Unicode code points of a segment's text, `end` not part of it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from compressor.architecture import PLACEHOLDERS, ModelName, Precision
from compressor.engine import EngineName, Job, Segment
from compressor.spans import merged

WireSpan = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SegmentIn(_In):
    text: str
    protected: tuple[WireSpan, ...] = ()

    @model_validator(mode="after")
    def _inside(self) -> Self:
        _check_inside(self.protected, self.text)
        return self

    def segment(self) -> Segment:
        return Segment(self.text, tuple(merged(self.protected)))


class CompressIn(_In):
    """`engine` and `model`: null takes what the server was started with."""

    segments: Annotated[tuple[SegmentIn, ...], Field(max_length=10_000)] | None = None
    text: str | None = None
    protected: tuple[WireSpan, ...] = ()
    ratio: Annotated[float, Field(gt=0, le=1)] | None = None
    target_tokens: Annotated[int, Field(ge=0)] | None = None
    forced_tokens: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(max_length=len(PLACEHOLDERS))] = ()
    force_digits: bool = False
    engine: EngineName | None = None
    strict: bool = False
    model: ModelName | None = None
    deadline_ms: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if (self.text is None) == (self.segments is None):
            raise ValueError("give either text or segments")
        if self.segments is not None and self.protected:
            raise ValueError("protected spans belong to their segment")
        _check_inside(self.protected, self.text or "")
        if (self.ratio is None) == (self.target_tokens is None):
            raise ValueError("give either ratio or target_tokens")
        return self

    def job(self) -> Job:
        given = (self._single(),) if self.segments is None else self.segments
        return Job(
            segments=tuple(segment.segment() for segment in given),
            ratio=self.ratio,
            target_tokens=self.target_tokens,
            forced_tokens=self.forced_tokens,
            force_digits=self.force_digits,
        )

    def _single(self) -> SegmentIn:
        return SegmentIn(text=self.text or "", protected=self.protected)


def _check_inside(protected: tuple[WireSpan, ...], text: str) -> None:
    for start, end in protected:
        if not start <= end <= len(text):
            raise ValueError(f"protected span [{start}, {end}] isn't inside the text of {len(text)} characters")


class SegmentOut(BaseModel):
    """`text` is the concatenation of `kept`. `lost`: only where the package's words were asked for."""

    text: str
    kept: list[tuple[int, int]]
    lost: list[tuple[int, int]]
    tokens_before: int
    tokens_after: int


class CompressOut(BaseModel):
    """Tokens are the model's own. `latency_ms` includes the waiting in the queue."""

    segments: list[SegmentOut]
    tokens_before: int
    tokens_after: int
    engine: EngineName
    model: ModelName
    precision: Precision
    strict: bool
    latency_ms: float


class ModelOut(BaseModel):
    model: ModelName
    precision: Precision
    engine: EngineName
    strict: bool


class QueueOut(BaseModel):
    waiting: int
    limit: int


class HealthOut(BaseModel):
    """`engine`: the one that a request gets that names none. `counter`: what weighs words in strict mode."""

    status: Literal["ok", "loading", "failed"]
    models: list[ModelOut]
    engine: EngineName | None
    queue: QueueOut
    threads: int
    version: str
    error: str | None
