"""Athena's own errors, in the words of the surface. A provider's errors go through verbatim and never come here."""

from __future__ import annotations

import json

import msgspec

from athena.errors import AthenaError
from athena.gateway.types import Json, Wire

_ANTHROPIC = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    409: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_OPENAI = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    429: "rate_limit_error",
}


def body(error: AthenaError, wire: Wire, request_id: str) -> Json:
    """The error as the surface's clients expect it. They show people the message alone, so it holds the hint."""
    message = f"{error.message} ({error.hint})" if error.hint else error.message
    detail: dict[str, Json] = {"message": message, "code": error.code, "source": error.source}
    if error.details:
        detail["details"] = error.details
    if wire == "anthropic":
        kind = _ANTHROPIC.get(error.status, "api_error")
        return {"type": "error", "error": {"type": kind, **detail}, "request_id": request_id}
    kind = _OPENAI.get(error.status, "invalid_request_error" if error.status < 500 else "server_error")
    return {"error": {"type": kind, "param": None, **detail}}


def headers(error: AthenaError) -> list[tuple[str, str]]:
    found = [("content-type", "application/json")]
    if error.retry_after is not None:
        found.append(("retry-after", str(error.retry_after)))
    if error.status < 500 and error.status != 429:
        # The SDKs' own word for it: without, some agents ask again for minutes before they show the message.
        found.append(("x-should-retry", "false"))
    if error.status == 401:
        found.append(("www-authenticate", "Bearer"))
    return found


def encoded(error: AthenaError, wire: Wire, request_id: str) -> bytes:
    said = body(error, wire, request_id)
    try:
        return msgspec.json.encode(said)
    except UnicodeEncodeError:
        # The client's own words, with half of a surrogate pair in them.
        return json.dumps(said).encode()
