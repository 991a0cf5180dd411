"""JSON schemas that Anthropic compiles: objects closed, and of the keywords only those it knows."""

from __future__ import annotations

from collections.abc import Mapping

from athena.gateway.jsontext import faithful
from athena.gateway.translate.errors import CannotCarry
from athena.gateway.types import Json

_PLAIN = frozenset({"type", "title", "description", "default", "enum", "const", "pattern", "required", "$ref", "$id"})
_LISTS = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf"}
_NAMED = ("$defs", "definitions", "properties")
_FORMATS = frozenset("date-time time date duration email hostname uri ipv4 ipv6 uuid".split())
_SAYING = frozenset({"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "properties"})
_DEEPEST = 64


def closed(schema: Json, where: str, depth: int = 0) -> Json:
    """`schema` as Anthropic takes it; whatever fits it fits the original too, but for the keywords that Anthropic
    can't hold a model to (bounds, lengths): they go into the description, for the model to read.

    Raises `CannotCarry` for an object whose keys aren't named: closed, it could only be empty.
    """
    if not isinstance(schema, Mapping) or not _SAYING & schema.keys():
        raise CannotCarry(where, "must be a JSON schema that says what may stand there")
    if depth > _DEEPEST:
        raise CannotCarry(where, f"is nested deeper than {_DEEPEST} schemas")
    result: dict[str, Json] = {}
    told: dict[str, Json] = {}
    for key, value in schema.items():
        if key in _PLAIN:
            result[key] = value
        elif key in _LISTS and isinstance(value, list):
            result[_LISTS[key]] = [closed(item, f"{where}.{key}[{n}]", depth + 1) for n, item in enumerate(value)]
        elif key in _NAMED and isinstance(value, Mapping):
            result[key] = {name: closed(item, f"{where}.{key}.{name}", depth + 1) for name, item in value.items()}
        elif key == "items":
            result[key] = closed(value, f"{where}.items", depth + 1)
        elif (key == "format" and str(value) in _FORMATS) or (key == "minItems" and value in (0, 1)):
            result[key] = value
        elif key not in ("additionalProperties", "$schema", "strict"):
            told[key] = value
    if _is_object(schema):
        _close(schema, result, where)
    if told:
        words = faithful(told).decode()
        result["description"] = f"{result['description']}\n\n{words}" if result.get("description") else words
    return result


def _is_object(schema: Mapping[str, Json]) -> bool:
    kind = schema.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in schema


def _close(schema: Mapping[str, Json], result: dict[str, Json], where: str) -> None:
    more = schema.get("additionalProperties")
    free = isinstance(more, Mapping) or (more is not False and not schema.get("properties"))
    if free and not _LISTS.keys() & schema.keys() and "$ref" not in schema:
        raise CannotCarry(
            where,
            "Anthropic answers with objects of named keys only",
            hint="list the properties, or ask for a list of key and value",
        )
    result.setdefault("type", "object")
    result["additionalProperties"] = False
