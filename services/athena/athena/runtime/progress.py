"""How far a download or a conversion is: what every `report` callback is handed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Phase = Literal["asking", "waiting", "checking", "downloading", "retrying", "converting", "done"]


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` and `total` in bytes; `total` is None where the size isn't known.

    "checking" counts what is already on disk, every other phase counts the whole file.
    """

    file: str
    phase: Phase
    done: int = 0
    total: int | None = None
    detail: str | None = None


# Called from the event loop and, while a file is hashed, from a worker thread.
Report = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """A `Report` that shows nothing."""
