"""What is asked about sessions, and what is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints

from athena.api.schemas.fields import Flag, Name
from athena.api.schemas.memories import Body
from athena.gateway.sessions.types import Session

_EXAMPLE = "anthropic/claude-sonnet-5-5"
# As in `x-athena-session`.
SessionId = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,256}$")]


ModelName = Annotated[
    str,
    StringConstraints(pattern=r"^[\x21-\x7e]{1,256}$"),
    Field(description="provider/model, a tier, an alias, or auto."),
]


class TokensView(BaseModel):
    """As billed: the four don't overlap."""

    input: int
    cached: int
    written: int
    output: int


class SessionView(BaseModel):
    """A conversation that passes through the gateway."""

    id: str
    key: str = Field(description="The name of the Athena key whose session this is; empty: without a key.")
    project: str | None
    agent: str | None
    pinned: str | None = Field(description="What was asked for with a pin: provider/model, a tier, an alias or auto.")
    model: str | None = Field(description="provider/model that answered last.")
    reasons: list[str] = Field(description="Why that model answered.")
    requests: int
    tokens: TokensView = Field(description="All that was billed so far.")
    cached_tokens: int = Field(description="What the model's provider has in its cache; switching loses it.")
    started_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, session: Session) -> Self:
        tokens = session.tokens
        return cls(
            id=session.id,
            key=session.principal,
            project=session.project,
            agent=session.agent,
            pinned=session.pinned,
            model=session.last_model,
            reasons=list(session.last_reasons),
            requests=session.requests,
            tokens=TokensView(input=tokens.input, cached=tokens.cached, written=tokens.written, output=tokens.output),
            cached_tokens=session.cached_tokens,
            started_at=session.started_at,
            last_used_at=session.last_used_at,
        )


class SessionList(BaseModel):
    """Newest first."""

    sessions: list[SessionView]


class Pin(Body):
    """Which model is to answer from now on; null: none in particular."""

    model: ModelName | None = Field(examples=[_EXAMPLE])


class AskStatus(Body):
    """Without arguments it reports; with a model it pins, from the next request on."""

    model: ModelName | None = Field(None, description="What to pin: provider/model, a tier, an alias, or auto.")
    unpin: Flag = Field(False, description="Take the pin away.")
    session_id: SessionId | None = Field(None, description="Which session; unset: the one used last.")
    key: Name | None = Field(None, description="Whose session it is, for whoever may see those of others.")


class SessionStatus(BaseModel):
    """`session` is null while nothing has passed through the gateway."""

    session: SessionView | None
    changed: bool
