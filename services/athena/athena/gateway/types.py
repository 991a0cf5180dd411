"""What the gateway's parts hand to each other.

A request flows one way: `flow.call.Call` (what a client sent) → `Decision` (which models may answer,
in which order) → `Outgoing` (bytes for one of them) → `Answer` (bytes back, as they come).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pydantic import SecretStr

Json = Any

# The two ways of speaking: of surfaces, and of providers.
Wire = Literal["anthropic", "openai"]

# Who on the client's side asks: a person's conversation, a helper of the agent, the
# shortening of a conversation that got too long, or small work beside it (titles, guesses).
RequestClass = Literal["main", "subagent", "workflow", "compaction", "auxiliary"]

# How a provider of the OpenAI wire differs from the others of it.
Dialect = Literal["anthropic", "openai", "google", "ollama", "llama", "generic"]

FailureKind = Literal[
    "rate",  # 429 with retry-after: later
    "spend",  # 429 without, 402: not until somebody pays
    "overloaded",  # 529, 503, before or inside the stream
    "timeout",  # no first byte, or silence between two
    "unreachable",  # connection refused, reset, name not found
    "server",  # other 5xx, or an answer that is none
    "auth",  # 401, 403
    "missing",  # 404: the provider has no such model
    "context",  # the prompt is longer than the model's window
    "request",  # other 4xx: the same everywhere
    "refused",  # ours: local-only, budget, no credential
]


@dataclass(frozen=True, slots=True)
class Provider:
    """Where models are reached. `url` has no trailing slash: of an Anthropic wire without `/v1`, of an OpenAI
    wire with whatever comes before `/chat/completions`. `key` is the operator's, never a client's."""

    name: str
    wire: Wire
    url: str
    local: bool
    dialect: Dialect
    key: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A model at a provider. `context` and `output` in tokens; None is "not known", for capabilities too."""

    provider: Provider
    id: str
    tier: str | None = None
    context: int | None = None
    output: int | None = None
    vision: bool | None = None
    tools: bool | None = None
    thinking: bool | None = None

    @property
    def name(self) -> str:
        """`provider/model`, as users write it."""
        return f"{self.provider.name}/{self.id}"


@dataclass(frozen=True, slots=True)
class Decision:
    """`models` in the order to try, never empty. `reasons` are short ASCII words for a header and for people.
    `baseline`: the cloud model that would have answered without routing, which savings are measured against."""

    models: tuple[Model, ...]
    reasons: tuple[str, ...]
    tier: str | None = None
    baseline: Model | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """As billed: `input` at the full price, `cached` read from the provider's cache, `written` into it, `output`.
    The four don't overlap; `written_1h` is the part of `written` that is kept for an hour, at a higher price."""

    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0
    written_1h: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a model didn't answer. `status` and `body` are the provider's own where it gave one (0 and empty where
    it didn't); `retry_after_s` as it asked; `message` is one line for people; `headers` by lower-case names."""

    kind: FailureKind
    message: str
    status: int = 0
    body: bytes = b""
    content_type: str = "application/json"
    retry_after_s: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Bytes for one model. `path` goes behind the provider's URL; `headers` hold the credential."""

    model: Model
    path: str
    headers: tuple[tuple[str, str], ...]
    content: bytes
    stream: bool


class Tap(Protocol):
    """Listens to an answer on its way through, of one wire; changes nothing."""

    committed: bool  # content was seen: from here on, no other model may answer
    done: bool  # the answer is complete
    at_boundary: bool  # nothing half is on the way: an event may be put in here
    failure: Failure | None  # an error event inside the stream
    tokens: Tokens | None
    stop: str | None  # stop reason in the provider's words

    def feed(self, chunk: bytes) -> None: ...


# Whole; refused or failed before it was committed; failed after; left by the client.
Outcome = Literal["ok", "error", "broken", "cancelled"]


@dataclass(slots=True)
class Attempt:
    """One try at one model, for the ledger. Times in milliseconds from the attempt's start. `outcome` is None while
    it lasts, and is there before the last bytes of an answer are handed on."""

    model: Model
    started_at: float  # seconds since the epoch
    failure: Failure | None = None
    status: int = 0
    first_ms: float | None = None
    total_ms: float | None = None
    tokens: Tokens | None = None
    outcome: Outcome | None = None


class Chunks(Protocol):
    """An answer's bytes. Must be closed, wherever its reader stops."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None: ...


@dataclass(slots=True)
class Answer:
    """What a model says. Either `body` (not streamed: all of it) or `chunks` (streamed: from the first byte on;
    raises `StreamBroken`, and must be closed). `attempts`: all that were made, this one last."""

    model: Model
    status: int
    headers: Mapping[str, str]
    tap: Tap
    attempts: list[Attempt]
    body: bytes | None = None
    chunks: Chunks | None = None


class StreamBroken(Exception):
    """The upstream failed after its answer had begun."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure
