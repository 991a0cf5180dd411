"""The error tree.

Every error knows its HTTP status, a stable machine-readable `code`, who failed
(`source`) and, where there is one, the command that mends it (`hint`). Foreign
errors are translated into these once, where they enter the house, with
`raise ... from exc`; one API handler and one CLI handler render them.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

Source = Literal["client", "athena", "postgres", "embedding", "reasoning", "compressor", "hub", "provider"]


class AthenaError(Exception):
    """Base of everything Athena raises on purpose."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    source: Source = "athena"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        source: Source | None = None,
        retry_after: int | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        """`details`: what a provider's clients look for in their own format, beside the words."""
        super().__init__(message)
        self.message = message
        self.details = details
        self.hint = hint
        self.retry_after = retry_after
        if source is not None:
            self.source = source

    def body(self) -> dict[str, Any]:
        """The wire form: `{"error": {"code", "message", "source", "hint"}}`."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "source": self.source,
                "hint": self.hint,
            }
        }


class InvalidInput(AthenaError):
    """The caller sent something that can't be taken."""

    status = 400
    code = "invalid_input"
    source = "client"


class InvalidSetting(AthenaError):
    """A setting from the environment or athena.toml has a wrong value."""

    code = "invalid_setting"
    source = "client"


class Unauthorized(AthenaError):
    """No credential, or one that isn't known."""

    status = 401
    code = "unauthorized"
    source = "client"


class Forbidden(AthenaError):
    """The caller is known, or its origin is, and may not do this."""

    status = 403
    code = "forbidden"
    source = "client"


class NotFound(AthenaError):
    """The thing named doesn't exist, or not for this caller."""

    status = 404
    code = "not_found"
    source = "client"


class Conflict(AthenaError):
    """The state of the thing named doesn't allow this."""

    status = 409
    code = "conflict"
    source = "client"


class TooLarge(AthenaError):
    """The body or the text is over the limit."""

    status = 413
    code = "too_large"
    source = "client"


class Unavailable(AthenaError):
    """A part that is needed doesn't answer; the same request may work later."""

    status = 503
    code = "unavailable"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        source: Source | None = None,
        retry_after: int | None = 2,
    ) -> None:
        super().__init__(message, hint=hint, source=source, retry_after=retry_after)


class StoreUnavailable(Unavailable):
    """PostgreSQL can't be reached, is starting, or dropped the connection."""

    source = "postgres"


class ModelServerUnavailable(Unavailable):
    """A llama-server (or the compressor) can't be reached or is still loading."""

    code = "model_server_unavailable"
    source: Source = "embedding"


class ModelServerError(AthenaError):
    """A model server answered, but not with what was asked for."""

    status = 502
    code = "model_server_error"
    source: Source = "embedding"


class InputTooLong(ModelServerError):
    """The text has more tokens than the model server takes in one input.

    `tokens` and `limit` are what the server said of it (None where it didn't);
    `index` is the text's place in the list that was embedded.
    """

    status = 400
    code = "input_too_long"

    def __init__(
        self,
        message: str,
        *,
        tokens: int | None = None,
        limit: int | None = None,
        index: int | None = None,
        hint: str | None = None,
        source: Source | None = None,
    ) -> None:
        super().__init__(message, hint=hint, source=source)
        self.tokens = tokens
        self.limit = limit
        self.index = index


class AnswerCut(ModelServerError):
    """The reasoning model reached `max_tokens` before its answer was usable."""

    code = "answer_cut"
    source = "reasoning"


class InvalidAnswer(ModelServerError):
    """The reasoning model was asked for JSON and answered something else."""

    code = "invalid_answer"
    source = "reasoning"


class NotAvailable(AthenaError):
    """What was asked for isn't part of this installation."""

    status = 501
    code = "not_available"


class DimensionMismatch(ModelServerError):
    """The embedding server returns vectors of another size than expected."""

    code = "dimension_mismatch"


class DownloadError(AthenaError):
    """A model couldn't be fetched, verified or stored."""

    status = 502
    code = "download_failed"
    source = "hub"


class StackError(AthenaError):
    """A local process couldn't be started or didn't become ready."""

    status = 503
    code = "stack"
