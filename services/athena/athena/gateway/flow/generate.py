"""A request for an answer, from its bytes to the answer's: the gateway's one way."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from athena.errors import StoreUnavailable
from athena.gateway import errors, wires
from athena.gateway.egress import Exhausted
from athena.gateway.flow.back import Returning
from athena.gateway.flow.call import Asked, Call, understood
from athena.gateway.flow.choose import chosen
from athena.gateway.flow.journal import Journal
from athena.gateway.flow.original import Original
from athena.gateway.flow.parts import Parts
from athena.gateway.flow.prepare import Preparation
from athena.gateway.flow.reply import Reply
from athena.gateway.flow.stream import Relay
from athena.gateway.ports import Rewritten, Turn
from athena.gateway.surfaces.headers import downward
from athena.gateway.types import Answer, Attempt, Decision, Failure, Model

# More than any answer is long; a captured turn is cut to far less.
_MOST_CAPTURED = 4 * 1024 * 1024
# How each wire says that tools are called.
_CALLS = ("tool_use", "tool_calls", "function_call")

_LONGEST_REASON, _LONGEST_ROUTE = 160, 2_000

log = structlog.get_logger(__name__)


async def generate(parts: Parts, asked: Asked) -> Reply:
    """Raises `AthenaError`; what a provider answered, an error too, is a `Reply`."""
    call = await understood(parts, asked)
    rewritten = await _rewritten(parts, call)
    decision = await chosen(parts, call)
    # Counted only where there is a difference to tell.
    original = Original(parts, call) if rewritten is not None and rewritten.saved_characters > 0 else None
    prepare = Preparation(
        parts,
        call,
        rewritten.messages if rewritten is not None else call.body["messages"],
        models=decision.models,
        begun=original.begin if original is not None else None,
    )
    passage = _Passage(parts, call, decision, prepare, Journal(parts, call, decision, rewritten, original), rewritten)
    made: list[Attempt] = []
    try:
        answer = await parts.egress.send(
            decision.models,
            prepare,
            stream=call.stream,
            named=prepare.is_named(decision.models[0]),
            account=call.account,
            on_attempt=made.append,
        )
    except Exhausted as exhausted:
        passage.journal.close(exhausted.attempts, "error")
        return passage.failed(exhausted)
    except BaseException:
        # The client left before anything came, perhaps: what was tried until then may have been billed.
        passage.journal.close(made, "cancelled")
        raise
    if answer.chunks is None:
        return await passage.whole(answer)
    return passage.streamed(answer)


async def _rewritten(parts: Parts, call: Call) -> Rewritten | None:
    """None where nothing was ever rewritten, nor may be now."""
    wanted = call.effective
    begun = all(message.get("role") in ("user", "system", "developer") for message in call.body["messages"])
    if begun and not wanted.compress and not wanted.memory:
        return None
    started = time.perf_counter()
    rewritten = await parts.rewrite(call.conversation, False)
    call.asked.timings["rewrite"] = (time.perf_counter() - started) * 1e3
    return rewritten


def route_header(reasons: Sequence[str]) -> str:
    """For a header that every client's library takes: some have an end after 16 KB for all headers together."""
    return "; ".join(" ".join(reason[:_LONGEST_REASON].split()) for reason in reasons)[:_LONGEST_ROUTE]


