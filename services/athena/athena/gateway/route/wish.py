"""Which model is wanted, by whom: the first of request, session, agent, rules, client and `auto` that says something.

What is wanted isn't yet what may answer: `decide` goes on from here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from athena.gateway.models.known import pattern
from athena.gateway.models.registry import Registry, Target
from athena.gateway.models.tiers import Tier
from athena.gateway.route.errors import RoutingOff, UnknownModel
from athena.gateway.route.rules import CLOUD, Rule, Rules
from athena.gateway.route.types import Facts
from athena.gateway.types import Model

By = Literal["request", "session", "agent", "rule", "client", "auto"]


@dataclass(frozen=True, slots=True)
class Wish:
    """`models`: to try first, in order; `tier`: where the others are looked for. `chosen`: Athena chose the tier, so
    it may choose again. `exact`: one certain model."""

    by: By
    models: tuple[Model, ...]
    tier: str | None
    reasons: tuple[str, ...]
    exact: bool = False
    chosen: bool = False
    fallback: tuple[Model, ...] = ()


def wish(facts: Facts, registry: Registry, rules: Rules) -> Wish:
    """Raises `UnknownModel`, `RoutingOff`."""
    reasons: list[str] = []
    for by, name in _said(facts):
        target = registry.resolve(name)
        if target is None and by == "request":
            raise unknown(registry, name, "the header x-athena-model")
        if target is None:
            # What a person set long ago must not end a conversation: it goes on without, and says so.
            reasons.append(f"{by}-pin-unknown")
            continue
        reasons.append("request" if by == "request" else f"{by}-pin")
        fallback = _named(facts.agent.fallback, registry) if by == "agent" and facts.agent else ()
        return _of(target, by, facts, registry, rules, reasons, fallback)
    rule = _rule(facts, rules) if registry.enabled else None
    if rule is not None:
        target = _target(rule.to, registry, rules)
        return _of(target, "rule", facts, registry, rules, [*reasons, f"rule={rule.to}"], ())
    target = registry.resolve(facts.asked) if facts.asked else Target("auto", "auto")
    if target is None:
        raise unknown(registry, facts.asked, "model")
    if target.kind == "auto":
        return _of(target, "auto", facts, registry, rules, reasons, ())
    return _of(target, "client", facts, registry, rules, [*reasons, "asked"], ())


def unknown(registry: Registry, name: str, where: str) -> UnknownModel:
    near = registry.near(name)
    hint = f"did you mean {' or '.join(near)}? GET /v1/models lists all" if near else "GET /v1/models lists all"
    return UnknownModel(f"{where}: no model, tier or alias is called {name[:100]!r}", hint=hint)


def _said(facts: Facts) -> Iterable[tuple[By, str]]:
    if facts.override:
        yield "request", facts.override
    if facts.held.pin:
        yield "session", facts.held.pin
    if facts.agent is not None and facts.agent.model:
        yield "agent", facts.agent.model


def _of(
    target: Target,
    by: By,
    facts: Facts,
    registry: Registry,
    rules: Rules,
    reasons: list[str],
    fallback: tuple[Model, ...],
) -> Wish:
    if target.kind == "model":
        return Wish(by, target.models, target.tier, tuple(reasons), exact=True, fallback=fallback)
    if not registry.enabled:
        raise RoutingOff(
            f"routing is off, so {target.name!r} means no model: name one",
            hint="modelRouting.enabled in athena.toml turns it on",
        )
    if target.kind == "tier":
        return Wish(by, target.models, target.tier, (*reasons, f"tier={target.tier}"), fallback=fallback)
    chosen, why = auto(facts, registry, rules)
    if chosen.kind == "model":
        return Wish(by, chosen.models, chosen.tier, (*reasons, "auto", *why), chosen=True, fallback=fallback)
    why = (*why, f"tier={chosen.tier}")
    return Wish(by, chosen.models, chosen.tier, (*reasons, "auto", *why), chosen=True, fallback=fallback)


def auto(facts: Facts, registry: Registry, rules: Rules) -> tuple[Target, tuple[str, ...]]:
    """Where `auto` goes: by the class of the request, then by its task kind."""
    if not registry.auto_select:
        return _tier(registry.tiers[0]), ()
    if facts.shape.request_class == "auxiliary":
        return _tier(lowest(registry)), ("class=auxiliary",)
    task = facts.shape.task
    known = rules.tasks.get(task) if task else None
    if known is None:
        return _target(rules.default, registry, rules), ()
    return _target(known.to, registry, rules), (f"task={task}",)


def lowest(registry: Registry) -> Tier:
    """The lowest tier that has a local model, else the lowest."""
    local = (tier for tier in registry.tiers if any(model.provider.local for model in tier.models))
    return next(local, registry.tiers[0])


def cloud(registry: Registry, rules: Rules) -> Target:
    """Where the cloud's work goes: the tier or model `baseline`, else the lowest tier without a local model."""
    target = registry.resolve(rules.baseline)
    if target is not None and target.kind != "auto":
        return target
    pure = (tier for tier in registry.tiers if not any(model.provider.local for model in tier.models))
    return _tier(next(pure, registry.tiers[-1]))


def _target(name: str, registry: Registry, rules: Rules) -> Target:
    """What a name in routing.toml means. A tier that the user's table doesn't have is the nearest thing to it."""
    if name == CLOUD:
        return cloud(registry, rules)
    target = registry.resolve(name)
    if name == "local" and (target is None or target.kind != "tier"):
        return _tier(lowest(registry))
    return target if target is not None else cloud(registry, rules)


def _tier(tier: Tier) -> Target:
    return Target("tier", tier.name, tier.models, tier.name)


def _named(names: Iterable[str], registry: Registry) -> tuple[Model, ...]:
    found = (registry.resolve(name) for name in names)
    return tuple(model for target in found if target is not None for model in target.models)


def _rule(facts: Facts, rules: Rules) -> Rule | None:
    return next((rule for rule in rules.rules if _fits(rule, facts)), None)


def _fits(rule: Rule, facts: Facts) -> bool:
    shape, needs = facts.shape, facts.shape.needs
    conditions = (
        (rule.classes, shape.request_class),
        (rule.task, shape.task),
        (rule.model, facts.asked or "auto"),
        (rule.surface, facts.wire),
        (rule.key, facts.principal),
        (rule.project, facts.project),
        (rule.agent, facts.agent.name if facts.agent else None),
    )
    if not all(not wanted or _any(wanted, value) for wanted, value in conditions):
        return False
    if rule.tools not in (None, needs.tools) or rule.images not in (None, needs.vision):
        return False
    above, below = rule.above_tokens, rule.below_tokens
    return (above is None or needs.tokens > above) and (below is None or needs.tokens < below)


def _any(globs: tuple[str, ...], value: str | None) -> bool:
    return value is not None and any(pattern(glob).match(value.casefold()) for glob in globs)
