"""A request's bytes to a `Call`, once. Only what the gateway itself needs is checked: the rest is the provider's."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from athena.errors import InvalidInput
from athena.gateway.types import Json, Wire

# In full, so that no other key is taken for one of ours because of four letters in its middle.
_ATHENAS = re.compile(r"ath_[A-Za-z0-9_-]{43}")
# Keys tell whose they are; a plain `sk-…` may be anybody's. One of a vendor that isn't configured can be spent nowhere.
_VENDORS = {
    "sk-ant-": "anthropic",
    "AIza": "google",
    "sk-proj-": "openai",
    "sk-svcacct-": "openai",
    "sk-admin-": "openai",
    "sk-or-": "openrouter",
    "gsk_": "groq",
    "xai-": "xai",
    "hf_": "huggingface",
    "pplx-": "perplexity",
    "nvapi-": "nvidia",
    "csk-": "cerebras",
    "fw_": "fireworks",
    "r8_": "replicate",
}

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
    """The provider's key that the client sent, if any; Athena's own keys are none. Raises `InvalidInput` for a header
    that holds more than one credential: which of them was meant for whom, nobody could say."""
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    given = headers.get("x-api-key", "").strip()
    if given.lower().startswith("bearer "):
        given = given[len("bearer ") :].strip()
    for name, value in (("x-api-key", given), ("authorization", bearer)):
        if not value or _ATHENAS.fullmatch(value):
            continue
        if "," in value or " " in value or _ATHENAS.search(value):
            raise InvalidInput(f"{name}: holds more than one credential, or none that can be read")
        if not value.startswith("ath_"):
            return value
    return None


def own_provider(key: str | None, wire: Wire) -> str | None:
    """Whose key this is: by its form where vendors have one, else whoever the surface belongs to."""
    if key is None:
        return None
    for beginning, vendor in _VENDORS.items():
        if key.startswith(beginning):
            return vendor
    return "anthropic" if wire == "anthropic" else "openai"
