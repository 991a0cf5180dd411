"""Forgetting, for good: the words, and everything that was made of them.

Vectors, postings (those of the next turn, too, which is found by what came before it), evidence and the words that
patterns took from it, what a model said of it, answers kept for replay and, when told to, what was sent of it in
conversations. What is left is that it was, and when it went.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from athena.errors import NotFound
from athena.memory.identity import speaker
from athena.memory.names import Names
from athena.memory.ports import Sent, Wake
from athena.memory.rows import scope_parameters, uid_of
from athena.memory.types import Filter, Forgotten
from athena.memory.weaken import Fate, fate
from athena.store.pool import Database
from athena.store.sql import statements

if TYPE_CHECKING:
    import uuid

    from athena.store.pool import Connection

_SQL = statements("forget")
_EXPIRED_AT_ONCE = 500
_TEXTS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class _Plan:
    """`doomed`: ids of all rows that go. `gone`: uids of what was asked for. `weaker`: patterns that stay, changed;
    `fallen`: uids of those that go for want of evidence, `current` ones only."""

    doomed: list[int]
    gone: list[uuid.UUID]
    weaker: list[Fate]
    fallen: list[str]


class Forgetter:
    """Each verb is one transaction. `sent`: the ledger of what was sent, if there is one."""

    def __init__(
        self,
        database: Database,
        wake: Wake,
        notify: Callable[[], None],
        names: Names | None = None,
        sent: Sent | None = None,
    ) -> None:
        self._database = database
        self._wake = wake
        self._notify = notify
        self._names = names or Names()
        self._sent = sent

    async def forget(self, ids: Sequence[str], *, project: str | None = None, ledger: bool = False) -> Forgotten:
        """These memories with all their versions, for good. Ids that aren't there, or not in `project`:
        `NotFound`, and nothing is forgotten. A pattern that is named isn't found again from the same events."""
        uids = [uid_of(id) for id in ids]

        async def once(connection: Connection) -> Forgotten:
            lineages = [row["lineage"] for row in await connection.fetch(_SQL["lineages_of"], uids, project)]
            rows = await _locked(connection, lineages)
            known = {row["uid"] for row in rows}
            unknown = [str(uid) for uid in uids if uid not in known]
            if unknown:
                raise NotFound(f"there is no memory {unknown[0]!r}")
            await connection.execute(_SQL["reject"], [row["id"] for row in rows])
            return await self._carry_out(connection, await _plan(connection, rows), ledger=ledger)

        forgotten = await self._database.in_transaction(once)
        self._notify()
        return forgotten

    async def forget_where(
        self,
        where: Filter,
        *,
        query: str | None = None,
        limit: int = 1000,
        dry_run: bool = True,
        ledger: bool = False,
    ) -> Forgotten:
        """What the filter finds and, with `query`, holds every word of it; at most `limit` memories."""

        async def once(connection: Connection) -> Forgotten:
            scope = await scope_parameters(connection, where, self._names, everything=True)
            if scope is None:
                return Forgotten((), 0, dry_run)
            found = await connection.fetch(_SQL["lineages_in_scope"], *scope, query, limit)
            lineages = [row["lineage"] for row in found]
            if dry_run:
                plan = await _plan(connection, await connection.fetch(_SQL["versions"], lineages))
                return await self._foreseen(connection, plan, ledger=ledger)
            plan = await _plan(connection, await _locked(connection, lineages))
            return await self._carry_out(connection, plan, ledger=ledger)

        forgotten = await self._database.in_transaction(once)
        if not dry_run:
            self._notify()
        return forgotten

    async def expire(self) -> int:
        """Forget what was to be kept only until now. How many versions that were."""

        async def once(connection: Connection) -> int:
            rows = await connection.fetch(_SQL["expired"], _EXPIRED_AT_ONCE)
            doomed = {row["id"] for row in rows}
            lines = await _locked(connection, [row["lineage"] for row in rows if row["is_newest"]])
            doomed |= {row["id"] for row in lines}
            plan = await _plan(connection, await connection.fetch(_SQL["lock"], list(doomed)))
            return (await self._carry_out(connection, plan, ledger=False)).count if doomed else 0

        total = 0
        while count := await self._database.in_transaction(once):
            total += count
        if total:
            self._notify()
        return total

    async def _foreseen(self, connection: Connection, plan: _Plan, *, ledger: bool) -> Forgotten:
        decisions = await self._unsend(connection, plan.doomed, dry_run=True) if ledger else 0
        return _told(plan, decisions, dry_run=True)

    async def _carry_out(self, connection: Connection, plan: _Plan, *, ledger: bool) -> Forgotten:
        if not plan.doomed:
            return _told(plan, 0, dry_run=False)
        decisions = await self._unsend(connection, plan.doomed, dry_run=False) if ledger else 0
        await connection.execute(_SQL["relink_twins"], plan.doomed)
        after = [row["id"] for row in await connection.fetch(_SQL["after"], plan.doomed)]
        gone = [row["uid"] for row in await connection.fetch(_SQL["forget"], plan.doomed)]
        for name in ("forget_answers", "forget_verdicts", "forget_letters"):
            await connection.execute(_SQL[name], gone)
        await connection.execute(_SQL["forget_described"], [*gone, *(each.uid for each in plan.weaker)])
        reworded = await self._weaken(connection, plan.weaker)
        if again := [*after, *reworded]:
            await connection.execute(_SQL["unpost"], again)
            await connection.execute(_SQL["post_again"], again)
        return _told(plan, decisions, dry_run=False)

    async def _weaken(self, connection: Connection, weaker: Sequence[Fate]) -> list[int]:
        """The ids of patterns that say something else now."""
        reworded = []
        for each in weaker:
            await connection.execute(_SQL["describe"], each.id, each.metadata)
            if each.content is not None:
                await connection.execute(_SQL["reword"], each.id, each.content, each.fingerprint, each.speaker)
                reworded.append(each.id)
        if reworded:
            await self._wake(connection)
        return reworded

    async def _unsend(self, connection: Connection, doomed: Sequence[int], *, dry_run: bool) -> int:
        """How many decisions about what is sent hold any of these texts and go, or would."""
        if self._sent is None:
            return 0
        count = 0
        for start in range(0, len(doomed), _TEXTS_AT_ONCE):
            by_project: dict[str, list[str]] = {}
            for row in await connection.fetch(_SQL["texts"], doomed[start : start + _TEXTS_AT_ONCE]):
                by_project.setdefault(row["project"], []).append(_said(row["content"]))
            for project, texts in by_project.items():
                count += await self._sent.forget_texts(connection, project, texts, dry_run=dry_run)
        return count


