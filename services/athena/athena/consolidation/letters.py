"""What the local model said, kept; and what could not be used, with the reason: the dead letters."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from athena.consolidation.types import PatternType, Proposal, Refusal, Verdict
from athena.errors import NotFound
from athena.store.pool import Database
from athena.store.sql import statements

_SQL = statements("runs")
# So many claims of one sort tell enough.
_TOLD = 3


@dataclass(frozen=True, slots=True)
class Letter:
    """`memories`: what it was about. `not_before` None: not tried again by itself, left for a person."""

    id: int
    project: str
    run_id: int | None
    code: str
    reason: str
    memories: tuple[str, ...]
    attempts: int
    not_before: datetime | None
    created_at: datetime
    last_at: datetime


class Letters:
    """Verdicts by the cluster's key, and the dead letters of a project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def verdict(self, project: int, key: bytes) -> Verdict | None:
        async with self._database.acquire() as connection:
            kept = await connection.fetchval(_SQL["verdict"], project, key)
        return None if kept is None else _verdict(json.loads(kept))

    async def waits(self, project: int, key: bytes) -> bool:
        """Whether this failed before, and isn't to be tried now."""
        async with self._database.acquire() as connection:
            return bool(await connection.fetchval(_SQL["letter_waits"], project, key))

    async def keep(self, project: int, run: int, key: bytes, memories: Sequence[str], verdict: Verdict) -> None:
        """What is final is kept and not asked again; what may come right is tried again later."""
        about = [uuid.UUID(each) for each in memories]
        async with self._database.transaction() as connection:
            if await connection.fetchval(_SQL["hold"], about) < len(about):
                # Forgotten while the model was asked: nothing that was said of it is kept.
                return
            for refusal in _by_code(verdict.refusals):
                # A reason may quote any of the cluster: it goes when any of them is forgotten.
                first = [uuid.UUID(each) for each in refusal.event_ids]
                named = [*first, *(each for each in about if each not in first)]
                await connection.execute(
                    _SQL["post_letter"], project, run, key, refusal.code, refusal.reason, named, refusal.retry
                )
            await connection.execute(_SQL["settle_letters"], project, key, [r.code for r in verdict.refusals])
            if not any(refusal.retry for refusal in verdict.refusals):
                said = json.dumps({"proposals": [asdict(each) for each in verdict.proposals]})
                await connection.execute(_SQL["keep_verdict"], project, key, said, about)

    async def tidy(self, project: int) -> None:
        """Let go of what was said long ago, of clusters that may have changed since."""
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["drop_old"], project)

    async def list(self, project: str | None, *, before: int | None = None, limit: int = 20) -> list[Letter]:
        """Newest first."""
        async with self._database.acquire() as connection:
            return [_letter(row) for row in await connection.fetch(_SQL["letters"], project, before, limit)]

    async def retry(self, letter: int) -> None:
        """The next run tries it again, whatever the model said before."""
        await self._known(letter)
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["retry_letter"], letter)

    async def drop(self, letter: int) -> None:
        await self._known(letter)
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["drop_letter"], letter)

    async def _known(self, letter: int) -> None:
        async with self._database.acquire() as connection:
            if await connection.fetchval(_SQL["letter"], letter) is None:
                raise NotFound(f"there is no dead letter {letter}", hint="athena consolidate letters")


def _by_code(refusals: Sequence[Refusal]) -> list[Refusal]:
    """One letter for each sort of reason, however many claims had it."""
    by_code: dict[str, list[Refusal]] = {}
    for each in refusals:
        by_code.setdefault(each.code, []).append(each)
    return [
        Refusal(
            code,
            "; ".join(dict.fromkeys(each.reason for each in same[:_TOLD])),
            tuple(dict.fromkeys(event for each in same for event in each.event_ids)),
            any(each.retry for each in same),
        )
        for code, same in by_code.items()
    ]


def _verdict(said: Mapping[str, Any]) -> Verdict:
    return Verdict(tuple(Proposal(**{**each, "type": PatternType(each["type"])}) for each in said["proposals"]))


def _letter(row: Mapping[str, Any]) -> Letter:
    return Letter(
        id=row["id"],
        project=row["project"],
        run_id=row["run_id"],
        code=row["code"],
        reason=row["reason"],
        memories=tuple(str(each) for each in row["memories"]),
        attempts=row["attempts"],
        not_before=row["not_before"],
        created_at=row["created_at"],
        last_at=row["last_at"],
    )


def contradiction(proposal: Proposal) -> Refusal:
    """A model's word alone ends nothing's truth: a person decides."""
    events = tuple(each for each in (proposal.old, proposal.new) if each is not None)
    return Refusal("contradiction", f"the model sees a contradiction: {proposal.statement}", events, retry=False)
