"""A run's changes to the memory, each with its record in the same transaction."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from athena.consolidation.finding import Contradiction, Finding
from athena.consolidation.ports import Bank, NewPattern
from athena.consolidation.reconcile import Known, Step
from athena.consolidation.types import PatternType
from athena.errors import Conflict
from athena.store.sql import statements

if TYPE_CHECKING:
    from athena.store.pool import Connection

_SQL = statements("consolidation")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the record. `subject`, `object`: ids of memories. `before`, `after`: no sentence of theirs."""

    action: str
    subject: str
    object: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


class Pen:
    """Writes what one run decides. Every method is a transaction of its own and gives what it changed."""

    def __init__(self, bank: Bank, project: str, run: int) -> None:
        self._bank = bank
        self._project = project
        self._run = run

    async def carry_out(self, steps: Sequence[Step]) -> list[Entry]:
        async def once(connection: Connection) -> list[Entry]:
            done: list[Entry] = []
            await self._check(connection)
            for step in steps:
                if not await _are_there(connection, step.finding.evidence):
                    # Forgotten while it was thought about: what the next run finds is without it.
                    continue
                if step.known is None:
                    done += await self._conclude(connection, step.finding)
                else:
                    done += await self._strengthen(connection, step.known, step)
            await self._record(connection, done)
            return done

        return await self._bank.database.in_transaction(once)

    async def settle(self, contradiction: Contradiction) -> list[Entry]:
        """What is true no longer is closed, and what rests on it closed or questioned."""

        async def once(connection: Connection) -> list[Entry]:
            old = [contradiction.old, *contradiction.also]
            await self._check(connection)
            if not await connection.fetchval(_SQL["stands"], contradiction.new, contradiction.at):
                return []
            done = await self._take_at_their_word(connection, contradiction)
            done += await self._close(connection, contradiction, old) if contradiction.closes else []
            done += await self._review(connection, contradiction, old)
            await self._record(connection, done)
            return done

        return await self._bank.database.in_transaction(once)

    async def link(self, twins: Iterable[tuple[str, str, float]]) -> list[Entry]:
        pairs = list(twins)

        async def once(connection: Connection) -> list[Entry]:
            await self._check(connection)
            columns = [list(column) for column in zip(*pairs, strict=True)] or [[], [], []]
            rows = await connection.fetch(_SQL["link_twins"], *columns)
            done = [Entry("twinned", str(row["uid"]), str(row["original"])) for row in rows]
            await self._record(connection, done)
            return done

        return await self._bank.database.in_transaction(once) if pairs else []

    async def _conclude(self, connection: Connection, finding: Finding) -> list[Entry]:
        uid = await self._bank.put(connection, _pattern(self._project, finding, len(finding.evidence)))
        if uid is None:
            # Somebody remembered these very words: they are theirs.
            return []
        await connection.execute(_SQL["mark_derived"], [uid])
        await self._support(connection, str(uid), finding, finding.evidence)
        return [Entry("concluded", str(uid))]

    async def _strengthen(self, connection: Connection, known: Known, step: Step) -> list[Entry]:
        row = await connection.fetchrow(_SQL["lock_pattern"], known.uid)
        if row is None or row["superseded_by"] is not None:
            return []
        added = await self._support(connection, known.uid, step.finding, step.added)
        done = [Entry("supported", known.uid, each) for each in added]
        before = json.loads(row["metadata"])
        support = len(known.evidence) + len(added)
        if step.refines and row["valid_until"] is None:
            new = _pattern(self._project, step.finding, support)
            successor = await self._bank.refine(connection, uuid.UUID(known.uid), new)
            if successor is not None:
                await connection.execute(_SQL["mark_derived"], [successor])
                await connection.execute(_SQL["copy_evidence"], known.uid, successor)
                return [*done, Entry("refined", str(successor), known.uid, {"valid_until": _iso(row["valid_until"])})]
        if added:
            kept = {**before.get("pattern", {}), **step.finding.statistics, "support": support}
            after = {**before, "pattern": kept}
            await connection.execute(_SQL["describe"], known.uid, json.dumps(after))
            done.append(Entry("described", known.uid, None, before, after))
        if row["valid_until"] is not None and step.finding.last > row["valid_until"]:
            # What no longer held is said again.
            await connection.execute(_SQL["reopen_pattern"], known.uid)
            was = {"valid_until": _iso(row["valid_until"]), "superseded_by": None}
            done.append(Entry("reopened", known.uid, None, was, {"valid_until": None, "superseded_by": None}))
        return done

    async def _support(self, connection: Connection, uid: str, finding: Finding, events: Iterable[str]) -> list[str]:
        wanted = list(events)
        rows = await connection.fetch(_SQL["add_evidence"], uid, wanted, [finding.evidence[each] for each in wanted])
        return [str(row["uid"]) for row in rows]

    async def _close(self, connection: Connection, found: Contradiction, old: list[str]) -> list[Entry]:
        done = []
        for row in await connection.fetch(_SQL["closable"], old, found.at, uuid.UUID(found.new)):
            until = await connection.fetchval(_SQL["close"], row["uid"], found.at, found.new)
            before = {"valid_until": _iso(row["valid_until"]), "superseded_by": None}
            after = {"valid_until": _iso(until), "superseded_by": found.new}
            done.append(Entry("closed", str(row["uid"]), found.new, before, after))
        return done

    async def _take_at_their_word(self, connection: Connection, found: Contradiction) -> list[Entry]:
        """A person says that it was no change: it isn't told any more."""
        done = []
        for row in await connection.fetch(_SQL["refuted"], found.old, found.new):
            until = await connection.fetchval(_SQL["close_pattern"], row["uid"], datetime.now(UTC))
            before = {"valid_until": None, "superseded_by": None}
            done.append(
                Entry("closed", str(row["uid"]), None, before, {"valid_until": _iso(until), "superseded_by": None})
            )
        return done

    async def _review(self, connection: Connection, found: Contradiction, old: list[str]) -> list[Entry]:
        """A pattern in the words of what no longer holds ends with it; what else rests on it is for a person to see."""
        done = []
        for row in await connection.fetch(_SQL["resting_on"], old, found.at):
            uid = str(row["uid"])
            if row["type"] == PatternType.CHANGE:
                continue
            if row["on_them"]:
                until = await connection.fetchval(_SQL["close_pattern"], uid, found.at)
                before = {"valid_until": _iso(row["valid_until"]), "superseded_by": None}
                done.append(Entry("closed", uid, None, before, {"valid_until": _iso(until), "superseded_by": None}))
            elif await connection.fetchval(_SQL["question"], uid, found.old):
                done.append(Entry("questioned", uid, found.old))
        return done

    async def _check(self, connection: Connection) -> None:
        """Raises `Conflict` where the run was taken from us: its lock is lost with a connection."""
        if not await connection.fetchval(_SQL["goes_on"], self._run):
            raise Conflict(f"run {self._run} was ended by somebody else", hint="athena consolidate runs")

    async def _record(self, connection: Connection, done: Sequence[Entry]) -> None:
        if done:
            rows = [(e.action, e.subject, e.object, _json(e.before), _json(e.after)) for e in done]
            await connection.execute(_SQL["record"], self._run, *(list(column) for column in zip(*rows, strict=True)))


async def _are_there(connection: Connection, events: Iterable[str]) -> bool:
    """All of them; nobody forgets one before the transaction ends."""
    wanted = list(events)
    return int(await connection.fetchval(_SQL["hold"], wanted)) == len(wanted)


def _pattern(project: str, finding: Finding, support: int) -> NewPattern:
    described = {
        "type": str(finding.type),
        **finding.statistics,
        "support": support,
        "rhythm": finding.rhythm,
        "confidence": finding.confidence,
        "exemplar": finding.exemplar,
        "by": finding.by,
    }
    return NewPattern(
        project=project,
        user_id=finding.user_id,
        agent_id=finding.agent_id,
        content=finding.content,
        is_fact=finding.type is PatternType.FACT,
        first=finding.first,
        last=finding.last,
        importance=round(0.5 + 0.4 * finding.confidence, 3),
        metadata={"pattern": described},
    )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value)
