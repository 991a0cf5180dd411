"""What a check finds, and what it may look at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from athena.config import Settings
from athena.errors import AthenaError

State = Literal["ok", "info", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`state`: ok, info (worth knowing, nothing to mend) or problem. `mend` is a command or a setting."""

    check: str
    state: State
    what: str
    why: str | None = None
    mend: str | None = None


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined. `health`: the answer of `GET /health`, None when there is none; `refused` then says
    why, if it was Athena that didn't answer it."""

    settings: Settings
    address: str
    key: str | None
    health: dict[str, Any] | None
    refused: AthenaError | None = None

    def part(self, name: str) -> dict[str, Any]:
        """What the running Athena says of one of its parts; empty when there is none."""
        found: dict[str, Any] = (self.health or {}).get("parts", {}).get(name, {})
        return found


Check = Callable[[Patient], Awaitable[Sequence[Finding]]]


def ok(check: str, what: str) -> list[Finding]:
    return [Finding(check, "ok", what)]


def problem(check: str, what: str, why: str | None, mend: str | None) -> list[Finding]:
    return [Finding(check, "problem", what, why, mend)]


def info(check: str, what: str, why: str | None = None, mend: str | None = None) -> list[Finding]:
    return [Finding(check, "info", what, why, mend)]
