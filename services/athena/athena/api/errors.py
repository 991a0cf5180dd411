"""One place that turns what went wrong into an answer: `{"error": {"code", "message", "source", "hint"}}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Scope

from athena.errors import AthenaError, InvalidInput, NotFound, TooLarge, Unauthorized
from athena.gateway.surfaces import errors as surface_errors
from athena.gateway.surfaces import paths

# What pydantic puts into a location for its own bookkeeping, not for a reader.
_PLACES = ("body", "query", "path", "header", "cookie")


class MethodNotAllowed(AthenaError):
    """The path exists, and not for this method."""

    status: ClassVar[int] = 405
    code: ClassVar[str] = "method_not_allowed"
    source = "client"


class Unexpected(AthenaError):
    """A fault of Athena's own; the request id finds its trace in the log."""


def render(error: AthenaError, headers: Mapping[str, str] | None = None, scope: Scope | None = None) -> JSONResponse:
    """The answer; at the paths of a provider's surface, in that provider's format."""
    extra = dict(headers or {})
    if error.retry_after is not None:
        extra["retry-after"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        extra["www-authenticate"] = "Bearer"
    body = error.body()
    if scope is not None and paths.is_surface(paths.asked(scope["path"], scope.get("raw_path") or b"")):
        wire, request_id = paths.spoken(scope["path"], Headers(scope=scope)), scope.get("athena.request_id", "")
        body = surface_errors.body(error, wire, request_id)
        extra |= dict(surface_errors.headers(error))
        extra["x-athena-request-id"] = request_id
    return JSONResponse(body, status_code=error.status, headers=extra)


def unexpected(request_id: str) -> Unexpected:
    return Unexpected(
        f"something went wrong inside Athena (request {request_id})", hint="athena logs api shows what; athena doctor"
    )


def install(app: FastAPI) -> None:
    app.add_exception_handler(AthenaError, _athena)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)


async def _athena(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, AthenaError)
    return render(exc)


async def _validation(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, RequestValidationError)
    return render(InvalidInput(_first(exc.errors(), request)))


async def _http(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)
    headers = {"allow": _allowed(request)} if exc.status_code == 405 else exc.headers
    return render(_translate(exc, request), headers)


def _allowed(request: Request) -> str:
    """All methods of the path; the framework names those of the first route that fits."""
    path = request.url.path
    fitting = [route for route in request.app.routes if isinstance(route, Route) and route.path_regex.match(path)]
    return ", ".join(sorted({method for route in fitting for method in route.methods or ()}))


def _translate(exc: HTTPException, request: Request) -> AthenaError:
    if exc.status_code == 404:
        return NotFound(f"there is nothing at {request.url.path}", hint="GET /openapi.json lists what there is")
    if exc.status_code == 405:
        return MethodNotAllowed(f"{request.method} is not possible at {request.url.path}")
    if exc.status_code == 413:
        return TooLarge(str(exc.detail))
    if exc.status_code == 400:
        return InvalidInput(_unreadable(exc.__cause__))
    return AthenaError(str(exc.detail))


def _unreadable(cause: BaseException | None) -> str:
    if isinstance(cause, RecursionError):
        return "the body is nested too deep"
    if isinstance(cause, UnicodeDecodeError):
        return "the body is not UTF-8"
    return f"the body can't be read as JSON{f': {cause}' if isinstance(cause, ValueError) else ''}"


def _first(errors: Any, request: Request) -> str:
    """One line for the first thing that is wrong, naming the field. What was sent isn't repeated: it may be secret."""
    error = errors[0]
    kind, message = str(error["type"]), str(error["msg"]).removeprefix("Value error, ")
    location = [str(part) for part in error["loc"]]
    field = ".".join(location[1:] if location and location[0] in _PLACES else location)
    if kind == "json_invalid":
        return f"the body is not JSON: {error.get('ctx', {}).get('error', message)} at character {field}"
    if kind == "extra_forbidden":
        return f"{field}: there is no such field"
    if field:
        return f"{field}: {_plain(message)}"
    if location[:1] == ["body"] and "json" not in request.headers.get("content-type", ""):
        return "the body must be a JSON object, sent with content-type: application/json"
    return f"the body: {_plain(message)}"


def _plain(message: str) -> str:
    return message[:1].lower() + message[1:]
