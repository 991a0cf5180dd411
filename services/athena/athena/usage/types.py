"""One row of the ledger: one attempt at one model."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Use:
    """What an attempt was and used. Tokens as the provider billed them (None: it didn't say; the four don't overlap,
    `tokens_written_1h` is the part of `tokens_written` kept for an hour); times in milliseconds. `sent_characters` and
    `original_characters`: of all rewritable and other text of the request, after and before compression, so that
    billed tokens can be turned into what the original would have cost. `counted_original`: prompt tokens of the
    original as the provider counts them, where it was asked. `baseline`: `provider/model` that would have answered
    without routing."""

    request_id: str
    at: datetime
    attempt: int
    final: bool
    surface: str
    model: str
    provider: str
    local: bool
    status: int
    outcome: str  # ok, error, cancelled, broken
    stream: bool
    client: str = ""
    principal: str = ""
    project: str | None = None
    session: str | None = None
    agent: str | None = None
    request_class: str = "main"
    task: str | None = None
    asked: str = ""
    tier: str | None = None
    baseline: str | None = None
    reasons: tuple[str, ...] = ()
    error: str | None = None
    tokens_input: int | None = None
    tokens_cached: int | None = None
    tokens_written: int | None = None
    tokens_output: int | None = None
    tokens_written_1h: int | None = None
    first_ms: float | None = None
    total_ms: float | None = None
    sent_characters: int = 0
    original_characters: int = 0
    counted_original: int | None = None
    memory_characters: int = 0
    id: uuid.UUID = field(default_factory=uuid.uuid4)
