"""The gateway's paths in the OpenAPI document. Their bodies are the providers' own, so little is said of them."""

from __future__ import annotations

from typing import Any

_ANTHROPIC, _OPENAI = "Anthropic's", "OpenAI's"
_HEADERS = {
    name: {"description": text, "schema": {"type": "string"}}
    for name, text in {
        "x-athena-model": "`provider/model` that answered.",
        "x-athena-route": "Why, and what was done on the way.",
        "x-athena-request-id": "The id in log and ledger.",
    }.items()
}
_REFUSALS = {
    "400": "Something in the request can't be taken.",
    "401": "No credential that may be spent there.",
    "402": "The budget is spent.",
    "403": "Without a key, only requests from this machine are answered.",
    "404": "There is no such model.",
    "413": "The body is too large.",
    "429": "Too many requests.",
    "502": "The provider can't be reached.",
    "503": "No model can answer now.",
    "504": "No answer in time.",
    "529": "Overloaded.",
}
_MESSAGES = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "object", "required": ["role"], "properties": {"role": {"type": "string"}}},
}


def paths() -> dict[str, Any]:
    chat = {"model": "auto", "messages": [{"role": "user", "content": "Say hello"}]}
    return {
        "/v1/messages": {"post": _post("An answer, streamed or whole.", _ANTHROPIC, {**chat, "max_tokens": 100})},
        "/v1/messages/count_tokens": {"post": _post("How many tokens the request is, as sent.", _ANTHROPIC, chat)},
        "/v1/chat/completions": {"post": _post("An answer, streamed or whole.", _OPENAI, chat)},
        "/v1/embeddings": {"post": _embeddings()},
        "/v1/models": {"get": _get("Every name that `model` may have.")},
    }


def _post(summary: str, whose: str, example: dict[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object",
        # The providers' own fields, those to be invented too.
        "additionalProperties": True,
        "required": ["model", "messages"],
        "properties": {
            "model": {"type": "string", "minLength": 1},
            "messages": _MESSAGES,
            "stream": {"type": "boolean"},
        },
    }
    return {**_operation(summary, f"Body and answer are {whose}."), "requestBody": _body(schema, example)}


def _embeddings() -> dict[str, Any]:
    schema = {
        "type": "object",
        # The providers' own fields, those to be invented too.
        "additionalProperties": True,
        "required": ["input"],
        "properties": {
            "model": {"type": ["string", "null"]},
            "input": {"anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "minItems": 1}]},
        },
    }
    about = "Body and answer are OpenAI's. Without a model that a cloud provider has, the local one's vectors."
    return {**_operation("Vectors.", about), "requestBody": _body(schema, {"model": "local", "input": "some text"})}


def _get(summary: str) -> dict[str, Any]:
    return _operation(summary, "In Anthropic's form where `anthropic-version` is sent, else in OpenAI's.")


def _body(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": {**schema, "examples": [example]}}}}


def _operation(summary: str, about: str) -> dict[str, Any]:
    return {
        "tags": ["gateway"],
        "summary": summary,
        "description": f"{about} Also at `/p/PROJECT` in front, which names the project.",
        "responses": {
            "200": {"description": "As the provider answered.", "headers": _HEADERS},
            **{
                status: {
                    "description": f"{text} The provider's own words, or Athena's in the same format, with `source`."
                }
                for status, text in _REFUSALS.items()
            },
        },
    }
