"""How long, how often, and after which failures: the numbers of the egress, in one place."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from athena.gateway.types import Failure, FailureKind, Model

# Worth asking the same model again.
RETRIED: Final[frozenset[FailureKind]] = frozenset(("rate", "overloaded", "timeout", "unreachable", "server"))
# Says that the model is ill, not that the request, the key or the pace is wrong.
ILL: Final[frozenset[FailureKind]] = frozenset(("overloaded", "timeout", "unreachable", "server"))

# The system's source, so that servers started together don't pause in step.
_dice = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Limit:
    """What a provider of one's own takes. `per_minute` requests on average (None: any number), `burst` of them in
    one go, `at_once` in work, and `queue` waiting. `when_full`: wait in the queue, or spill to the next model where
    there is one; without one it is always the queue."""

    per_minute: float | None = 30
    burst: int = 5
    at_once: int = 4
    queue: int = 32
    when_full: Literal["spill", "queue"] = "spill"


@dataclass(frozen=True, slots=True)
class Policy:
    """Times in seconds.

    `first_byte_s` until a streamed answer's header, `local_first_byte_s` where the model is local (a long prompt
    takes a CPU many minutes, and nothing is billed while it works); `between_bytes_s` of silence in an answer, which
    providers break with pings; `whole_s` for an answer that isn't streamed.

    `commit_after_s`: a streamed request that has brought no content after so long is answered with whatever model is
    being asked then. `deadline_s`: no attempt begins later (for a stream, none after `commit_after_s` either).

    `tries` of one model, the first included, with a random pause of up to `pause_s`, doubled each time, at most
    `longest_pause_s`. `patience_s`: the longest wait for a model that said when to come back, while another could
    be asked; for the last one it is whatever time is left.

    A model is left alone after `ill_after` failures in a row, for `cool_s`, doubled each time its probe fails too,
    at most `longest_cool_s`; one whose provider wants money, for `spend_s`; one that said when to come back, until
    then, at most `longest_hold_s`.

    `limits` by provider's name.
    """

    connect_s: float = 5.0
    first_byte_s: float = 300.0
    local_first_byte_s: float = 1800.0
    between_bytes_s: float = 120.0
    whole_s: float = 600.0
    commit_after_s: float = 60.0
    deadline_s: float = 600.0
    tries: int = 3
    pause_s: float = 0.5
    longest_pause_s: float = 8.0
    patience_s: float = 10.0
    ill_after: int = 5
    cool_s: float = 5.0
    longest_cool_s: float = 60.0
    spend_s: float = 300.0
    longest_hold_s: float = 900.0
    limits: Mapping[str, Limit] = field(default_factory=dict)
    dice: Callable[[], float] = _dice.random

    def first_s(self, model: Model, *, stream: bool) -> float:
        """Until the header of an answer, which comes with the whole where nothing is streamed."""
        if not stream:
            return self.whole_s
        return self.local_first_byte_s if model.provider.local else self.first_byte_s

    def pause(self, failure: Failure, made: int, *, left_s: float, others: bool) -> float | None:
        """Seconds to wait before the same model is asked again after `made` attempts; None: not again.

        `left_s`: of the time in which attempts may begin; `others`: another model could be asked instead.
        """
        if failure.kind not in RETRIED or made >= self.tries:
            return None
        full = min(self.longest_pause_s, self.pause_s * 2 ** (made - 1))
        wait_s = self.dice() * full
        if failure.retry_after_s is not None:
            # Not before, and not all at the same moment.
            wait_s += failure.retry_after_s
        return wait_s if wait_s < (min(left_s, self.patience_s) if others else left_s) else None
