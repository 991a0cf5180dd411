"""What goes back to the client."""

from __future__ import annotations

from dataclasses import dataclass, field

from athena.gateway.types import Chunks


@dataclass(slots=True)
class Reply:
    """Either `body`, or `chunks` of whole events with `ping` to be sent when they are silent. `chunks` must be
    closed, whether they were read to the end or not."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    chunks: Chunks | None = None
    ping: bytes = b""
