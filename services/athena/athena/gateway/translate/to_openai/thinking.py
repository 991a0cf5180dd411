"""How hard to think, which each provider is told in its own way. A hint: where it can't be said, it is left out."""

from __future__ import annotations

from collections.abc import Mapping

from athena.gateway.translate.to_openai.dialects import MANNERS
from athena.gateway.translate.to_openai.shapes import mapping
from athena.gateway.types import Json, Model

# Budgets in tokens, from which on an effort is meant.
_MEDIUM_FROM, _HIGH_FROM = 4096, 16384


def asked(body: Mapping[str, Json], model: Model) -> dict[str, Json]:
    """The fields that say whether and how much to think.

    In Anthropic's API a model doesn't think unless it is asked to. Local models do wherever their template lets them,
    and would spend a small `max_tokens` on it: they are told not to.
    """
    manners = MANNERS[model.provider.dialect]
    thinking = mapping(body.get("thinking"), "thinking")
    kind = thinking.get("type")
    off = kind == "disabled" or (kind is None and manners.thinks_unasked)
    effort = None if off else _effort(body, thinking)
    word = manners.efforts.get(effort) if effort is not None else None
    if manners.template_thinking:
        return _by_template(thinking, off=off, effort=word)
    if model.thinking is not True:
        # A model that can't think may refuse the whole request for being told how to.
        return {}
    chosen = manners.no_thinking if off else word
    return {"reasoning_effort": chosen} if chosen else {}


def _by_template(thinking: Mapping[str, Json], *, off: bool, effort: str | None) -> dict[str, Json]:
    words: dict[str, Json] = {"enable_thinking": not off}
    if effort is not None:
        words["reasoning_effort"] = effort
    budget = thinking.get("budget_tokens")
    limit = {"thinking_budget_tokens": budget} if isinstance(budget, int) and not off else {}
    return {"chat_template_kwargs": words, **limit}


def _effort(body: Mapping[str, Json], thinking: Mapping[str, Json]) -> str | None:
    """As Anthropic's words have it: said outright, or meant by a budget."""
    said = mapping(body.get("output_config"), "output_config").get("effort")
    if isinstance(said, str):
        return said
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int):
        return None
    return "low" if budget < _MEDIUM_FROM else "medium" if budget < _HIGH_FROM else "high"
