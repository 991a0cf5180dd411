"""What a decision is made of: the request, its session, and the world at this moment.

`decide` reads nothing else, so that the same three give the same decision and a decision can
be shown without sending anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol, Self

from athena.gateway.sessions.agents import Agent
from athena.gateway.sessions.types import Session
from athena.gateway.types import Decision, Model, RequestClass, Wire

BudgetKind = Literal["ok", "warn", "degrade", "stop"]
# The requests of one session that share a history.
CONVERSATION: frozenset[RequestClass] = frozenset({"main", "compaction"})
# As long as providers keep a prompt that nobody asks again.
_CACHED_FOR = timedelta(minutes=5)

# The fewest and the most bytes of JSON that make a token: code and prose lie between 3 and 5.
_MOST_BYTES_PER_TOKEN = 10
BYTES_PER_TOKEN = 4
_FEW_BYTES_PER_TOKEN = 2
# An image is shown to a model as 85 to some 4,000 tokens.
_FEWEST_PER_IMAGE, _USUAL_PER_IMAGE, _MOST_PER_IMAGE = 64, 1_200, 4_096


@dataclass(frozen=True, slots=True)
class Needs:
    """What a model must be able to do to answer this request.

    `size`: bytes of the request as JSON without the data of its images. `counted`: prompt tokens by model name,
    where they were counted exactly. `output`: the most tokens that may be answered (0: not said).
    """

    size: int = 0
    images: int = 0
    tools: bool = False
    thinking: bool = False
    structured: bool = False
    output: int = 0
    counted: Mapping[str, int] = field(default_factory=dict)

    @property
    def vision(self) -> bool:
        return self.images > 0

    @property
    def tokens(self) -> int:
        """About how many prompt tokens: for comparing prices, never for refusing."""
        return self.size // BYTES_PER_TOKEN + self.images * _USUAL_PER_IMAGE

    @property
    def fewest_tokens(self) -> int:
        """No tokenizer makes fewer of it."""
        return self.size // _MOST_BYTES_PER_TOKEN + self.images * _FEWEST_PER_IMAGE

    @property
    def careful_tokens(self) -> int:
        """More than any text that people or programs write comes to."""
        return self.size // _FEW_BYTES_PER_TOKEN + self.images * _MOST_PER_IMAGE

    @property
    def most_tokens(self) -> int:
        """No tokenizer makes more of it: a token has at least one byte."""
        return self.size + self.images * _MOST_PER_IMAGE

    def may_fit(self, model: Model) -> bool:
        """Whether the prompt isn't surely too long. Ollama can't count and cuts off what is too long without a word:
        for it, the prompt must be short enough by any sensible measure."""
        if model.context is None:
            return True
        counted = self.counted.get(model.name)
        if counted is None:
            counted = self.careful_tokens if model.provider.dialect == "ollama" else self.fewest_tokens
        return counted <= model.context

    def fits_surely(self, model: Model) -> bool:
        """Without this, a local model's tokens are counted before anything is sent."""
        return model.context is None or self.counted.get(model.name, self.most_tokens) <= model.context


@dataclass(frozen=True, slots=True)
class Shape:
    """What was read off a request: `route.shape.read` makes it.

    `in_loop`: the newest message answers a tool call, so the provider that made the call goes on. `text`: what the
    newest user message says, its middle left out where it is long (empty inside a tool loop). `task`: one of the
    task kinds, `task_said` if the client named it."""

    request_class: RequestClass
    needs: Needs
    in_loop: bool = False
    text: str = ""
    task: str | None = None
    task_said: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of the conversation that a request goes on with.

    `pin`: a model name that somebody set. `last`: `provider/model` of the newest answer; `cached`: prompt tokens
    that lie in its provider's cache, 0 once they have expired."""

    pin: str | None = None
    last: str | None = None
    cached: int = 0

    @classmethod
    def of(cls, session: Session, request_class: RequestClass, at: datetime) -> Self:
        """A session's pin holds for all of its requests, its model and cache for the conversation alone: what a
        helper of the agent asks beside it has another history."""
        if request_class not in CONVERSATION:
            return cls(pin=session.pinned)
        used = session.last_used_at
        fresh = used is not None and at - used < _CACHED_FOR
        return cls(session.pinned, session.last_model, session.cached_tokens if fresh else 0)


class Budget(Protocol):
    """What is left to spend for this key and agent, and the sentence that says so."""

    @property
    def kind(self) -> BudgetKind: ...

    @property
    def reason(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """A budget's word, where nobody keeps one."""

    kind: BudgetKind = "ok"
    reason: str = ""


FINE = Verdict()


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one request. `asked`: the model named in its body (empty: none). `override`: header `x-athena-model`.
    `spendable`: names of the providers whose credential may be used for this caller (`Registry.spendable`); local
    ones need none. `own_provider`: where the client's own key may be spent; without a `principal` (an Athena key's
    name) such a client gets the model that it named and no other cloud model."""

    wire: Wire
    asked: str
    shape: Shape
    spendable: frozenset[str] = frozenset()
    principal: str = ""
    own_provider: str | None = None
    project: str | None = None
    override: str | None = None
    held: Held = Held()
    agent: Agent | None = None
    budget: Budget = FINE

    @property
    def passes_through(self) -> bool:
        """Only the client's own key is there: nothing of the operator's may be spent."""
        return self.own_provider is not None and not self.principal


def _awake(_: Model) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class State:
    """Of the world. `available` says why a model is resting (breaker, rate limit), or None. `at` decides the
    prices."""

    at: datetime
    local_only: bool = False
    available: Callable[[Model], str | None] = _awake


__all__ = ["CONVERSATION", "FINE", "Agent", "Budget", "Decision", "Facts", "Held", "Needs", "Shape", "State", "Verdict"]
