"""What the gateway is handed by the rest of the house."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from athena.gateway.route.types import Budget
from athena.gateway.types import Json, RequestClass, Wire
from athena.usage.types import Use

Message = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Conversation:
    """What is asked to be rewritten: whose it is, and what may be done to what is new in it."""

    principal: str
    project: str | None
    session: str
    messages: Sequence[Message]
    request_class: RequestClass
    compress: bool
    memory: bool
    memory_tokens: int


class Rewritten(Protocol):
    """`messages`: those that didn't change are the very objects that came in. `memory`: what became of memory."""

    @property
    def messages(self) -> list[Message]: ...
    @property
    def shortened(self) -> int: ...
    @property
    def replayed(self) -> int: ...
    @property
    def saved_characters(self) -> int: ...
    @property
    def memory_characters(self) -> int: ...
    @property
    def memory(self) -> str: ...


# `preview`: decide nothing, only show.
Rewrite = Callable[[Conversation, bool], Awaitable[Rewritten]]


@dataclass(frozen=True, slots=True)
class Turn:
    """An answered request, of somebody who consented to its being remembered. `content`: the answer's bytes as the
    client got them."""

    conversation: Conversation
    agent: str | None
    model: str
    wire: Wire
    content: bytes
    streamed: bool


# Both return at once and never raise.
Capture = Callable[[Turn], None]
Record = Callable[[Use], None]


# By principal and agent, from what is known: no waiting.
Judge = Callable[[str, str | None], Budget]
