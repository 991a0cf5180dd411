"""From what is wanted to the order of trying: the rest of the tier, the tiers above, and what local-only mode, an
empty purse, a tool loop or a conversation's cache make of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from athena.gateway.models.registry import Registry
from athena.gateway.models.tiers import Tier
from athena.gateway.route.rules import Rules
from athena.gateway.route.types import CONVERSATION, Facts, State
from athena.gateway.route.wish import Wish
from athena.gateway.types import Model

_USUAL_ANSWER = 800


def chain(wish: Wish, facts: Facts, registry: Registry, rules: Rules, state: State) -> tuple[list[Model], list[str]]:
    """Models in the order to try, before it is asked which of them may answer; and why in this order."""
    last = registry.model(facts.held.last) if facts.held.last else None
    if facts.shape.in_loop and last is not None:
        return _within(last, _all(wish, facts, registry, rules), wish, facts), ["tool-loop"]
    if facts.budget.kind == "degrade" and not facts.passes_through:
        cheaper = _cheaper(wish, facts, registry, state)
        return cheaper or _all(wish, facts, registry, rules), ["budget-degrade"]
    if last is None:
        return _all(wish, facts, registry, rules), []
    stays, why = _stays(wish, last, facts, registry, rules, state)
    if stays:
        wish = Wish(wish.by, (last,), last.tier, wish.reasons, chosen=wish.chosen, fallback=wish.fallback)
    return _all(wish, facts, registry, rules), why


def local_first(models: Sequence[Model], registry: Registry) -> list[Model]:
    """What local-only mode leaves, and every other local model of the tiers."""
    tiers = (model for tier in registry.tiers for model in tier.models)
    return _once(model for model in (*models, *tiers) if model.provider.local)


def _all(wish: Wish, facts: Facts, registry: Registry, rules: Rules) -> list[Model]:
    """What is wanted, the agent's own fallback, the rest of the tier, the tiers above, and those below if asked for."""
    if facts.passes_through and (wish.exact or wish.by == "rule"):
        return _of_own_key(wish, facts, registry)
    if not registry.enabled:
        return list(wish.models)
    place = _place(wish.tier, registry.tiers)
    above = registry.tiers[place:] if place is not None else ()
    below = registry.tiers[:place][::-1] if place is not None and rules.fallback.down else ()
    others = (model for tier in (*above, *below) for model in tier.models)
    return _once((*wish.models, *wish.fallback, *others))


def _of_own_key(wish: Wish, facts: Facts, registry: Registry) -> list[Model]:
    """A key that nobody has verified gets the model that its owner named, and local ones if a rule says so."""
    if wish.by != "rule":
        return list(wish.models)
    named = registry.resolve(facts.asked) if facts.asked else None
    free = [model for model in wish.models if model.provider.local]
    return _once((*free, *(named.models if named is not None else wish.models)))


def _within(last: Model, models: list[Model], wish: Wish, facts: Facts) -> list[Model]:
    """Inside a tool loop the provider that made the calls goes on: it alone can read what it thought in between.
    A pin or a name of another one waits for the person's next turn."""
    same = [model for model in models if model.provider.name == last.provider.name]
    if wish.exact and same[:1] == list(wish.models):
        return same if facts.passes_through else _once((*same, last))
    return _once((last, *same))


def _cheaper(wish: Wish, facts: Facts, registry: Registry, state: State) -> list[Model]:
    """The tiers below, nearest first, as far as they do cost less; nothing dearer comes after them."""
    place = _place(wish.tier, registry.tiers)
    if place is None or not registry.enabled:
        return []
    tokens = facts.shape.needs.tokens
    now = registry.price(wish.models[0], state.at, tokens)
    below = [model for tier in registry.tiers[:place][::-1] for model in tier.models]
    if now is None:
        return _once(below)
    prices = [(model, registry.price(model, state.at, tokens)) for model in below]
    return _once(model for model, price in prices if price is not None and price.mean < now.mean)


def _stays(
    wish: Wish, last: Model, facts: Facts, registry: Registry, rules: Rules, state: State
) -> tuple[bool, list[str]]:
    """Whether the conversation stays with the model it had, and why."""
    shape = facts.shape
    if shape.request_class not in CONVERSATION or wish.exact:
        return False, []
    if not wish.chosen:
        # A tier was named: any model of it is what was asked for, so the one with the history is best.
        held = any(model.name == last.name for model in wish.models)
        return held, ["sticky"] if held else []
    had, wants = _place(last.tier, registry.tiers), _place(wish.tier, registry.tiers)
    if had is None or wants is None or had == wants or shape.request_class == "compaction":
        return True, ["sticky"]
    if shape.task_said:
        return False, []
    if wants > had and rules.sticky.up and shape.task:
        return False, ["moved-up"]
    if wants < had and rules.sticky.down and _saves(last, wish.models[0], facts, registry, state) > 0:
        return False, ["moved-down"]
    return True, ["sticky"]


def _saves(last: Model, other: Model, facts: Facts, registry: Registry, state: State) -> float:
    """US dollars that the next answer costs less at `other`, where nothing is cached yet; negative: it costs more."""
    needs = facts.shape.needs
    cached = min(facts.held.cached, needs.tokens)
    stay, move = (registry.price(model, state.at, needs.tokens) for model in (last, other))
    if stay is None or move is None:
        return 0.0
    answer = min(needs.output or _USUAL_ANSWER, _USUAL_ANSWER)
    return stay.of(input=needs.tokens - cached, cached=cached, output=answer) - move.of(
        input=needs.tokens, output=answer
    )


def _place(tier: str | None, tiers: Sequence[Tier]) -> int | None:
    return next((place for place, each in enumerate(tiers) if each.name == tier), None)


def _once(models: Iterable[Model]) -> list[Model]:
    found: dict[str, Model] = {}
    for model in models:
        found.setdefault(model.name, model)
    return list(found.values())
