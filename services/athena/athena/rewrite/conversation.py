"""Rewrite a conversation before it is sent, so that request n stays a prefix of request n+1.

    the rewriting of a prefix is a prefix of the rewriting, in canonical form

holds because each text's fate depends only on the conversation up to it, and is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from athena.errors import StoreUnavailable
from athena.rewrite.canonical import Message, Unit, last_question, replaced, units
from athena.rewrite.ledger import Decision, Ledger, Owner
from athena.rewrite.ports import Shorten


@dataclass(frozen=True, slots=True)
class Rewritten:
    """`saved_characters` counts all texts of this request, `shortened` those decided now."""

    messages: list[Message]
    replayed: int
    shortened: int
    saved_characters: int


class Rewriter:
    """Decides through a `Shorten` and replays from the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def rewrite(self, owner: Owner, messages: Sequence[Message], shorten: Shorten | None) -> Rewritten:
        """What to send. Decisions are committed when this returns. `shorten` decides about new texts; None leaves
        them alone, and what was decided before is replayed all the same.

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
            return Rewritten(list(messages), 0, 0, 0)
        undecided = [unit for unit in found if unit.key not in known]
        replayed = list(known)
        decisions = await _decisions(undecided, last_question(messages), shorten)
        if decisions:
            # From here on there is no way back to the original: it may have been decided already.
            known |= await self._ledger.decide(owner, decisions)
        with contextlib.suppress(StoreUnavailable):
            await self._ledger.touch(owner, replayed)
        return _applied(messages, found, known, undecided)

    async def preview(self, owner: Owner, messages: Sequence[Message], shorten: Shorten | None) -> Rewritten:
        """What `rewrite` would send, without deciding anything: for counting tokens."""
        found = units(messages)
        known = await self._ledger.read(owner, [unit.key for unit in found])
        undecided = [unit for unit in found if unit.key not in known]
        decisions = await _decisions(undecided, last_question(messages), shorten)
        known |= {decision.unit.key: decision.replacement for decision in decisions}
        return _applied(messages, found, known, undecided)


async def _decisions(undecided: Sequence[Unit], query: str, shorten: Shorten | None) -> list[Decision]:
    """New texts may be shortened; one that has been answered was sent as it is, and stays so."""
    decisions: dict[bytes, Decision] = {}
    # All at once: each may wait for models, and the request waits for them together.
    wanted = [shorten(unit, query) if shorten is not None and unit.is_new else _nothing() for unit in undecided]
    for unit, shorter in zip(undecided, await asyncio.gather(*wanted), strict=True):
        if shorter is None or len(shorter.text) >= len(unit.text):
            decisions[unit.key] = Decision(unit, None)
        else:
            decisions[unit.key] = Decision(unit, shorter.text, shorter.elisions)
    return list(decisions.values())


async def _nothing() -> None:
    return None


def _has_history(messages: Sequence[Message]) -> bool:
    return any(message.get("role") not in ("user", "system", "developer") for message in messages)


def _applied(
    messages: Sequence[Message], found: Sequence[Unit], known: dict[bytes, str | None], undecided: Sequence[Unit]
) -> Rewritten:
    texts = {unit.path: text for unit in found if (text := known.get(unit.key)) is not None}
    new = {unit.path for unit in undecided}
    return Rewritten(
        messages=replaced(messages, texts),
        replayed=sum(path not in new for path in texts),
        shortened=sum(path in new for path in texts),
        saved_characters=sum(len(unit.text) - len(texts[unit.path]) for unit in found if unit.path in texts),
    )
