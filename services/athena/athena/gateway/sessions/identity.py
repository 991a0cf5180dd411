"""Which conversation a request belongs to.

In this order: `x-athena-session`; the client's own id; the hash of how the conversation begins,
which stays the same from turn to turn. A session is named within a principal, so nothing of the
key has to be in its id.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from athena.errors import InvalidInput
from athena.gateway.types import Json

HEADER = "x-athena-session"
# How the ids begin that were made of what a conversation says.
BY_CONTENT = "c-"
MAX_ID = 256
# Claude Code; Open WebUI, where it is told to forward such things.
_CLIENTS_HEADERS = ("x-claude-code-session-id", "x-openwebui-chat-id")
# What runs beside a session has an id that no session can have.
_STRAND = "~"
_PLAIN = re.compile(r"[\x21-\x7d][\x21-\x7e]{0,255}")
# The older form of Claude Code's `metadata.user_id`; the newer one is JSON.
_IN_USER_ID = re.compile(r"_session_([0-9A-Za-z-]{8,64})\Z")
# Looks drawn at random. A cache key that an application made up serves all of its conversations.
_DRAWN = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_BILLING = "x-anthropic-billing-header"


def identify(headers: Mapping[str, str], body: Mapping[str, Json]) -> str:
    """The session's id: 1 to 256 visible ASCII characters. `headers` have lower-case names.
    Raises `InvalidInput` for an `x-athena-session` that isn't such an id."""
    named = headers.get(HEADER)
    if named is not None:
        if not _PLAIN.fullmatch(named):
            raise InvalidInput(f"{HEADER}: must be 1 to {MAX_ID} visible ASCII characters, no space, and no ~ in front")
        return named
    own = _own(headers, body)
    # An id of the client's wasn't meant for us: one that can't be kept as it is, is kept as its hash.
    return _hash([own]) if own and not _PLAIN.fullmatch(own) else own or _hash(_beginning(body))


def strand(body: Mapping[str, Json]) -> str:
    """A conversation beside a session's own, such as a sub-agent's: named by its beginning. No session has such an
    id, and listings leave it out."""
    return _STRAND + _hash(_beginning(body))


def _own(headers: Mapping[str, str], body: Mapping[str, Json]) -> str | None:
    for name in _CLIENTS_HEADERS:
        if headers.get(name):
            return headers[name]
    metadata = body.get("metadata")
    if isinstance(metadata, dict):
        for value in (_in_user_id(metadata.get("user_id")), metadata.get("session_id")):
            if isinstance(value, str) and value:
                return value
    cache_key = body.get("prompt_cache_key")
    return cache_key if isinstance(cache_key, str) and _DRAWN.search(cache_key) else None


def _in_user_id(user_id: Json) -> Json:
    if not isinstance(user_id, str):
        return None
    if user_id.startswith("{"):
        try:
            said = msgspec.json.decode(user_id)
        except (msgspec.DecodeError, RecursionError):
            return None
        return said.get("session_id") if isinstance(said, dict) else None
    match = _IN_USER_ID.search(user_id)
    return match.group(1) if match else None


def _beginning(body: Mapping[str, Json]) -> Iterator[Json]:
    """All up to and including what the user says first; not the model, nor the tools, nor anything that is set
    anew with each request."""
    yield body.get("user"), body.get("prompt_cache_key")
    yield "system", _said(body.get("system"))
    for message in body.get("messages") or ():
        role = message.get("role")
        yield role, _said(message.get("content"))
        if role == "user":
            return


def _said(content: Json) -> Json:
    """Content without what may differ from one request to the next: the form, `cache_control`, the billing."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        return content
    return [_plain(block) for block in content if not _is_billing(block)]


def _plain(block: Json) -> Json:
    if isinstance(block, dict) and "cache_control" in block:
        return {name: value for name, value in block.items() if name != "cache_control"}
    return block


def _is_billing(block: Json) -> bool:
    return isinstance(block, dict) and str(block.get("text", "")).startswith(_BILLING)


def _hash(parts: Any) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(_bytes(part))
        digest.update(b"\n")
    return f"{BY_CONTENT}{digest.hexdigest()}"


def _bytes(value: Json) -> bytes:
    try:
        return msgspec.json.encode(value, order="sorted")
    except UnicodeEncodeError:
        # Half of a surrogate pair, as cut text has it.
        return json.dumps(value, sort_keys=True).encode()