async def _locked(connection: Connection, lineages: Sequence[uuid.UUID]) -> list[Any]:
    """All versions. One that was written while another was waited for is seen only by the next look."""
    rows: list[Any] = []
    while len(more := await connection.fetch(_SQL["lock_versions"], lineages)) > len(rows):
        rows = more
    return rows


async def _plan(connection: Connection, rows: Sequence[Any]) -> _Plan:
    """What goes with these, and what is changed by it: patterns that go may be evidence themselves."""
    doomed = {row["id"] for row in rows}
    fallen: dict[str, None] = {}
    while True:
        fates = [fate(row) for row in await connection.fetch(_SQL["weakened"], list(doomed))]
        more: set[int] = set()
        for each in fates:
            falls = each.becomes == "forgotten" or await _is_said_already(connection, each, doomed)
            if falls and each.is_current:
                fallen[each.uid] = None
            if falls:
                more.add(each.id)
            if (falls and each.is_current) or each.content is not None:
                # Its older versions may be in the same words.
                line = await connection.fetch(_SQL["line_of_pattern"], each.lineage, falls)
                more.update(row["id"] for row in line)
        if more <= doomed:
            return _Plan(sorted(doomed), [row["uid"] for row in rows], fates, list(fallen))
        doomed |= more


async def _is_said_already(connection: Connection, each: Fate, doomed: Collection[int]) -> bool:
    if each.content is None or each.id in doomed:
        return False
    return bool(await connection.fetchval(_SQL["same_words"], each.project_id, each.fingerprint, each.id))


def _said(content: str) -> str:
    """Without the label that a turn is remembered under: it was sent without."""
    label = speaker(content)
    return content[len(label) + 1 :].lstrip() if label else content


def _told(plan: _Plan, decisions: int, *, dry_run: bool) -> Forgotten:
    return Forgotten(
        ids=tuple(map(str, plan.gone)),
        count=len(plan.gone),
        dry_run=dry_run,
        patterns_weaker=tuple(each.uid for each in plan.weaker if each.is_current),
        patterns_forgotten=tuple(plan.fallen),
        decisions=decisions,
    )
