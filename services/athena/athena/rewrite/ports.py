"""What the rewriting needs from the rest of the house."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from athena.compression import Elision
from athena.rewrite.canonical import Unit
from athena.rewrite.person import Person


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


@dataclass(frozen=True, slots=True)
class Joined:
    """`text`: what is put behind a person's own words, its mark included; empty for nothing. `reason`: why so, in
    a few ASCII words."""

    text: str
    reason: str


class Join(Protocol):
    """Decides what joins the words that a person has just said. `said`: the conversation's texts, as they are sent.

    Must not raise: when nothing can be recalled, nothing joins.
    """

    async def __call__(self, person: Person, said: Sequence[str]) -> Joined: ...


class Note(Protocol):
    """Something that is remembered. `when` it happened or was recorded."""

    @property
    def content(self) -> str: ...
    @property
    def when(self) -> date: ...


class Recall(Protocol):
    """What is remembered about `query` in a project, best first; not what this session itself has said."""

    async def __call__(self, query: str, *, project: str, session: str | None) -> Sequence[Note]: ...
