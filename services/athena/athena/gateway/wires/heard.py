"""What was heard of an answer that came whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from athena.gateway.types import Failure, Tap, Tokens


class Ear(Tap, Protocol):
    """A tap that is told when the stream has ended."""

    def end(self) -> None:
        """No more will come: what was left without its empty line counts, and so does a stop without an end mark."""


@dataclass(slots=True)
class Heard:
    """A `Tap` of which everything was fed already."""

    tokens: Tokens | None = None
    stop: str | None = None
    failure: Failure | None = None
    committed: bool = True
    done: bool = True
    at_boundary: bool = True

    def feed(self, chunk: bytes) -> None:
        """Nothing comes after the end."""
