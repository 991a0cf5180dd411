"""The two ways in which providers speak, each in a module of the same shape: `wires.of("anthropic").failure(…)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from athena.gateway.types import Failure, FailureKind, Wire
from athena.gateway.wires import anthropic, openai
from athena.gateway.wires.heard import Ear, Heard

__all__ = ["Ear", "Heard", "Speech", "of"]


class Speech(Protocol):
    """What both modules have."""

    @property
    def PING(self) -> bytes:  # noqa: N802 - a constant of the modules
        """Says nothing, so that a silent stream isn't taken for a dead one."""

    def auth(self, key: str) -> tuple[tuple[str, str], ...]: ...
    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure: ...
    def heard(self, body: bytes) -> Heard | None: ...
    def listen(self) -> Ear: ...
    def error_event(self, message: str, kind: FailureKind, source: str = "athena") -> bytes: ...


def of(wire: Wire) -> Speech:
    return anthropic if wire == "anthropic" else openai
