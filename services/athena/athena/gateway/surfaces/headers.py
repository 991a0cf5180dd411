"""Which headers go through: the client's to its own kind of provider, and the provider's back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# Of one connection, of this hop, or Athena's own business; credentials are set anew for each provider.
_NOT_UP = frozenset(
    {
        "host",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
        "content-length",
        "content-type",
        "content-encoding",
        "accept",
        "accept-encoding",
        "authorization",
        "proxy-authorization",
        "proxy-connection",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "cookie",
        "origin",
        "referer",
        "forwarded",
        "via",
        "x-real-ip",
        "x-request-id",
        "priority",
    }
)
_NOT_UP_PREFIXES = ("x-athena-", "x-forwarded-", "sec-", "cf-")
# What says nothing of who the client is to its provider, and all that matters to the answer.
_ANYONES = frozenset({"user-agent", "openai-beta", "idempotency-key", "x-app", "accept-language"})
_ANYONES_PREFIXES = ("anthropic-", "x-stainless-", "x-claude-code-")
_NOT_DOWN = frozenset(
    {
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
        "content-encoding",
        "content-type",
        "set-cookie",
        "server",
        "date",
        "alt-svc",
        "strict-transport-security",
        "x-request-id",
        "vary",
    }
)
_NOT_DOWN_PREFIXES = ("access-control-", "cf-", "x-athena-")


def upward(headers: Mapping[str, str], *, own: bool) -> list[tuple[str, str]]:
    """Of a client, to a provider of the same wire: version, betas, and whatever comes to be invented, where the
    credential is the client's `own`; what was meant for somebody else goes to nobody else."""
    return [
        (name, value)
        for name, value in headers.items()
        if name not in _NOT_UP
        and not name.startswith(_NOT_UP_PREFIXES)
        and (own or name in _ANYONES or name.startswith(_ANYONES_PREFIXES))
    ]


def downward(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Of a provider, to the client: rate limits, request ids, and the like."""
    return [
        (name, value)
        for name, value in headers.items()
        if name not in _NOT_DOWN and not name.startswith(_NOT_DOWN_PREFIXES)
    ]


def lowered(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers of an ASGI request; of one that comes twice, both, joined as HTTP says."""
    found: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found
