"""What routes are handed."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Query, Request

from athena.api.health import Health
from athena.api.metrics import Metrics
from athena.api.schemas.fields import MAX_NAME
from athena.bootstrap import Athena

# How long `wait` waits for the vector before it answers "pending" after all.
WAIT_S = 30.0


class Call:
    """One request: who asks, what may be used, and where it says what its time went into."""

    def __init__(self, request: Request) -> None:
        self.athena: Athena = request.app.state.athena
        self.metrics: Metrics = request.app.state.metrics
        self.health: Health = request.app.state.health
        self.principal: str = request.scope.get("athena.principal", "")
        self._timings: dict[str, float] = request.scope.setdefault("athena.timings", {})

    def spent(self, part: str, latency_ms: float) -> None:
        """`part`: embedding, search or reasoning; it reaches the log line and the metrics."""
        self._timings[part] = self._timings.get(part, 0.0) + latency_ms

    @property
    def timings(self) -> dict[str, float]:
        return self._timings


async def _call(request: Request) -> Call:
    return Call(request)


Calling = Annotated[Call, Depends(_call)]
Wait = Annotated[bool, Query(description="Answer only when the vector is there too, or after 30 s.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=MAX_NAME,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key with the same body stores nothing twice and answers the same; another body is a 409.",
    ),
]
