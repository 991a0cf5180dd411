"""What the supervisor asks of a part, and what it says about one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from athena.errors import StackError
from athena.runtime.process import Command


class CannotStart(StackError):
    """A part can't be started for a reason that no restart mends: the message says what, the hint how."""

    code = "cannot_start"


class State(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    BACKOFF = "backoff"
    FAILED = "failed"
    STOPPING = "stopping"
    ABSENT = "absent"  # nothing to start: a model that isn't there, a server that runs elsewhere


@dataclass(frozen=True, slots=True)
class Status:
    """One part as the table shows it. `ready_s`: seconds from start to ready; `restarts` since it was asked for."""

    name: str
    state: State
    address: str
    detail: str = ""
    hint: str = ""
    pid: int | None = None
    ready_s: float | None = None
    restarts: int = 0


class Part(Protocol):
    """Something the supervisor keeps running."""

    @property
    def name(self) -> str: ...

    @property
    def address(self) -> str:
        """Where it is reached, for people."""
        ...

    async def prepare(self) -> Command | None:
        """Everything before the fork. None: there is nothing to run. Raises `CannotStart`, `StackError`."""
        ...

    async def probe(self) -> bool:
        """Does it serve now? Never raises, answers within two seconds."""
        ...

    def explain(self, output: list[str], code: int) -> StackError:
        """Why it ended, from its last lines and its exit code: `CannotStart` if a restart can't mend that."""
        ...

    def describe(self) -> tuple[str, str]:
        """(detail, hint) of the table: which model, what is missing and how to get it."""
        ...
