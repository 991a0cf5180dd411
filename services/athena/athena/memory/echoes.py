"""What comes back: texts that hold recalled notes, or are what was recalled, are not stored as news.

Asked of PostgreSQL, so that a note which one process told is recognised by all of them; what this process has
recalled and not counted yet is known here.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from athena.core.marked import CLOSE, OPEN
from athena.errors import InvalidInput
from athena.memory.capture import SOURCE as CAPTURED
from athena.memory.echo import LEAST_WORDS, Source, origin, same
from athena.memory.identity import fingerprint
from athena.memory.names import Names
from athena.memory.types import Kind, NewMemory, Receipt
from athena.memory.use import Uses
from athena.memory.words import SHORT, Text, read, shingles, words
from athena.store.sql import statements

if TYPE_CHECKING:
    from athena.store.pool import Connection

_SQL = statements("use")
# Only whole blocks: what follows one that doesn't end may be the writer's own.
_MARKED = re.compile(rf"(?:\n\n)?{re.escape(OPEN)}.*?{re.escape(CLOSE)}", re.DOTALL)
# A text of whose own words fewer stand in known threes is looked at no further. Beside those that may be new, a memory
# of a word or two has no threes.
_LIKELY = 0.8
# With fewer of all its words, not even the dates and numbers of a list explain it.
_PERHAPS = 0.4
# Of very long texts a part tells as well whether they are worth a closer look.
_MOST_ASKED = 4_096
_SHORT_ENOUGH = 2_000


@dataclass(frozen=True, slots=True)
class Look:
    """A memory that is to be stored. `item`: without the notes that it held. `is_empty`: nothing else was in it.
    `hashes`: of its words in order, or of those of its notes, or `is_sample` of them; none where it is too short."""

    item: NewMemory
    is_empty: bool
    hashes: tuple[int, ...]
    is_sample: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    """A memory that a text may be an echo of."""

    uid: uuid.UUID
    source: Source
    occurred_at: datetime | None


def look(item: NewMemory) -> Look:
    """Pure, and the only part that takes long with long texts: to be called before anything is held."""
    content = _MARKED.sub("", item.content) if OPEN in item.content else item.content
    if not content.strip() and len(content) < len(item.content):
        return Look(item, True, _sample(item.content)[0])
    if len(content) < len(item.content):
        item = replace(item, content=content)
    return Look(item, False, *_sample(content, 3 if _asks(item) else LEAST_WORDS))


class Echoes:
    """Finds what each of several new memories is an echo of."""

    def __init__(self, uses: Uses, names: Names) -> None:
        self._uses = uses
        self._names = names

    async def found(self, connection: Connection, looks: Sequence[Look]) -> dict[int, Receipt]:
        """Receipts by place in `looks`, for those that are echoes. Raises `InvalidInput` for what holds nothing but
        notes that nobody knows."""
        receipts: dict[int, Receipt] = {}
        by_project: dict[str, list[int]] = {}
        for place, each in enumerate(looks):
            if each.hashes or each.is_empty:
                by_project.setdefault(each.item.scope.project, []).append(place)
        numbers = await self._names.projects(connection, sorted(by_project)) if by_project else {}
        for project, places in by_project.items():
            here = {place: looks[place] for place in places}
            if project in numbers:
                receipts |= await self._in_project(connection, project, numbers[project], here)
            if any(look.is_empty and place not in receipts for place, look in here.items()):
                raise InvalidInput(
                    "this holds nothing but notes that were recalled", hint="store your own words; nothing was stored"
                )
        return receipts

    async def _in_project(
        self, connection: Connection, project: str, number: int, looks: Mapping[int, Look]
    ) -> dict[int, Receipt]:
        asked = sorted({value for look in looks.values() for value in look.hashes})
        known = self._uses.waiting(project).intersection(asked)
        known.update(await connection.fetchval(_SQL["known"], number, asked))
        likely = {place: look for place, look in looks.items() if look.is_empty or _is_likely(look, known)}
        if not known or not likely:
            return {}
        prints = {place: fingerprint(look.item) for place, look in likely.items()}
        rows = await connection.fetch(_SQL["repeated"], number, list(prints.values()))
        # Word for word what is there: that is counted where it stands.
        repeated = {row["fingerprint"] for row in rows}
        found: dict[int, Receipt] = {}
        for place, look in likely.items():
            if look.is_empty or prints[place] not in repeated:
                receipt = await self._echo(connection, project, number, look, known)
                if receipt is not None:
                    found[place] = receipt
        return found

    async def _echo(
        self, connection: Connection, project: str, number: int, look: Look, known: set[int]
    ) -> Receipt | None:
        shared = known.intersection(look.hashes) | {SHORT}
        recent = self._uses.holding(project, shared)
        user = None if look.is_empty else look.item.scope.user_id
        rows = await connection.fetch(_SQL["sources"], number, list(shared), recent, user)
        sources = [_known(row) for row in rows]
        if not sources:
            return None
        best = sources[0] if look.is_empty else _origin(look.item, read(look.item.content), sources)
        if best is None:
            return None
        is_ready = await connection.fetchval(_SQL["is_embedded"], best.uid)
        return Receipt(str(best.uid), "duplicate", "ready" if is_ready else "pending", "echo")


def _known(row: Mapping[str, Any]) -> _Known:
    days = frozenset(at.date() for at in (row["occurred_at"], row["recorded_at"]) if at is not None)
    content = row["content"]
    # Of a batch, many texts may look like the same few memories.
    text = _read_again(content) if len(content) < _SHORT_ENOUGH else read(content)
    return _Known(row["uid"], Source(text, days), row["occurred_at"])


_read_again = lru_cache(maxsize=2_048)(read)


def _is_likely(look: Look, known: set[int]) -> bool:
    """Whether so much of it is known that it is worth to be read."""
    found = [place for place, value in enumerate(look.hashes) if value in known]
    if look.is_sample:
        return len(found) >= len(look.hashes) * _PERHAPS
    covered = {place + step for place in found for step in range(3)}
    count = len(look.hashes) + 2
    if len(covered) >= count * _LIKELY:
        return True
    if len(covered) < count * _PERHAPS:
        return False
    framing = read(look.item.content).framing
    return len(covered - framing) >= (count - len(framing)) * _LIKELY


def _origin(item: NewMemory, text: Text, known: Sequence[_Known]) -> _Known | None:
    sources = [each.source for each in known]
    place = origin(text, sources)
    if place is None and _asks(item):
        place = same(text, sources)
    if place is None:
        return None
    # What happens again is told again.
    again = item.kind is Kind.EVENT and item.occurred_at is not None and item.occurred_at != known[place].occurred_at
    return None if again and not _answers(item) and not _asks(item) else known[place]


def _answers(item: NewMemory) -> bool:
    """A model's answer, told out of the memory, is no event of its own, whenever it was given."""
    return item.source == CAPTURED and item.metadata.get("role") == "assistant"


def _asks(item: NewMemory) -> bool:
    """Neither is a question that was asked before."""
    return item.source == CAPTURED and not _answers(item) and item.content.rstrip().endswith(("?", "？"))


def _sample(text: str, least: int = 3) -> tuple[tuple[int, ...], bool]:
    """Hashes, and whether they are only some of the text's."""
    found = words(text)
    if len(found) < least:
        return (), False
    hashes = shingles(found)
    step = -(-len(hashes) // _MOST_ASKED)
    return tuple(hashes[::step]), step > 1
