"""Change a few places in a request's bytes and leave every other byte as the client sent it.

Thinking blocks are bound to the bytes before them, tools' inputs must not change by a digit, and a
provider's cache knows exact prefixes: so the body isn't written anew from what was parsed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from athena.gateway.jsontext import faithful
from athena.gateway.types import Json

Message = dict[str, Json]

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])


def spliced(
    raw: bytes,
    body: Mapping[str, Json],
    *,
    fields: Mapping[str, Json] | None = None,
    messages: Sequence[Message] | None = None,
) -> bytes:
    """`raw` with these top-level `fields` set and those of `messages` replaced that aren't the very objects of
    `body["messages"]`. `raw` itself where nothing differs."""
    changed = {name: value for name, value in (fields or {}).items() if body.get(name) != value}
    before: list[Message] = body["messages"]
    after = before if messages is None else messages
    same_length = len(after) == len(before)
    if not changed and same_length and all(new is old for new, old in zip(after, before, strict=True)):
        return raw
    try:
        return _spliced(raw, before, after, changed)
    except (msgspec.DecodeError, msgspec.EncodeError, UnicodeError):
        # Half of a surrogate pair somewhere: written anew, for it can't be read in pieces.
        return faithful({**body, **changed, "messages": list(after)})


def _spliced(raw: bytes, before: Sequence[Message], after: Sequence[Message], changed: Mapping[str, Json]) -> bytes:
    parts: dict[str, Json] = dict(_fields.decode(raw))
    if len(after) != len(before) or any(new is not old for new, old in zip(after, before, strict=True)):
        known = {id(message): piece for message, piece in zip(before, _items.decode(parts["messages"]), strict=True)}
        parts["messages"] = [known.get(id(message), message) for message in after]
    parts.update(changed)
    return msgspec.json.encode(parts)
