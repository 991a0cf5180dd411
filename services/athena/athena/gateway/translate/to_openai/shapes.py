"""What clients send, checked where it is read: a wrong shape is the client's error, named by its place."""

from __future__ import annotations

from athena.errors import InvalidInput
from athena.gateway import jsontext
from athena.gateway.types import Json


def objects(value: Json, field: str) -> list[dict[str, Json]]:
    """A list of objects. Raises `InvalidInput`."""
    if not isinstance(value, list):
        raise InvalidInput(f"{field}: must be a list")
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            raise InvalidInput(f"{field}.{index}: must be an object")
    return value


def mapping(value: Json, field: str) -> dict[str, Json]:
    """An object; nothing at all is an empty one. Raises `InvalidInput`."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput(f"{field}: must be an object")
    return value


def string(block: dict[str, Json], name: str, field: str) -> str:
    """`block[name]`. Raises `InvalidInput`."""
    value = block.get(name)
    if not isinstance(value, str):
        raise InvalidInput(f"{field}.{name}: must be a string")
    return value


def blocks(content: Json, field: str) -> list[dict[str, Json]]:
    """Content as blocks: clients send one text as a plain string, too. Raises `InvalidInput`."""
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return objects(content, field)


def decoded(data: bytes | str) -> Json:
    """What the JSON says; None if it is none."""
    try:
        return jsontext.decoded(data)
    except ValueError:
        return None


def encoded(value: Json) -> str:
    """JSON without a space too many; what `decoded` reads, it writes."""
    return jsontext.faithful(value).decode()
