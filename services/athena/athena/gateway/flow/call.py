"""From what came in to a `Call`: whose it is, which conversation it belongs to, what it needs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from athena.gateway.flow.parts import Parts
from athena.gateway.ports import Conversation
from athena.gateway.preferences import Effective, effective
from athena.gateway.route.types import CONVERSATION, Shape
from athena.gateway.sessions.agents import Agent
from athena.gateway.sessions.identity import BY_CONTENT, identify, strand
from athena.gateway.surfaces.parse import own_key, own_provider, parsed
from athena.gateway.surfaces.paths import Endpoint
from athena.gateway.types import Json, RequestClass, Wire

_AGENT = "x-athena-agent"
_MODEL = "x-athena-model"
_LONGEST_CLIENT = 80


@dataclass(frozen=True, slots=True)
class Asked:
    """One request at one of the gateway's paths. `headers` have lower-case names; `principal` is the name of its
    Athena key, empty without one. `timings` takes milliseconds by part, for the log."""

    endpoint: Endpoint
    raw: bytes
    headers: Mapping[str, str]
    query: str
    principal: str
    request_id: str
    timings: dict[str, float]


@dataclass(frozen=True, slots=True)
class Call:
    """One request for an answer, understood. `body` is shared and never changed. `own_key`: a provider's key that
    the client sent, and `own_provider` the only one that it may be spent at. `thread`: under which session's id the
    model of this conversation is remembered, None for small work that has no history."""

    asked: Asked
    body: dict[str, Json]
    own_key: str | None
    own_provider: str | None
    effective: Effective
    session: str
    thread: str | None
    agent: Agent | None
    shape: Shape

    @property
    def wire(self) -> Wire:
        return self.asked.endpoint.wire

    @property
    def principal(self) -> str:
        return self.asked.principal

    @property
    def stream(self) -> bool:
        return self.body.get("stream") is True

    @property
    def model(self) -> str:
        model: str = self.body["model"]
        return model

    @property
    def override(self) -> str | None:
        return self.asked.headers.get(_MODEL)

    @property
    def client(self) -> str:
        """What the client calls itself: the first word of its user-agent."""
        return self.asked.headers.get("user-agent", "").partition(" ")[0][:_LONGEST_CLIENT]

    @property
    def account(self) -> str:
        return account(self.own_key)

    @property
    def conversation(self) -> Conversation:
        wanted = self.effective
        messages: list[dict[str, Any]] = self.body["messages"]
        return Conversation(
            self.principal,
            wanted.project,
            self.session,
            messages,
            self.shape.request_class,
            wanted.compress,
            wanted.memory,
            wanted.memory_tokens,
        )


def account(own_key: str | None) -> str:
    """Whose credit a provider looks at: the operator's, or a digest of the client's own key."""
    return "" if own_key is None else hashlib.sha256(own_key.encode()).hexdigest()[:16]


async def understood(parts: Parts, asked: Asked) -> Call:
    """Raises `InvalidInput`."""
    body = parsed(asked.raw)
    headers, endpoint = asked.headers, asked.endpoint
    key = own_key(headers)
    session = identify(headers, body)
    if key is not None and not asked.principal and session.startswith(BY_CONTENT):
        # Whoever has no Athena key has no name: their keys keep their conversations apart.
        session = f"{session}-{account(key)}"
    named = headers.get(_AGENT)
    wanted = await effective(parts.preferences, asked.principal, headers, endpoint.project)
    agent = parts.agents.find(named) if named else None
    shape = parts.router.read(endpoint.wire, body, len(asked.raw), headers)
    return Call(
        asked=asked,
        body=body,
        own_key=key,
        own_provider=own_provider(key, endpoint.wire),
        effective=wanted,
        session=session,
        thread=_thread(session, shape.request_class, body),
        agent=agent,
        shape=shape,
    )


def _thread(session: str, request_class: RequestClass, body: Mapping[str, Json]) -> str | None:
    """The session's own for requests that share its history; for a sub-agent's the beginning of what it was told."""
    if request_class in CONVERSATION:
        return session
    return None if request_class == "auxiliary" else strand(body)
