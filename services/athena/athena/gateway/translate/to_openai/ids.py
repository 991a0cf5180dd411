"""Tool-call ids: what a provider coins is kept where Anthropic's format allows it, and can be got back where not."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import uuid

_ALLOWED = re.compile(r"[a-zA-Z0-9_-]+")
_WRAPPED = "athena_id_"


def for_client(provider_id: str) -> str:
    """Of letters, digits, `_` and `-` alone. `for_provider` gives the original back."""
    if _ALLOWED.fullmatch(provider_id) and not provider_id.startswith(_WRAPPED):
        return provider_id
    encoded = base64.urlsafe_b64encode(provider_id.encode("utf-8", "surrogatepass"))
    return _WRAPPED + encoded.decode().rstrip("=")


def for_provider(client_id: str, longest: int | None) -> str:
    """The id as its provider coined it. One that is longer than `longest` (another provider coined it) becomes a
    hash of itself: the call and its result still name each other."""
    coined = _unwrapped(client_id)
    if longest is None or len(coined) <= longest:
        return coined
    return f"call_{hashed(coined, longest)}"[:longest]


def coined(answer_id: str | None, index: int) -> str:
    """An id for a call that came without one; of the same answer the same."""
    if not answer_id:
        return f"toolu_{uuid.uuid4().hex[:24]}"
    return f"toolu_{hashed(f'{answer_id}/{index}')}"


def hashed(text: str, length: int = 24) -> str:
    """`length` hex digits (64 at most) that stand for `text`."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def _unwrapped(client_id: str) -> str:
    if not client_id.startswith(_WRAPPED):
        return client_id
    encoded = client_id[len(_WRAPPED) :]
    try:
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode("utf-8", "surrogatepass")
    except (binascii.Error, ValueError):
        return client_id
