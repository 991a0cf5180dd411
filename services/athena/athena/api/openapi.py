"""The OpenAPI document: what each answer means, error by error, and who may ask."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from athena import __version__
from athena.api import gateway_openapi


class ErrorDetail(BaseModel):
    """`source` says who failed, `hint` which command mends it."""

    code: str
    message: str
    source: str
    hint: str | None


class ErrorAnswer(BaseModel):
    error: ErrorDetail


_MEANING = {
    400: ("Something in the request can't be taken; the message names the field.", "invalid_input", "client"),
    401: ("A key is needed, or the one sent isn't known.", "unauthorized", "client"),
    403: ("Without a key, only requests from this machine are answered.", "forbidden", "client"),
    404: ("There is no such thing.", "not_found", "client"),
    405: ("Not with this method.", "method_not_allowed", "client"),
    409: ("The state of the thing doesn't allow this.", "conflict", "client"),
    413: ("The body is larger than Athena takes.", "too_large", "client"),
    502: ("A model server answered something else than was asked for.", "model_server_error", "embedding"),
    503: ("A part that is needed doesn't answer; `Retry-After` says when to ask again.", "unavailable", "postgres"),
}
_ALWAYS = (400, 401, 403, 503)


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented errors of a route: those that any route can answer, and `statuses`."""
    return {status: _answer(status) for status in sorted({*_ALWAYS, *statuses})}


def _answer(status: int) -> dict[str, Any]:
    description, code, source = _MEANING[status]
    example = {"error": {"code": code, "message": description, "source": source, "hint": None}}
    return {"model": ErrorAnswer, "description": description, "content": {"application/json": {"example": example}}}


def install(app: FastAPI) -> None:
    """Make `app.openapi` describe what is really answered: bad input is a 400 here, never FastAPI's 422."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _tidy(get_openapi(title=app.title, version=__version__, routes=app.routes, tags=_TAGS))
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


_TAGS = [
    {"name": "gateway", "description": "Any OpenAI or Anthropic client in, any provider out."},
    {"name": "tools", "description": "The memory as tools for agents."},
    {"name": "memories", "description": "The memory as resources."},
    {"name": "consolidation", "description": "What happened becomes what is known: runs, their changes, undo."},
    {"name": "compression", "description": "Text to shorter text, and back."},
    {"name": "embeddings", "description": "Embedding generations: changing the model while Athena goes on."},
    {"name": "route", "description": "Which model would answer, and why."},
    {"name": "sessions", "description": "Conversations through the gateway, and the model each is pinned to."},
    {"name": "usage", "description": "What was used, what it cost, what was saved; budgets."},
    {"name": "preferences", "description": "Compression, memory and capture, by key and by project."},
    {"name": "local-only", "description": "Whether anything may leave for a host that isn't local."},
    {"name": "health", "description": "What works, and what doesn't and why."},
]


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    schema["paths"] |= gateway_openapi.paths()
    for path in schema["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    components = schema.setdefault("components", {})
    for name in ("HTTPValidationError", "ValidationError"):
        components.get("schemas", {}).pop(name, None)
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A key of `athena keys create NAME`."},
        "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The same key."},
    }
    # The empty requirement: on loopback no key is needed.
    schema["security"] = [{}, {"bearer": []}, {"x-api-key": []}]
    return schema
