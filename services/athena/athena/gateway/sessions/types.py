"""A conversation as the gateway knows it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from athena.gateway.types import Tokens


@dataclass(frozen=True, slots=True)
class Session:
    """`principal`: whose key, empty without one. `pinned`: a model, tier, alias or `auto`, as whoever pinned it
    wrote it. `last_model` is `provider/model`, `last_reasons` why it answered. `cached_tokens`: what its provider
    holds of the conversation, and another would have to read anew. `tokens` are all that were billed so far."""

    principal: str
    id: str
    project: str | None = None
    agent: str | None = None
    pinned: str | None = None
    last_model: str | None = None
    last_reasons: tuple[str, ...] = ()
    cached_tokens: int = 0
    requests: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    started_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """What one answered request says of its session. `tokens` None: the provider didn't say."""

    model: str
    reasons: tuple[str, ...]
    tokens: Tokens | None = None
    project: str | None = None
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class Owed:
    """Requests that aren't written down yet: the newest of them, their number, their sum."""

    newest: Passed
    requests: int
    tokens: Tokens
    started_at: datetime
    last_used_at: datetime

    @classmethod
    def of(cls, passed: Passed) -> Owed:
        now = datetime.now(UTC)
        return cls(passed, 1, passed.tokens or Tokens(), now, now)

    def then(self, later: Owed) -> Owed:
        return replace(
            later,
            requests=self.requests + later.requests,
            tokens=added(self.tokens, later.tokens),
            started_at=self.started_at,
        )

    @property
    def cached_tokens(self) -> int:
        newest = self.newest.tokens or Tokens()
        return newest.cached + newest.written

    def onto(self, session: Session) -> Session:
        """As the statement `note` writes it: what is no sum is the newest's, and that may be another process'."""
        summed = replace(
            session,
            requests=session.requests + self.requests,
            tokens=added(session.tokens, self.tokens),
            started_at=min(session.started_at or self.started_at, self.started_at),
        )
        if session.last_used_at is not None and session.last_used_at > self.last_used_at and session.requests:
            return summed
        return replace(
            summed,
            project=self.newest.project or session.project,
            agent=self.newest.agent or session.agent,
            last_model=self.newest.model,
            last_reasons=self.newest.reasons,
            cached_tokens=self.cached_tokens,
            last_used_at=self.last_used_at,
        )


def added(one: Tokens, other: Tokens) -> Tokens:
    return Tokens(
        one.input + other.input, one.cached + other.cached, one.written + other.written, one.output + other.output
    )
