"""What can go wrong, with the HTTP status and the body that the caller gets.

The wire form is the one all services share: `{"error": {"code", "message", "source", "hint"}}`.
"""

from __future__ import annotations

from typing import ClassVar


class CompressorError(Exception):
    """Base of everything this service raises on purpose. `retry_after`: seconds."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    source: ClassVar[str] = "compressor"

    def __init__(self, message: str, *, hint: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retry_after = retry_after

    def body(self) -> dict[str, dict[str, str | None]]:
        return {"error": {"code": self.code, "message": self.message, "source": self.source, "hint": self.hint}}


class InvalidInput(CompressorError):
    """The caller sent something that can't be taken."""

    status = 400
    code = "invalid_input"
    source = "client"


class TooLarge(CompressorError):
    """The body or the text is over the limit."""

    status = 413
    code = "too_large"
    source = "client"


class Busy(CompressorError):
    """The queue is full."""

    status = 503
    code = "busy"


class NotLoaded(CompressorError):
    """The model asked for is still loading, or this server wasn't told to load it."""

    status = 503
    code = "not_loaded"


class DeadlineExceeded(CompressorError):
    """The caller's `deadline_ms` has passed, or is too near for this much text."""

    status = 503
    code = "deadline_exceeded"


class Cancelled(CompressorError):
    """The client left; nobody reads this answer (nginx's 499)."""

    status = 499
    code = "cancelled"
    source = "client"


class EngineFailed(CompressorError):
    """The engine broke on this text; the text is unchanged at the caller's."""

    code = "engine_failed"


class BadModel(CompressorError):
    """A checkpoint or an exported model is missing, damaged, or of another architecture."""

    code = "bad_model"


class ExportMismatch(BadModel):
    """The exported graph doesn't compute what torch computes; nothing was written."""

    code = "export_mismatch"
