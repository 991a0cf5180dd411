"""Which paths are the gateway's, and in whose format they speak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from athena.gateway.types import Wire

Operation = Literal["generate", "count_tokens", "embeddings", "models", "probe", "unknown"]

_SERVED: dict[str, tuple[Operation, Wire, str]] = {
    "/v1/messages": ("generate", "anthropic", "POST"),
    "/v1/messages/count_tokens": ("count_tokens", "anthropic", "POST"),
    "/v1/chat/completions": ("generate", "openai", "POST"),
    "/v1/embeddings": ("embeddings", "openai", "POST"),
}
LISTED = (
    "POST /v1/messages",
    "POST /v1/messages/count_tokens",
    "POST /v1/chat/completions",
    "POST /v1/embeddings",
    "GET /v1/models",
    "GET /v1/models/{id}",
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`project`: named by the path (`/p/PROJECT/v1/…`). `argument`: the model's id behind `/v1/models/`.
    `methods`: what the path can be asked with."""

    operation: Operation
    wire: Wire
    project: str | None
    methods: tuple[str, ...]
    argument: str | None = None


def asked(path: str, raw: bytes) -> str:
    """The path to look at, of what ASGI has: behind `/p/` as it was sent, for a project's name may hold a slash."""
    return raw.decode("latin-1") if raw and path.startswith("/p/") else path


def find(method: str, path: str, headers: Mapping[str, str]) -> Endpoint | None:
    """The endpoint at `path`, or None where the gateway has no say. What begins with `/v1/` always has one."""
    project, rest = _project(path)
    served = _SERVED.get(rest)
    if served is not None:
        operation, wire, only = served
        return Endpoint(operation, wire, project, (only,))
    if rest in ("", "/"):
        # Clients ask whether anything is there before they ask for more.
        return Endpoint("probe", "anthropic", project, ("HEAD",)) if method == "HEAD" or project else None
    if rest == "/v1/models" or rest.startswith("/v1/models/"):
        return Endpoint("models", spoken(rest, headers), project, ("GET", "HEAD"), rest[len("/v1/models/") :] or None)
    if rest == "/v1" or rest.startswith("/v1/"):
        return Endpoint("unknown", spoken(rest, headers), project, ())
    return None


def spoken(path: str, headers: Mapping[str, str]) -> Wire:
    """The format that whoever asks for `path` understands."""
    if "/v1/messages" in path or "anthropic-version" in headers:
        return "anthropic"
    return "openai"


def is_surface(path: str) -> bool:
    """Whether an answer at `path` must be in a provider's format."""
    rest = _project(path)[1]
    return rest == "/v1" or rest.startswith("/v1/")


def _project(path: str) -> tuple[str | None, str]:
    if not path.startswith("/p/"):
        return None, path
    name, slash, rest = path[3:].partition("/")
    return (unquote(name), slash + unquote(rest)) if name else (None, path)
