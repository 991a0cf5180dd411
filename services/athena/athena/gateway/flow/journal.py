"""What is written down of a request: a row for each attempt, and what the session should know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from athena.gateway.flow.call import Call
from athena.gateway.flow.original import Original
from athena.gateway.flow.parts import Parts
from athena.gateway.ports import Rewritten
from athena.gateway.sessions.types import Passed
from athena.gateway.types import Attempt, Decision, Json, Tokens
from athena.secret import blotted
from athena.usage.types import Use

_SURFACES = {"anthropic": "messages", "openai": "chat"}


@dataclass(slots=True)
class Journal:
    """`close` writes the rows; the first call counts."""

    parts: Parts
    call: Call
    decision: Decision
    rewritten: Rewritten | None
    original: Original | None = None
    closed: bool = False

    def close(self, attempts: Sequence[Attempt], outcome: str) -> None:
        """`outcome`: of the last attempt, where it has none of its own."""
        if self.closed:
            return
        self.closed = True
        made = [each for each in attempts if _was_made(each)]
        last = len(made) - 1
        for place, attempt in enumerate(made):
            self.parts.record(self._use(attempt, place, place == last, outcome))
        if attempts and outcome == "ok":
            self._note(attempts[-1])

    def _use(self, attempt: Attempt, place: int, final: bool, outcome: str) -> Use:
        call, model, asked = self.call, attempt.model, self.call.asked
        tokens = attempt.tokens
        known = tokens or Tokens()
        decision = self.decision
        rewritten = self.rewritten
        saved = rewritten.saved_characters if rewritten else 0
        # Only where something was saved it matters that bytes aren't characters.
        size = _characters(call.body) if saved else call.shape.needs.size
        recalled = rewritten.memory_characters if rewritten else 0
        return Use(
            request_id=asked.request_id,
            at=datetime.fromtimestamp(attempt.started_at, UTC),
            attempt=place + 1,
            final=final,
            surface=_SURFACES[call.wire],
            model=model.id,
            provider=model.provider.name,
            local=model.provider.local,
            status=attempt.status,
            # What the provider ended well may still have been impossible to pass on.
            outcome=outcome if final and outcome == "broken" else attempt.outcome or outcome,
            stream=call.stream,
            client=call.client,
            principal=call.principal,
            project=call.effective.project,
            session=call.session,
            agent=call.agent.name if call.agent else None,
            request_class=call.shape.request_class,
            task=call.shape.task,
            asked=call.model,
            tier=model.tier,
            baseline=decision.baseline.name if decision.baseline else None,
            reasons=decision.reasons,
            error=error_of(attempt, call.own_key),
            tokens_input=known.input if tokens else None,
            tokens_cached=known.cached if tokens else None,
            tokens_written=known.written if tokens else None,
            tokens_written_1h=known.written_1h if tokens else None,
            tokens_output=known.output if tokens else None,
            first_ms=attempt.first_ms,
            total_ms=attempt.total_ms,
            sent_characters=max(0, size - saved + recalled),
            original_characters=size,
            counted_original=self.original.tokens(model) if self.original is not None and final else None,
            memory_characters=recalled,
        )

    def _note(self, attempt: Attempt) -> None:
        call = self.call
        id = call.thread
        if id is None:
            return
        agent = call.agent.name if call.agent else None
        passed = Passed(attempt.model.name, self.decision.reasons, attempt.tokens, call.effective.project, agent)
        self.parts.sessions.note(call.principal, id, passed)


def error_of(attempt: Attempt, own_key: str | None) -> str | None:
    """In the provider's words, which may repeat the key that it didn't like, the client's or the operator's."""
    failure, key = attempt.failure, attempt.model.provider.key
    if failure is None:
        return None
    operators = key.get_secret_value() if key is not None else None
    return blotted(f"{failure.kind}: {failure.message}", own_key, operators)[:500]


def _was_made(attempt: Attempt) -> bool:
    """What never left this machine was no attempt at a provider; a stream that was cut on its way was one."""
    begun = attempt.first_ms is not None or attempt.tokens is not None
    return begun or attempt.failure is None or attempt.failure.kind != "refused"


def _characters(value: Json) -> int:
    """Of all texts, the data of images apart."""
    if isinstance(value, str):
        return 0 if value.startswith("data:") else len(value)
    if isinstance(value, dict):
        if value.get("type") == "base64":
            return 0
        return sum(_characters(each) for each in value.values())
    return sum(_characters(each) for each in value) if isinstance(value, list) else 0
