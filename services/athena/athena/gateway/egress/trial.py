"""One try at one model, with its clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from athena.gateway.types import Attempt, Failure, Model, Outcome, Tap


@dataclass(slots=True)
class Trial(Attempt):
    """What `over` is told first counts."""

    clock: Callable[[], float] = time.monotonic
    begun: float = 0.0

    def content(self) -> None:
        """The first content has come."""
        self.first_ms = self._ms()

    def over(self, outcome: Outcome, failure: Failure | None = None, tap: Tap | None = None) -> None:
        """What comes first counts: a connection that breaks after a complete answer takes nothing away."""
        if self.outcome is not None:
            return
        self.outcome = outcome
        self.failure = failure
        self.total_ms = self._ms()
        if tap is not None:
            self.tokens = tap.tokens
        if failure is not None and failure.status:
            self.status = failure.status

    def _ms(self) -> float:
        return (self.clock() - self.begun) * 1000


def begin(model: Model, clock: Callable[[], float]) -> Trial:
    return Trial(model, started_at=time.time(), clock=clock, begun=clock())


class Exhausted(Exception):
    """No model answered. `failures`: the last one of each model that was thought of, in their order, of those that
    were left alone too; `attempts`: the requests that were made."""

    def __init__(self, failures: list[tuple[Model, Failure]], attempts: list[Attempt]) -> None:
        self.failures = failures
        self.attempts = attempts
        super().__init__("; ".join(f"{model.name}: {failure.kind}: {failure.message}" for model, failure in failures))

    @property
    def first(self) -> Failure:
        """Of the model that was chosen: the one to show, its body verbatim."""
        return self.failures[0][1]
