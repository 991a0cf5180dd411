"""What every engine takes and gives. Engines are called from one worker thread, one job at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from compressor.architecture import ModelName, Precision
from compressor.errors import Cancelled, CompressorError, DeadlineExceeded
from compressor.spans import Span, joined

EngineName = Literal["fast", "llmlingua"]


@dataclass(frozen=True, slots=True)
class Segment:
    """`protected`: merged spans that come through byte for byte."""

    text: str
    protected: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """Exactly one of `ratio` (share of tokens kept, over all segments) and `target_tokens` is set."""

    segments: tuple[Segment, ...]
    ratio: float | None = None
    target_tokens: int | None = None
    forced_tokens: tuple[str, ...] = ()
    force_digits: bool = False

    @property
    def characters(self) -> int:
        return sum(len(segment.text) for segment in self.segments)

    def share(self, tokens: int) -> float:
        """The share of `tokens` to keep."""
        if self.ratio is not None:
            return self.ratio
        return min(1.0, (self.target_tokens or 0) / max(1, tokens))


@dataclass(frozen=True, slots=True)
class Kept:
    """`text` is the concatenation of `kept`. `lost`: what the model's tokenizer doesn't know and the package drops."""

    text: str
    kept: tuple[Span, ...]
    lost: tuple[Span, ...] = ()
    tokens_before: int = 0
    tokens_after: int = 0

    @classmethod
    def of(cls, text: str, spans: list[Span], lost: list[Span] | None = None) -> Kept:
        return cls(joined(text, spans), tuple(spans), tuple(lost or ()))

    @classmethod
    def whole(cls, text: str) -> Kept:
        return cls.of(text, [(0, len(text))] if text else [])


class Stop:
    """Ends a running job from another thread: because the client left, or the deadline passed."""

    def __init__(self, deadline_s: float | None = None) -> None:
        self.ends_at = None if deadline_s is None else time.monotonic() + deadline_s
        self._reason: CompressorError | None = None
        self._interrupt: Callable[[], None] | None = None
        self._lock = threading.Lock()

    def now(self, reason: CompressorError) -> None:
        """The first reason counts."""
        with self._lock:
            self._reason = self._reason or reason
            if self._interrupt:
                self._interrupt()

    def check(self) -> None:
        """Raises `Cancelled` or `DeadlineExceeded`."""
        if self._reason is None and self.ends_at is not None and time.monotonic() > self.ends_at:
            self._reason = DeadlineExceeded("the deadline passed before the text was compressed")
        if self._reason is not None:
            raise self._reason

    def during(self, interrupt: Callable[[], None] | None) -> None:
        """What ends the computation that begins now; called at once if it is already over."""
        with self._lock:
            self._interrupt = interrupt
            if interrupt and self._reason is not None:
                interrupt()

    @property
    def left_s(self) -> float | None:
        return None if self.ends_at is None else self.ends_at - time.monotonic()


def left() -> CompressorError:
    return Cancelled("the client left")


class Engine(Protocol):
    """`strict`: keeps the package's words. Counting is in the model's own tokens."""

    name: EngineName
    model: ModelName
    precision: Precision
    strict: bool

    def compress(self, job: Job, stop: Stop) -> list[Kept]: ...

    def count(self, text: str) -> int: ...
