"""What the rewriting needs from the rest of the house."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from athena.compression import Elision
from athena.rewrite.canonical import Unit


@dataclass(frozen=True, slots=True)
class Shorter:
    """What may be sent in the place of a text."""

    text: str
    elisions: tuple[Elision, ...] = ()


class Shorten(Protocol):
    """Decides about one text that has never been sent: something shorter, or None to leave it alone.

    `query` is what the person asked last (empty: unknown). Must not raise: a text that can't
    be shortened is left alone.
    """

    async def __call__(self, unit: Unit, query: str) -> Shorter | None: ...
