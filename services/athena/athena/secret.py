"""What looks like a secret, wherever words of others are written down."""

from __future__ import annotations

import re

# Athena's own keys, those of the providers and hubs that people have keys of, passwords in URLs, bearers.
_SECRETS = re.compile(
    r"ath_[A-Za-z0-9_-]{8,}|\b(?:sk|pk|rk)-[A-Za-z0-9_-]{8,}|AIza[A-Za-z0-9_-]{8,}|hf_[A-Za-z0-9]{8,}"
    r"|\b(?:gsk|xai|pplx|nvapi|r8|csk|fw|tgp)[_-][A-Za-z0-9_-]{16,}"
    r"|(?<=://)[^\s:/@]*:[^\s@/]+(?=@)|(?i:(?<=bearer )\S+)"
)


def blotted(text: str, *known: str | None) -> str:
    """The text with secrets blotted out, those that are `known` too, whatever they look like."""
    for each in known:
        if each:
            text = text.replace(each, "***")
    return _SECRETS.sub("***", text)
