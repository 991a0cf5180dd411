"""The way out to providers: limits, retries, breaker, fallback, and nothing committed too early."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from athena.gateway.egress.errand import Errand, OnAttempt, Prepare
from athena.gateway.egress.lanes import Lanes
from athena.gateway.egress.policy import Policy
from athena.gateway.egress.upstream import Channel
from athena.gateway.types import Answer, Model


class Egress:
    """One per process and event loop: what is learnt of models' health is shared by all requests."""

    def __init__(
        self, channel: Channel, policy: Policy | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._channel = channel
        self._policy = policy or Policy()
        self._clock = clock
        self._lanes = Lanes(self._policy, clock)

    async def send(
        self,
        models: Sequence[Model],
        prepare: Prepare,
        *,
        stream: bool,
        pinned: bool = False,
        named: bool = False,
        deadline_s: float | None = None,
        account: str = "",
        on_attempt: OnAttempt | None = None,
    ) -> Answer:
        """Ask `models` in their order until one answers. `prepare` is awaited at most once per model, when its turn
        comes; an `AthenaError` of it is that model's failure.

        `pinned`: no other than the first may answer. `named`: the client called the first by its name, so its
        provider's word that there is no such model is the answer. `account`: whose credit and pace the provider looks
        at, for a key that isn't the operator's (a digest of it, say). `on_attempt` is told of each attempt that ended
        without an answer, when it has ended (`Trial`: with its `outcome`); that of the answer is the last of
        `Answer.attempts`, and is over before the last bytes are handed on.

        A stream comes back when there is content, or after `commit_after_s` without any: from then on only the model
        that is being asked can answer. Its chunks must be closed.

        Raises `Exhausted`; the first `AthenaError` where each model failed with one of ours.
        """
        policy = self._policy
        limit_s = policy.deadline_s if deadline_s is None else deadline_s
        errand = Errand(
            self._channel,
            policy,
            self._lanes,
            self._clock,
            prepare,
            stream,
            named,
            account,
            on_attempt,
            limit_s=min(limit_s, policy.commit_after_s) if stream else limit_s,
            begun=self._clock(),
        )
        return await errand.run(models[:1] if pinned else models)

    def available(self, model: Model, account: str = "") -> str | None:
        """Why the model isn't to be asked now, in one line; None if it may be. A local model whose places are taken
        is available: there is a queue."""
        refusal = self._lanes.refusal(model, account)
        if refusal is None:
            return None
        when = "" if refusal.retry_after_s is None else f", for {refusal.retry_after_s:.0f} s more"
        why = {"rate": "rate limited", "spend": "spend limit reached"}.get(refusal.kind, "failing")
        return f"{why}{when}: {refusal.message}"
