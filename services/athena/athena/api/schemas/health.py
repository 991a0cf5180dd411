"""What the health endpoints say."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

State = Literal["up", "degraded", "down"]


class Part(BaseModel):
    """`detail` says why it isn't up, `hint` which command mends it. A part that is down has no version."""

    state: State
    detail: str | None = None
    hint: str | None = None
    latency_ms: float | None = None
    version: str | None = Field(None, description="What the part says it is: of a model server, its build.")
    model: str | None = Field(None, description="What it serves.")
    about: dict[str, str] = Field(
        default_factory=dict, description="`pgvector` and `schema` of PostgreSQL, `engine` of the compressor."
    )


class Serving(BaseModel):
    """The embedding generation that answers."""

    id: int
    model: str
    dim: int


class Capturing(BaseModel):
    """Whose turns are remembered as they pass: by name of the key, and of the project."""

    keys: list[str]
    projects: list[str]


class HealthReport(BaseModel):
    """`status` is down only when Athena can't serve; degraded names the parts in `parts` that aren't up."""

    status: State
    version: str
    parts: dict[str, Part]
    generation: Serving | None
    pending: int | None = Field(description="Memories without a vector yet; null when that can't be told.")
    stuck: int | None = Field(description="Of these, how many were refused again and again; `last_error` says why.")
    last_error: str | None
    capture: Capturing | None = Field(description="Who consented to being remembered; null when that can't be told.")
    local_only: bool = Field(description="Nothing leaves for a host that isn't local: `/api/v1/local-only` says why.")


class Live(BaseModel):
    status: Literal["up"] = "up"


class Ready(BaseModel):
    status: Literal["ready"] = "ready"
