"""When no model may answer: the error that says so, and what would help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from athena.gateway.route.errors import (
    BudgetSpent,
    LacksAbility,
    LocalOnlyNoModel,
    NoCredential,
    NoModel,
    NoneAvailable,
    PromptTooLong,
)
from athena.gateway.route.types import Facts, Needs, State
from athena.gateway.types import Model

Cause = Literal["local-only", "budget", "credential", "context", "ability", "resting"]

# Breakers and local servers are looked at again about as often.
_RETRY_AFTER_S = 5
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Passed:
    """A model that may not answer. `why` is for people."""

    model: Model
    cause: Cause
    why: str

    def __str__(self) -> str:
        return f"{self.model.name}: {self.why}"


def refusal(passed: Sequence[Passed], facts: Facts, state: State) -> NoModel:
    """The error for the first model's cause: that one was wanted."""
    if not passed:
        return NoneAvailable("no model is configured that could answer", hint="athena route table")
    cause, lines = passed[0].cause, tuple(str(each) for each in passed)
    because = "; ".join(lines[:_SHOWN])
    end = _loop(passed[0].model, facts)
    # A window that is too small is another matter: clients shorten the conversation, and go on locally.
    if cause == "local-only" or (state.local_only and cause in ("resting", "ability")):
        return LocalOnlyNoModel(
            f"local-only mode is on and no local model can answer: {because}{end}",
            passed=lines,
            hint="athena local serve starts one; athena local-only off allows the cloud",
        )
    if cause == "budget":
        return BudgetSpent(f"{passed[0].why}{end}", passed=lines, hint="athena budgets list; local models cost nothing")
    if cause == "credential":
        return _no_credential(passed[0].model, lines, facts, end)
    if cause == "context":
        return _too_long(passed, lines, facts.shape.needs, end)
    if cause == "ability":
        return LacksAbility(f"no model that may answer can do what this needs: {because}{end}", passed=lines)
    return NoneAvailable(
        f"no model can answer now: {because}{end}",
        passed=lines,
        hint="athena route table shows what each model is at",
        retry_after=_RETRY_AFTER_S,
    )


def _loop(model: Model, facts: Facts) -> str:
    if not facts.shape.in_loop or not facts.held.last:
        return ""
    return f". This is the middle of a tool loop, which only {model.provider.name} can go on with: begin a new turn"


def _no_credential(model: Model, lines: tuple[str, ...], facts: Facts, end: str) -> NoCredential:
    provider = model.provider.name
    if facts.principal:
        hint = f"set the key of {provider} where Athena runs, or ask for another model"
    else:
        hint = (
            f"send a key of {provider}, or an Athena key (athena keys create NAME) where Athena has one of {provider}; "
            "the model `local` needs none"
        )
    return NoCredential(f"{model.name} needs a key of {provider}{end}", passed=lines, hint=hint)


def _too_long(passed: Sequence[Passed], lines: tuple[str, ...], needs: Needs, end: str) -> PromptTooLong:
    largest = max((each.model for each in passed if each.cause == "context"), key=lambda model: model.context or 0)
    window = largest.context or 0
    counted = needs.counted.get(largest.name)
    amount = f"{counted}" if counted is not None else f"about {max(needs.tokens, window + 1)}"
    return PromptTooLong(
        f"prompt is too long: {amount} tokens > {window} maximum ({largest.name}){end}",
        passed=lines,
        hint="shorten the conversation, or allow a model with a larger window",
    )
