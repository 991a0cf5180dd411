"""A provider's errors, in Anthropic's format and in the provider's own words."""

from __future__ import annotations

from collections.abc import Mapping

from athena.gateway.translate.to_openai.shapes import decoded, encoded
from athena.gateway.types import Json

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
# What Anthropic says in the place of these.
_STATUSES = {405: 400, 408: 504, 415: 400, 422: 400, 503: 529}
_TOO_LONG = ("exceed_context_size_error", "context_length_exceeded")
# A page of HTML tells nobody more than its beginning.
_LONGEST = 4000


def error(status: int, body: bytes) -> tuple[int, bytes]:
    """(status, body) for the client. The message stays as it was said; in front of one about a prompt that is too
    long come the words by which clients of Anthropic know that they have to shorten the conversation."""
    status = _STATUSES.get(status, status)
    said = decoded(body)
    if said is None:
        said = body.decode("utf-8", "replace").strip()[:_LONGEST]
    return status, rendered(said, status).encode()


def rendered(said: Json, status: int) -> str:
    """The error `said` (a body, or what an event of a stream holds) as Anthropic's clients expect it."""
    detail = _detail(said)
    message = _message(detail) or f"the provider answered {status} and said nothing about it"
    kind = _KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    if isinstance(detail, Mapping) and (detail.get("type") in _TOO_LONG or detail.get("code") in _TOO_LONG):
        kind, message = "invalid_request_error", f"{_too_long(detail)} ({message})"
    return encoded({"type": "error", "error": {"type": kind, "message": message}})


def status_of(said: Json) -> int:
    """Of an error inside a stream, which has only its words: a status that it names, else 500."""
    detail = _detail(said)
    code = detail.get("code") if isinstance(detail, Mapping) else None
    number = int(code) if isinstance(code, int) or (isinstance(code, str) and code.isdecimal()) else 500
    return _STATUSES.get(number, number) if 400 <= number <= 599 else 500


def told(said: Json) -> str:
    """The message alone."""
    return _message(_detail(said))


def _detail(said: Json) -> Json:
    """What is inside: `{"error": …}`, and Google's list of one such."""
    if isinstance(said, list) and said:
        said = said[0]
    return said.get("error", said) if isinstance(said, Mapping) else said


def _message(detail: Json) -> str:
    if isinstance(detail, str):
        return detail
    if isinstance(detail, Mapping):
        for name in ("message", "detail", "error"):
            if isinstance(detail.get(name), str) and detail[name]:
                return str(detail[name])
    return encoded(detail) if detail else ""


def _too_long(detail: Mapping[str, Json]) -> str:
    tokens, window = detail.get("n_prompt_tokens"), detail.get("n_ctx")
    if isinstance(tokens, int) and isinstance(window, int):
        return f"prompt is too long: {tokens} tokens > {window} maximum"
    return "prompt is too long"
