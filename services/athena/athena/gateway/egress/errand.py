"""One request's way from model to model until one answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

from athena.errors import AthenaError, InputTooLong
from athena.gateway import wires
from athena.gateway.egress import trial, upstream, whole
from athena.gateway.egress.flow import Flow
from athena.gateway.egress.lanes import Lanes, Pass
from athena.gateway.egress.policy import Policy
from athena.gateway.egress.trial import Exhausted, Trial
from athena.gateway.egress.turnstile import Turnstile
from athena.gateway.egress.upstream import Channel
from athena.gateway.errors import ContextExceeded
from athena.gateway.translate.errors import CannotCarry
from athena.gateway.types import Answer, Attempt, Failure, Model, Outgoing, StreamBroken

Prepare = Callable[[Model], Awaitable[Outgoing]]
OnAttempt = Callable[[Attempt], None]

# Errors of ours with one of these mean that the model may not be asked; with others, that it can't take the request.
_FORBIDDEN: Final = (401, 402, 403, 503)


@dataclass(slots=True)
class Errand:
    """`limit_s`: seconds from `begun` on in which attempts may begin. What is decided here is told in README.md."""

    channel: Channel
    policy: Policy
    lanes: Lanes
    clock: Callable[[], float]
    prepare: Prepare
    stream: bool
    named: bool
    account: str
    on_attempt: OnAttempt | None
    limit_s: float
    begun: float
    attempts: list[Attempt] = field(default_factory=list)
    failures: list[tuple[Model, Failure]] = field(default_factory=list)
    own: list[AthenaError] = field(default_factory=list)

    async def run(self, models: Sequence[Model]) -> Answer:
        """Raises `Exhausted`, or the first `AthenaError` where every model failed with one of ours."""
        left = list(models)
        while left and (not self.failures or self._left_s() > 0):
            model = left.pop(0)
            ours = len(self.own)
            result = await self._ask(model, others=bool(left))
            if isinstance(result, Answer):
                return result
            self.failures.append((model, result))
            mine = self.own[-1] if len(self.own) > ours else None
            if result.kind == "request" and not isinstance(mine, CannotCarry):
                # A word on the request itself, the provider's or ours: it would be the same everywhere.
                break
            if result.kind == "missing" and self.named and len(self.failures) == 1:
                break
            if result.kind == "context":
                left = [other for other in left if _may_be_larger(other, model)]
        if self.own and len(self.own) == len(self.failures):
            raise self.own[0]
        raise Exhausted(self.failures, self.attempts)

    async def _ask(self, model: Model, *, others: bool) -> Answer | Failure:
        turnstile = self.lanes.turnstile(model)
        if turnstile is not None and others and turnstile.spills and turnstile.busy():
            return _full(turnstile)
        refusal = await self._refusal(model, others=others)
        if refusal is not None:
            return refusal
        try:
            outgoing = await self.prepare(model)
        except AthenaError as error:
            return self._ours(error)
        if turnstile is None:
            return await self._tries(outgoing, others=others)
        if not await turnstile.enter(self._left_s()):
            return _full(turnstile)
        return await self._in_place(turnstile, outgoing, others=others)

    async def _refusal(self, model: Model, *, others: bool) -> Failure | None:
        """Why the model isn't asked at all. A short time that its provider named is waited for; and a spend limit
        is taken from the provider's own mouth where nobody else is left to ask."""
        refusal = self.lanes.refusal(model, self.account)
        if refusal is None or (refusal.kind == "spend" and not others):
            return None
        if refusal.kind == "rate":
            wait_s = self.policy.pause(refusal, 1, left_s=self._left_s(), others=others)
            if wait_s is not None:
                await asyncio.sleep(wait_s)
                return None
        return refusal

    async def _in_place(self, turnstile: Turnstile, outgoing: Outgoing, *, others: bool) -> Answer | Failure:
        """The place is kept until the answer has been read, or nothing more is asked of the model."""
        result: Answer | Failure | None = None
        try:
            result = await self._tries(outgoing, others=others)
        finally:
            if isinstance(result, Answer) and isinstance(result.chunks, Flow):
                result.chunks.on_close = turnstile.leave
            else:
                turnstile.leave()
        return result

    async def _tries(self, outgoing: Outgoing, *, others: bool) -> Answer | Failure:
        made = 0
        while True:
            cooling = self.lanes.cooling(outgoing.model)
            if cooling is not None:
                return cooling
            result = await self._attempt(outgoing)
            if isinstance(result, Answer):
                return result
            made += 1
            wait_s = self.policy.pause(result, made, left_s=self._left_s(), others=others)
            if wait_s is None or self.lanes.cooling(outgoing.model) is not None:
                return result
            await asyncio.sleep(wait_s)

    async def _attempt(self, outgoing: Outgoing) -> Answer | Failure:
        attempt = trial.begin(outgoing.model, self.clock)
        self.attempts.append(attempt)
        admission = self.lanes.enter(outgoing.model, self.account)
        try:
            if self.stream:
                return await self._streamed(outgoing, attempt, admission)
            return await self._whole(outgoing, attempt, admission)
        except StreamBroken as broken:
            if isinstance(broken.__cause__, AthenaError):
                self.own.append(broken.__cause__)
            return broken.failure
        finally:
            # Whoever reads an answer sees its end; of these there is nothing to read.
            if attempt.outcome in ("error", "cancelled") and self.on_attempt is not None:
                self.on_attempt(attempt)

    async def _streamed(self, outgoing: Outgoing, attempt: Trial, admission: Pass) -> Answer:
        speech = wires.of(outgoing.model.provider.wire)
        flow = Flow(lambda: self._open(outgoing), speech, attempt, admission)
        try:
            await flow.begun(max(0.0, self.policy.commit_after_s - self._elapsed_s()))
        except BaseException:
            await flow.aclose()
            raise
        headers = {} if flow.response is None else flow.response.headers
        return Answer(outgoing.model, 200, headers, flow.tap, self.attempts, chunks=flow)

    async def _whole(self, outgoing: Outgoing, attempt: Trial, admission: Pass) -> Answer:
        within_s = min(self.policy.whole_s, max(0.0, self._left_s()))
        response, body, heard = await whole.ask(
            lambda: self._open(outgoing),
            wires.of(outgoing.model.provider.wire),
            attempt,
            admission,
            within_s=within_s,
        )
        return Answer(outgoing.model, response.status_code, response.headers, heard, self.attempts, body=body)

    async def _open(self, outgoing: Outgoing) -> httpx.Response:
        policy = self.policy
        return await upstream.opened(
            self.channel,
            outgoing,
            connect_s=policy.connect_s,
            first_s=policy.first_s(outgoing.model, stream=self.stream),
            read_s=policy.between_bytes_s,
        )

    def _ours(self, error: AthenaError) -> Failure:
        self.own.append(error)
        if isinstance(error, (ContextExceeded, InputTooLong)):
            return Failure("context", error.message, status=error.status)
        return Failure("refused" if error.status in _FORBIDDEN else "request", error.message, status=error.status)

    def _elapsed_s(self) -> float:
        return self.clock() - self.begun

    def _left_s(self) -> float:
        return self.limit_s - self._elapsed_s()


def _may_be_larger(other: Model, model: Model) -> bool:
    return other.context is None or model.context is None or other.context > model.context


def _full(turnstile: Turnstile) -> Failure:
    return Failure(
        "rate",
        "the local model has as many requests as it takes",
        status=429,
        retry_after_s=turnstile.retry_after_s(),
    )
