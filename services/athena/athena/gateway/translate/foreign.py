"""Thinking of one provider on its way through a client of another's: marked, so that it is known again.

An Anthropic client keeps thinking blocks and sends them back. Those that another provider thought carry no signature
that Anthropic would take, so they get one of ours, by which they are found and left out of what is sent.
"""

from __future__ import annotations

from athena.gateway.types import Json, Model

MARK = "athena-foreign:"


def signature(model: Model) -> str:
    """For a thinking block that `model` thought."""
    return MARK + model.name


def is_foreign(block: Json) -> bool:
    """Whether a content block is thinking that Anthropic never signed. It must not be sent there."""
    if not isinstance(block, dict) or block.get("type") != "thinking":
        return False
    return str(block.get("signature") or "").startswith(MARK)