@dataclass(slots=True)
class _Passage:
    """One answer, or none, on its way to the client."""

    parts: Parts
    call: Call
    decision: Decision
    prepare: Preparation
    journal: Journal
    rewritten: Rewritten | None

    async def whole(self, answer: Answer) -> Reply:
        assert answer.body is not None
        returning = Returning(self.call, answer.model)
        outcome = "broken"
        try:
            body = returning.whole(answer.body)
            await self._keep(answer.model, returning)
            outcome = "ok"
        finally:
            # It was billed, whatever becomes of it here.
            await self._close(answer, outcome)
        captured = self._captured(answer.model, streamed=False)
        if captured is not None:
            captured.heard(body)
            captured.over()
        return Reply(answer.status, self._headers(answer, "application/json"), body)

    def streamed(self, answer: Answer) -> Reply:
        returning = Returning(self.call, answer.model)
        speech = wires.of(self.call.wire)

        async def finished(outcome: str, _: Failure | None) -> None:
            try:
                if outcome == "ok":
                    await self._keep(answer.model, returning)
            finally:
                await self._close(answer, outcome)

        def error_event(failure: Failure) -> bytes:
            return speech.error_event(f"{answer.model.name}: {failure.message}", failure.kind)

        captured = self._captured(answer.model, streamed=True)
        chunks = Relay(answer, returning.stream(), error_event, finished, captured)
        return Reply(200, self._headers(answer, "text/event-stream"), chunks=chunks, ping=speech.PING)

    def failed(self, exhausted: Exhausted) -> Reply:
        """In the words of the first provider that left any; ours where none did."""
        model, failure = next(
            ((model, failure) for model, failure in exhausted.failures if failure.body), exhausted.failures[0]
        )
        if not failure.body:
            raise errors.of(model, failure)
        status, kind, body = Returning(self.call, model).failure(failure)
        headers = [("content-type", kind), *self._own_headers(model, exhausted.attempts)]
        passed = downward(failure.headers) if model.provider.wire == self.call.wire else []
        headers += passed
        if failure.retry_after_s is not None and "retry-after" not in dict(passed):
            headers.append(("retry-after", str(max(1, round(failure.retry_after_s + 0.5)))))
        return Reply(status, headers, body)

    async def _keep(self, model: Model, returning: Returning) -> None:
        if not returning.signatures:
            return
        try:
            await self.parts.signatures.keep(self.call.principal, model.provider.name, returning.signatures)
        except StoreUnavailable:
            log.warning("signatures are kept in memory until PostgreSQL is back")

    def _headers(self, answer: Answer, content_type: str) -> list[tuple[str, str]]:
        headers = [("content-type", content_type), *self._own_headers(answer.model, answer.attempts)]
        if answer.chunks is not None:
            headers += [("cache-control", "no-cache"), ("x-accel-buffering", "no")]
        if answer.model.provider.wire == self.call.wire:
            headers += downward(answer.headers)
        return headers

    def _own_headers(self, model: Model, attempts: Sequence[Attempt]) -> list[tuple[str, str]]:
        reasons = [*self.decision.reasons, *self.prepare.notes]
        first = self.decision.models[0]
        if model is not first:
            failure = next((each.failure for each in attempts if each.model is first and each.failure), None)
            why = f" ({failure.status or failure.kind}: {failure.message})" if failure is not None else ""
            reasons.append(f"fallback from {first.name}{why}")
        if self.rewritten is not None:
            if self.rewritten.saved_characters:
                reasons.append(f"compressed {self.rewritten.saved_characters} characters")
            if self.call.effective.memory:
                reasons.append(f"memory: {self.rewritten.memory}")
        return [("x-athena-model", model.name), ("x-athena-route", route_header(reasons))]

    def _captured(self, model: Model, *, streamed: bool) -> _Captured | None:
        """Only of somebody who consented is anything kept."""
        return _Captured(self, model, streamed=streamed) if self.call.effective.capture else None

    async def _close(self, answer: Answer, outcome: str) -> None:
        """Written down before the last bytes leave. So is, for all replicas, which provider called a tool: its result
        may come to any of them."""
        self.journal.close(answer.attempts, outcome)
        if outcome == "ok" and answer.tap.stop in _CALLS:
            try:
                await self.parts.sessions.write()
            except StoreUnavailable:
                log.info("this process alone knows which model called a tool, until PostgreSQL is back")


class _Captured:
    """A turn that is remembered when all of it was said."""

    def __init__(self, passage: _Passage, model: Model, *, streamed: bool) -> None:
        self._passage = passage
        self._model = model
        self._streamed = streamed
        self._content = bytearray()

    def heard(self, said: bytes) -> None:
        if len(self._content) < _MOST_CAPTURED:
            self._content += said

    def over(self) -> None:
        call, content = self._passage.call, bytes(self._content)
        agent = call.agent.name if call.agent else None
        turn = Turn(call.conversation, agent, self._model.name, call.wire, content, self._streamed)
        self._passage.parts.capture(turn)
