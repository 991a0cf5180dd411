"""What this process knows of each model's health: who is left alone, why, and until when."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from athena.gateway.egress.breaker import Breaker
from athena.gateway.egress.policy import ILL, Policy
from athena.gateway.egress.turnstile import Turnstile
from athena.gateway.types import Failure, Model

# Clients name models freely: what is remembered of them has an end.
_MOST = 4096

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class _Hold:
    until: float
    failure: Failure


class Lanes:
    """`account` tells apart whose credit and pace a provider looks at: empty for the operator's key. Health is the
    model's own, whoever asks."""

    def __init__(self, policy: Policy, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._breakers: dict[str, Breaker] = {}
        self._last: dict[str, Failure] = {}
        self._holds: dict[tuple[str, str], _Hold] = {}
        self._turnstiles: dict[str, Turnstile] = {}

    def turnstile(self, model: Model) -> Turnstile | None:
        name = model.provider.name
        limit = self._policy.limits.get(name)
        if limit is None:
            return None
        found = self._turnstiles.get(name)
        if found is None:
            found = self._turnstiles[name] = Turnstile(limit, self._clock)
        return found

    def refusal(self, model: Model, account: str) -> Failure | None:
        """Why the model isn't to be asked now: its last failure, with the time that is left."""
        return self.cooling(model) or self._held(model, account)

    def cooling(self, model: Model) -> Failure | None:
        """As `refusal`, for the model's health alone."""
        breaker = self._breakers.get(model.name)
        if breaker is None:
            return None
        left = breaker.closed_for(self._clock())
        if left is None:
            return None
        last = self._last.get(model.name) or Failure("overloaded", "failed repeatedly")
        return replace(last, retry_after_s=float(max(1, math.ceil(left))))

    def enter(self, model: Model, account: str) -> Pass:
        breaker = self._breakers.get(model.name)
        return Pass(self, model, account, probe=breaker is not None and breaker.enter(self._clock()))

    def good(self, model: Model, account: str) -> None:
        if self._breakers.pop(model.name, None) is not None:
            self._last.pop(model.name, None)
        if self._holds:
            self._holds.pop((model.name, account), None)

    def bad(self, model: Model, account: str, failure: Failure, *, probe: bool) -> None:
        """Any failure that isn't illness shows that the model is there."""
        if failure.kind in ILL:
            policy = self._policy
            breaker = self._breakers.get(model.name)
            if breaker is None:
                breaker = Breaker(policy.ill_after, policy.cool_s, policy.longest_cool_s)
                _remember(self._breakers, model.name, breaker)
            breaker.bad(self._clock(), probe=probe)
            _remember(self._last, model.name, failure)
        elif failure.kind != "refused":
            self.good(model, account)
        self._hold(model, account, failure)

    def leave(self, model: Model) -> None:
        breaker = self._breakers.get(model.name)
        if breaker is not None:
            breaker.leave()

    def _held(self, model: Model, account: str) -> Failure | None:
        hold = self._holds.get((model.name, account)) if self._holds else None
        if hold is None:
            return None
        left = hold.until - self._clock()
        if left <= 0:
            del self._holds[model.name, account]
            return None
        # A spend limit doesn't go away by itself: no time is named for it.
        return hold.failure if hold.failure.kind == "spend" else replace(hold.failure, retry_after_s=left)

    def _hold(self, model: Model, account: str, failure: Failure) -> None:
        policy = self._policy
        if failure.kind == "spend":
            seconds = policy.spend_s
        elif failure.kind == "rate" and failure.retry_after_s:
            seconds = min(failure.retry_after_s, policy.longest_hold_s)
        else:
            return
        _remember(self._holds, (model.name, account), _Hold(self._clock() + seconds, failure))


class Pass:
    """One attempt's leave to ask a model, to be given back with what came of it."""

    __slots__ = ("_account", "_lanes", "_model", "_probe")

    def __init__(self, lanes: Lanes, model: Model, account: str, *, probe: bool) -> None:
        self._lanes = lanes
        self._model = model
        self._account = account
        self._probe = probe

    def began(self) -> None:
        """It answers, which is all that a probe is for; whether to the end will be seen."""
        if self._probe:
            self._probe = False
            self._lanes.good(self._model, self._account)

    def good(self) -> None:
        self._probe = False
        self._lanes.good(self._model, self._account)

    def bad(self, failure: Failure) -> None:
        self._lanes.bad(self._model, self._account, failure, probe=self._probe)
        self._probe = False

    def leave(self) -> None:
        """Nothing is known of it: nobody waited for the end."""
        if self._probe:
            self._probe = False
            self._lanes.leave(self._model)


def _remember(table: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    """As the newest; the oldest goes when it gets too many."""
    table.pop(key, None)
    if len(table) >= _MOST:
        del table[next(iter(table))]
    table[key] = value
