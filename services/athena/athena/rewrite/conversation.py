"""Rewrite a conversation before it is sent, so that request n stays a prefix of request n+1.

    the rewriting of a prefix is a prefix of the rewriting, in canonical form

holds because each text's fate depends only on the conversation up to it, and is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from athena.compression import Elision
from athena.core.marked import mark_at_end
from athena.errors import StoreUnavailable
from athena.rewrite.canonical import Message, Unit, last_question, replaced, texts_of, units
from athena.rewrite.ledger import Decision, Ledger, Owner
from athena.rewrite.person import Person, newest
from athena.rewrite.ports import Join, Joined, Shorten


@dataclass(frozen=True, slots=True)
class Rewritten:
    """`saved_characters` counts all texts of this request, `shortened` those decided now.

    `memory_characters`: recalled notes in all texts of this request, which `saved_characters` leaves out of
    account. `memory`: in a few words, what became of memory in this turn and why.
    """

    messages: list[Message]
    replayed: int
    shortened: int
    saved_characters: int
    memory_characters: int = 0
    memory: str = "off"


@dataclass(frozen=True, slots=True)
class _Turn:
    """What is decided in one request: the texts that have no decision yet, and whom memory may join."""

    undecided: list[Unit]
    person: Person | None
    memory: str


class Rewriter:
    """Decides through a `Shorten` and replays from the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def rewrite(
        self,
        owner: Owner,
        messages: Sequence[Message],
        shorten: Shorten | None,
        join: Join | None = None,
        request_class: str = "main",
    ) -> Rewritten:
        """What to send. Decisions are committed when this returns. `shorten` decides about new texts, `join` about
        what is recalled beside a person's newest words; None leaves them alone, and what was decided before is
        replayed all the same. `request_class`: who on the client's side asks.

        With the ledger away: a conversation without history goes out as it is; one with a
        history raises `StoreUnavailable`, for other bytes than before would break its
        thinking blocks and its cache.
        """
        found = units(messages)
        try:
            known = await self._ledger.read(owner, [unit.key for unit in found])
        except StoreUnavailable:
            if _has_history(messages):
                raise
            return Rewritten(list(messages), 0, 0, 0, memory="ledger away" if join else "off")
        replayed = list(known)
        turn = _turn(messages, found, known, join, request_class)
        decisions, memory = await _decisions(messages, turn, known, shorten, join)
        if decisions:
            # From here on there is no way back to the original: it may have been decided already.
            known |= await self._ledger.decide(owner, decisions)
        with contextlib.suppress(StoreUnavailable):
            await self._ledger.touch(owner, replayed)
        return _applied(messages, found, known, turn, memory)

    async def preview(
        self,
        owner: Owner,
        messages: Sequence[Message],
        shorten: Shorten | None,
        join: Join | None = None,
        request_class: str = "main",
    ) -> Rewritten:
        """What `rewrite` would send, without deciding anything: for counting tokens."""
        found = units(messages)
        try:
            known = await self._ledger.read(owner, [unit.key for unit in found])
        except StoreUnavailable:
            if _has_history(messages):
                raise
            known = {}
        turn = _turn(messages, found, known, join, request_class)
        decisions, memory = await _decisions(messages, turn, known, shorten, join)
        known |= {decision.unit.key: decision.replacement for decision in decisions}
        return _applied(messages, found, known, turn, memory)


def _turn(
    messages: Sequence[Message],
    found: Sequence[Unit],
    known: dict[bytes, str | None],
    join: Join | None,
    request_class: str,
) -> _Turn:
    undecided = [unit for unit in found if unit.key not in known]
    if join is None:
        return _Turn(undecided, None, "off")
    person = newest(messages, request_class)
    if person is None:
        return _Turn(undecided, None, "nobody spoke")
    if not any(unit.path == person.path and unit.is_new for unit in undecided):
        return _Turn(undecided, None, "decided before")
    return _Turn(undecided, person, "")


async def _decisions(
    messages: Sequence[Message],
    turn: _Turn,
    known: dict[bytes, str | None],
    shorten: Shorten | None,
    join: Join | None,
) -> tuple[list[Decision], str]:
    """New texts may be shortened; one that has been answered was sent as it is, and stays so."""
    query = last_question(messages)
    # All at once: each may wait for models, and the request waits for them together.
    wanted = [shorten(unit, query) if shorten is not None and unit.is_new else _nothing() for unit in turn.undecided]
    joined, shorter = await asyncio.gather(_joined(messages, turn, known, join), asyncio.gather(*wanted))
    decisions: dict[bytes, Decision] = {}
    for unit, short in zip(turn.undecided, shorter, strict=True):
        text, elisions = unit.text, tuple[Elision, ...]()
        if short is not None and len(short.text) < len(unit.text):
            text, elisions = short.text, short.elisions
        if joined.text and turn.person is not None and unit.path == turn.person.path:
            text += joined.text
        decisions[unit.key] = Decision(unit, None if text == unit.text else text, elisions)
    return list(decisions.values()), joined.reason


async def _joined(
    messages: Sequence[Message], turn: _Turn, known: dict[bytes, str | None], join: Join | None
) -> Joined:
    if join is None or turn.person is None:
        return Joined("", turn.memory)
    said = [*texts_of(messages[: int(turn.person.path[0])]), *(text for text in known.values() if text)]
    joined = await join(turn.person, said)
    text = next(unit.text for unit in turn.undecided if unit.path == turn.person.path)
    # PostgreSQL couldn't keep it, so the next request couldn't repeat it.
    return joined if _is_storable(text + joined.text) else Joined("", "the text can't be stored")


async def _nothing() -> None:
    return None


def _is_storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _has_history(messages: Sequence[Message]) -> bool:
    return any(message.get("role") not in ("user", "system", "developer") for message in messages)


def _applied(
    messages: Sequence[Message],
    found: Sequence[Unit],
    known: dict[bytes, str | None],
    turn: _Turn,
    memory: str,
) -> Rewritten:
    texts = {unit.path: text for unit in found if (text := known.get(unit.key)) is not None}
    notes = {path: len(mark_at_end(text)) for path, text in texts.items()}
    before = {unit.path: len(unit.text) for unit in found}
    saved = {path: before[path] - len(text) + notes[path] for path, text in texts.items()}
    new = {unit.path for unit in turn.undecided}
    return Rewritten(
        messages=replaced(messages, texts),
        replayed=sum(path not in new for path in texts),
        shortened=sum(path in new and characters > 0 for path, characters in saved.items()),
        saved_characters=sum(saved.values()),
        memory_characters=sum(notes.values()),
        memory=memory,
    )
