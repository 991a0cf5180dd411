"""Why a provider refused, told apart by what it said: the same reading for both wires."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from athena.gateway.types import Failure, FailureKind

_LONGEST_MESSAGE = 400

# Nobody waits these away: somebody has to pay, or to raise a limit.
_SPEND_WORDS: Final = frozenset(
    (
        "billing_error",
        "billing_hard_limit_reached",
        "billing_not_active",
        "credit_balance_exhausted",
        "enforced_spend_limit_reached",
        "insufficient_quota",
        "organization_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "project_spend_limit_exceeded",
    )
)
_SPEND_TEXT: Final = re.compile(r"credit balance is too low|reached your specified (workspace )?api usage limits", re.I)
_CONTEXT_WORDS: Final = frozenset(("context_length_exceeded", "exceed_context_size_error"))
_CONTEXT_TEXT: Final = re.compile(
    r"prompt is too long|exceeds? (the )?(available )?context (size|limit|window|length)|maximum context length"
    r"|exceeds the maximum number of tokens|input (is )?too long for",
    re.I,
)
# Google says it with a 400.
_KEY_TEXT: Final = re.compile(r"api[ _]key (is )?(not valid|invalid|expired)", re.I)

# In a stream there is no status: the error's own word stands for one.
_STATUS_OF_WORD: Final[Mapping[str, int]] = {
    "invalid_request_error": 400,
    "invalid_argument": 400,
    "authentication_error": 401,
    "unauthenticated": 401,
    "billing_error": 402,
    "permission_error": 403,
    "permission_denied": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "not_found": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "resource_exhausted": 429,
    "insufficient_quota": 429,
    "exceed_context_size_error": 400,
    "context_length_exceeded": 400,
    "api_error": 500,
    "server_error": 500,
    "unavailable": 503,
    "unavailable_error": 503,
    "timeout_error": 504,
    "deadline_exceeded": 504,
    "overloaded_error": 529,
}
_RETRY_DELAY: Final = re.compile(rb'"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"')


@dataclass(frozen=True, slots=True)
class Said:
    """An error body, in whichever of its forms. `words`: its types and codes in lower case; `number`: a code that
    is one."""

    message: str = ""
    words: tuple[str, ...] = ()
    number: int | None = None


def read(body: bytes) -> Said:
    """Nothing said, where the body isn't JSON of a known form."""
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return Said()
    if isinstance(value, list) and value:
        value = value[0]  # Google's
    if not isinstance(value, dict):
        return Said()
    error = value.get("error", value)
    if isinstance(error, str):
        return Said(error)
    if not isinstance(error, dict):
        return Said()
    details = error.get("details")
    more = details.get("error_code") if isinstance(details, dict) else None
    code = error.get("code")
    words = (error.get("type"), code, error.get("status"), more)
    return Said(
        message=_text(error.get("message")) or _text(error.get("detail")),
        words=tuple(word.lower() for word in words if isinstance(word, str)),
        number=code if isinstance(code, int) else None,
    )


def failure(status: int, headers: Mapping[str, str], body: bytes, *, bare_429: Literal["rate", "spend"]) -> Failure:
    """What an answer with this status (not 2xx) means. `headers` by lower-case names. `bare_429`: what a 429 is
    that says neither when to come back nor that money is the matter."""
    said = read(body)
    wait_s = retry_after_s(headers, body)
    kind = _kind(status, said)
    if kind == "rate" and wait_s is None:
        # Providers send x-should-retry to their own SDKs, which know no more than we do.
        kind = "spend" if headers.get("x-should-retry") == "false" else bare_429
    return Failure(
        kind=kind,
        message=one_line(said.message) or f"answered with status {status}",
        status=status,
        body=body,
        content_type=headers.get("content-type", "application/json"),
        retry_after_s=wait_s,
    )


def inside_stream(data: bytes) -> Failure:
    """What an error event means: `data` has the form of an error body, but there is no status and are no headers."""
    said = read(data)
    number = said.number if said.number is not None and 400 <= said.number < 600 else None
    status = number or next((_STATUS_OF_WORD[word] for word in said.words if word in _STATUS_OF_WORD), 500)
    return failure(status, {}, data, bare_429="rate")


def retry_after_s(headers: Mapping[str, str], body: bytes = b"") -> float | None:
    """Seconds until the provider wants to be asked again, if it said so: `retry-after-ms`, `retry-after` (seconds
    or a date), or Google's `retryDelay` in the body."""
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    if value is not None:
        if (seconds := _number(value)) is not None:
            return seconds
        try:
            return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
        except ValueError:
            return None
    found = _RETRY_DELAY.search(body)
    return float(found[1]) if found else None


def one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"


def _kind(status: int, said: Said) -> FailureKind:
    if 400 <= status < 500 or status == 503:
        if status == 402 or not _SPEND_WORDS.isdisjoint(said.words) or _SPEND_TEXT.search(said.message):
            return "spend"
        if status != 429 and (not _CONTEXT_WORDS.isdisjoint(said.words) or _CONTEXT_TEXT.search(said.message)):
            return "context"
    if status in (401, 403) or (status == 400 and _KEY_TEXT.search(said.message)):
        return "missing" if "model_not_found" in said.words else "auth"
    return _BY_STATUS.get(status, "request" if 400 <= status < 500 else "server")


# 409 and 425 are documented as worth another try; 524 is the time-out of a proxy before the provider.
_BY_STATUS: Final[Mapping[int, FailureKind]] = {
    404: "missing",
    408: "timeout",
    409: "overloaded",
    425: "overloaded",
    429: "rate",
    503: "overloaded",
    504: "timeout",
    524: "timeout",
    529: "overloaded",
}


def _number(text: str | None) -> float | None:
    """A number of seconds that isn't negative and isn't `inf` or `nan`."""
    if text is None or not re.fullmatch(r"\s*\d{1,9}(\.\d{1,9})?\s*", text):
        return None
    return float(text)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
