"""The decision: which models may answer this request, in which order, and why. Pure: it reads its arguments alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from athena.gateway.models.registry import Registry
from athena.gateway.route.chain import chain, local_first
from athena.gateway.route.refusal import Cause, Passed, refusal
from athena.gateway.route.rules import Rules
from athena.gateway.route.types import Facts, Needs, State
from athena.gateway.route.wish import Wish, cloud, wish
from athena.gateway.types import Decision, Model

_MOST_REASONS = 12


@dataclass(frozen=True, slots=True)
class Weighed:
    """All that a decision came from: `models` in the order to try, and those that were considered and `passed`."""

    wanted: Wish
    order: tuple[Model, ...]
    models: tuple[Model, ...]
    passed: tuple[Passed, ...]
    why: tuple[str, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Those of the order, and why each model before the first that may answer wasn't taken."""
        first = self.order.index(self.models[0]) if self.models else len(self.order)
        before = self.order[:first]
        passed = (f"passed {each.model.name}: {each.why}" for each in self.passed if each.model in before)
        return tuple(_plain(reason) for reason in (*self.why, *passed))[:_MOST_REASONS]


def decide(facts: Facts, registry: Registry, rules: Rules, state: State) -> Decision:
    """Raises `NoModel`, by its cause: 400 (unknown name, window too small, ability missing, routing off), 401 (no
    credential), 402 (budget spent), 503 (local-only, or none available)."""
    weighed = weigh(facts, registry, rules, state)
    if not weighed.models:
        raise refusal(weighed.passed, facts, state)
    return Decision(
        models=weighed.models,
        reasons=weighed.reasons,
        tier=weighed.models[0].tier,
        baseline=baseline(weighed.wanted, facts, registry, rules),
    )


def weigh(facts: Facts, registry: Registry, rules: Rules, state: State) -> Weighed:
    """Raises `UnknownModel`, `RoutingOff`."""
    wanted = wish(facts, registry, rules)
    order, why = chain(wanted, facts, registry, rules, state)
    if state.local_only and registry.enabled and not facts.shape.in_loop:
        order = local_first(order, registry) or order
    why = [*wanted.reasons, *why, *(["local-only"] if state.local_only else [])]
    if facts.budget.kind == "warn":
        why.append("budget-warn")
    models, passed = _sorted(order, wanted, facts, registry, state)
    return Weighed(wanted, tuple(order), tuple(models), tuple(passed), tuple(why))


def _sorted(
    models: Sequence[Model], wanted: Wish, facts: Facts, registry: Registry, state: State
) -> tuple[list[Model], list[Passed]]:
    taken: list[Model] = []
    passed: list[Passed] = []
    for model in models:
        why = _why_not(model, wanted, facts, registry, state)
        if why is None:
            taken.append(model)
        else:
            passed.append(Passed(model, *why))
    return taken, passed


def _why_not(model: Model, wanted: Wish, facts: Facts, registry: Registry, state: State) -> tuple[Cause, str] | None:
    local = model.provider.local
    if state.local_only and not local:
        return "local-only", "local-only mode is on"
    if not local and model.provider.name not in facts.spendable:
        return "credential", f"no key for {model.provider.name} that may be spent here"
    if facts.passes_through and wanted.exact and not local and model in wanted.models:
        # Its owner named it and pays for it: what it can do, and whether it may, is their provider's to say.
        return None
    if facts.budget.kind == "stop" and not local:
        return "budget", facts.budget.reason or "the budget is spent"
    if not facts.shape.needs.may_fit(model):
        return "context", f"its window of {model.context} tokens is too small"
    lack = _lack(facts.shape.needs, model)
    if lack is not None:
        return "ability", lack
    resting = registry.unavailable(model) or state.available(model)
    return ("resting", resting) if resting is not None else None


def _lack(needs: Needs, model: Model) -> str | None:
    """What is known to be missing; what isn't known is left to the model."""
    if needs.vision and model.vision is False:
        return "it can't see images"
    if needs.tools and model.tools is False:
        return "it can't use tools"
    if needs.thinking and model.thinking is False:
        return "it can't think before it answers"
    return None


def baseline(wanted: Wish, facts: Facts, registry: Registry, rules: Rules) -> Model | None:
    """The cloud model that would have answered: the one the client named, else the configured one."""
    named = registry.resolve(facts.asked) if facts.asked else None
    targets = (named.models if named is not None else (), wanted.models if wanted.exact else ())
    for models in (*targets, cloud(registry, rules).models):
        found = next((model for model in models if not model.provider.local), None)
        if found is not None:
            return found
    return None


def _plain(reason: str) -> str:
    """For a header: ASCII without line ends or separators of its own."""
    text = reason.encode("ascii", "replace").decode().replace(";", ",")
    return " ".join(text.split())[:160]
