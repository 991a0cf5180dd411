"""A request's bytes to a `Call`, once. Only what the gateway itself needs is checked: the rest is the provider's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from athena.errors import InvalidInput
from athena.gateway.types import Json, Wire

# Plain `sk-…` may be anybody's.
_OPENAIS = ("sk-proj-", "sk-svcacct-", "sk-admin-")

_decode = msgspec.json.Decoder().decode


def parsed(raw: bytes) -> dict[str, Json]:
    """The body as an object that has a model and messages. Raises `InvalidInput`."""
    body = decoded(raw)
    if not isinstance(body, dict):
        raise InvalidInput("the body must be a JSON object")
    model = body.get("model")
    if not isinstance(model, str) or not model.strip():
        raise InvalidInput("model: name one, or say `auto`", hint="GET /v1/models lists them")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise InvalidInput("messages: a list of at least one message is needed")
    for index, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise InvalidInput(f"messages.{index}: must be an object with a role")
    if not isinstance(body.get("stream", False), bool | None):
        raise InvalidInput("stream: must be true or false")
    return body


def decoded(raw: bytes) -> Any:
    """Any JSON. Raises `InvalidInput`."""
    try:
        return _decode(raw)
    except RecursionError as exc:
        raise InvalidInput("the body is nested too deep") from exc
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Half of a surrogate pair, as cut text has it, is JSON all the same.
        try:
            return json.loads(raw.decode())
        except RecursionError as exc:
            raise InvalidInput("the body is nested too deep") from exc
        except UnicodeDecodeError as exc:
            raise InvalidInput("the body is not UTF-8") from exc
        except ValueError as exc:
            raise InvalidInput(f"the body is not JSON: {exc}") from exc


def own_key(headers: Mapping[str, str]) -> str | None:
    """The provider's key that the client sent, if any; Athena's own keys are none."""
    bearer = headers.get("authorization", "")
    scheme, _, token = bearer.partition(" ")
    for candidate in (headers.get("x-api-key", ""), token if scheme.lower() == "bearer" else ""):
        value = candidate.strip()
        if value and not value.startswith("ath_"):
            return value
    return None


def own_provider(key: str | None, wire: Wire) -> str | None:
    """Whose key this is: by its form where providers have one, else whoever the surface belongs to."""
    if key is None:
        return None
    if key.startswith("sk-ant-"):
        return "anthropic"
    if key.startswith("AIza"):
        return "google"
    if key.startswith(_OPENAIS):
        return "openai"
    return "anthropic" if wire == "anthropic" else "openai"
