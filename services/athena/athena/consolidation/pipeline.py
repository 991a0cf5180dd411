"""`ConsolidationPipeline`: events in, patterns out; and whole runs over what a project remembers.

pipeline = ConsolidationPipeline(db=await athena.connect(), llm_client=LocalLLMClient())
patterns = await pipeline.extract_patterns(events)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from athena.consolidation import apart, given
from athena.consolidation.fast import analyse
from athena.consolidation.finding import Doubt, Finding, Report, proposed, report
from athena.consolidation.letters import Letters, contradiction
from athena.consolidation.ports import Bank, Model
from athena.consolidation.reconcile import Known, steps
from athena.consolidation.runs import Run, Runs
from athena.consolidation.slow import VERSION, Slow
from athena.consolidation.types import PatternType, Verdict
from athena.consolidation.write import Pen
from athena.errors import AthenaError, NotFound
from athena.store.sql import statements

Progress = Callable[[str, int, int], Awaitable[None]]
Began = Callable[[int], Awaitable[None]]

_SQL = statements("consolidation")
_BATCH = 50
# Vectors come several a second, or not at all.
_PATIENCE_S, _LOOK_S = 5.0, 0.25
# A small model reads a cluster in a minute or so. What is left waits for the next run.
ASKING_S = 3600.0
# Codes that say that no model answers at all: the others need not be tried now.
_AWAY = ("unavailable",)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pattern:
    """What `extract_patterns` gives. `quotes`: for each event id the words that speak for the statement; `by`: fast
    (statistics alone) or slow (a model proposed it, and the events bear it out)."""

    type: PatternType
    statement: str
    event_ids: tuple[str, ...]
    quotes: Mapping[str, str]
    support: int
    confidence: float
    statistics: Mapping[str, Any]
    by: str

    @property
    def content(self) -> str:
        """The statement as it is remembered."""
        rhythm = self.statistics.get("rhythm")
        return f"{self.statement} ({rhythm})" if rhythm else self.statement


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do. `patterns`: content and support of those it would conclude, `strengthened` and
    `contradictions`: how many; nothing was written, no model asked."""

    events: int
    patterns: tuple[Mapping[str, Any], ...]
    strengthened: int
    contradictions: tuple[Mapping[str, str], ...]
    twins: int
    doubts: int


class ConsolidationPipeline:
    """`db`: what `athena.connect` gives. `llm_client`: the local models; None, or with no reasoning server behind it,
    the fast system works alone. `asking_s`: for how long a run may ask; 0: not at all."""

    def __init__(self, db: Bank, llm_client: Model | None = None, *, asking_s: float = ASKING_S) -> None:
        self._bank = db
        self._model = llm_client
        self._asking_s = asking_s
        self._analysing = asyncio.Semaphore(1)
        self.runs = Runs(db.database)
        self.letters = Letters(db.database)

    async def extract_patterns(self, events: Sequence[given.Given], *, asking_s: float | None = None) -> list[Pattern]:
        """The patterns in these events, surest first. Nothing is stored.

        An event is a text, a mapping (`content`, and any of `id`, `occurred_at`, `session_id`, `user_id`, `agent_id`,
        `memory_type`), or an object with such attributes, a memory for instance. Without a time, events are taken to be
        a day apart, in order. With the embedding server away words alone decide; with the reasoning server away
        nothing is asked; nor is it for longer than `asking_s`. Raises `InvalidInput`.
        """
        columns, owners = await given.columns(events, self._model)
        found = report(columns, owners, await asyncio.to_thread(analyse, columns))
        findings = list(found.findings)
        seconds = self._asking_s if asking_s is None else min(asking_s, self._asking_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for more in self._opinions(found.doubts if seconds > 0 else ()):
                    findings += more
        return sorted(map(_pattern, findings), key=lambda each: (-each.confidence, -each.support, each.statement))

    async def _opinions(self, doubts: Sequence[Doubt]) -> AsyncIterator[list[Finding]]:
        if self._model is None:
            return
        slow = Slow(self._model)
        for doubt in doubts:
            verdict = await slow.judge(doubt.evidence, statement=doubt.finding.statement)
            yield _findings(doubt, verdict)
            if any(refusal.code in _AWAY for refusal in verdict.refusals):
                return

    async def preview(self, project: str) -> Preview:
        """What a run would change, without changing it. Raises `NotFound`, `StoreUnavailable`."""
        number = await self._project(project)
        found = await self._analysed(number)
        todo = steps(found.findings, *await self._known(number))
        new = [step for step in todo if step.known is None]
        async with self._bank.database.acquire() as connection:
            olds = [each.old for each in found.contradictions if each.closes]
            standing = {row["uid"] for row in await connection.fetch(_SQL["still_open"], olds)}
            linked = await connection.fetchval(_SQL["linked"], [uid for uid, _, _ in found.twins])
        return Preview(
            events=found.events,
            patterns=tuple({"content": s.finding.content, "support": len(s.finding.evidence)} for s in new),
            strengthened=len(todo) - len(new),
            contradictions=tuple(
                {"old": c.old, "new": c.new, "about": c.about} for c in found.contradictions if c.old in standing
            ),
            twins=len(found.twins) - linked,
            doubts=len(found.doubts),
        )

    async def run(
        self, project: str, *, cause: str = "asked", progress: Progress | None = None, began: Began | None = None
    ) -> Run:
        """Consolidate what `project` remembers; the run that was made. One that was interrupted is taken up again.
        `began` is told the run's number.

        Raises `NotFound` for a project nobody has written to, `Conflict` while another run is under way.
        """
        number = await self._project(project)
        async with self.runs.holding(number):
            run = await self.runs.begin(number, cause)
            if began is not None:
                await began(run)
            say = _saying(self.runs, run, progress)
            try:
                counts = await self._consolidate(project, number, run, say)
            except AthenaError as exc:
                await self.runs.end(run, "failed", {}, exc.message)
                raise
            except Exception as exc:
                await self.runs.end(run, "failed", {}, type(exc).__name__)
                raise
            await self.runs.end(run, "done", counts)
        return await self.runs.get(run)

    async def _consolidate(self, project: str, number: int, run: int, say: Progress) -> dict[str, Any]:
        await self._wait_for_vectors(number, say)
        await say("reading", 0, 0)
        async with self._bank.database.acquire() as connection:
            newest = await connection.fetchval(_SQL["newest"], number)
        found = await self._analysed(number)
        pen = Pen(self._bank, project, run)
        await self._carry_out(pen, number, found.findings, say)
        # Of a value that changed twice, the first change first.
        for done, each in enumerate(sorted(found.contradictions, key=lambda each: each.at)):
            await pen.settle(each)
            await say("contradictions", done + 1, len(found.contradictions))
        for start in range(0, len(found.twins), 1000):
            await pen.link(found.twins[start : start + 1000])
        asked = await self._ask(pen, number, run, found, say)
        await self.letters.tidy(number)
        read = {"events": found.events, "without_vector": found.blind, "newest": newest}
        return {**read, **asked, "seconds": dict(found.seconds)}

    async def _wait_for_vectors(self, number: int, say: Progress) -> None:
        """As long as they come: what has none is compared by its words alone."""
        last, since, most = -1, time.monotonic(), 0
        while True:
            async with self._bank.database.acquire() as connection:
                waiting = int(await connection.fetchval(_SQL["waiting"], number))
            if waiting != last:
                last, since = waiting, time.monotonic()
            if waiting == 0 or time.monotonic() - since > _PATIENCE_S:
                return
            most = max(most, waiting)
            await say("waiting for vectors", most - waiting, most)
            await asyncio.sleep(_LOOK_S)

    async def _carry_out(self, pen: Pen, number: int, findings: Sequence[Finding], say: Progress) -> None:
        if not findings:
            return
        todo = steps(findings, *await self._known(number))
        for start in range(0, len(todo), _BATCH):
            await pen.carry_out(todo[start : start + _BATCH])
            await say("patterns", min(start + _BATCH, len(todo)), len(todo))

    async def _ask(self, pen: Pen, number: int, run: int, found: Report, say: Progress) -> dict[str, Any]:
        """The local model, about what the fast system isn't sure of; the best supported first."""
        counts = {"doubts": len(found.doubts), "asked": 0, "tokens": 0, "left": 0}
        if self._model is None or self._asking_s <= 0:
            return {**counts, "left": len(found.doubts)}
        slow, until = Slow(self._model), time.monotonic() + self._asking_s
        order = sorted(found.doubts, key=lambda each: (-len(each.finding.evidence), min(each.finding.evidence)))
        for done, doubt in enumerate(order):
            if time.monotonic() > until:
                counts["left"] = len(order) - done
                break
            verdict = await self._judged(slow, number, run, doubt)
            counts["asked"] += verdict.asked
            counts["tokens"] += verdict.tokens
            await self._carry_out(pen, number, _findings(doubt, verdict), _silent)
            await say("asking the model", done + 1, len(order))
            if any(refusal.code in _AWAY for refusal in verdict.refusals):
                counts["left"] = len(order) - done
                break
        return counts

    async def _judged(self, slow: Slow, number: int, run: int, doubt: Doubt) -> Verdict:
        key = doubt.key(VERSION)
        kept = await self.letters.verdict(number, key)
        if kept is not None:
            return kept
        if await self.letters.waits(number, key):
            return Verdict()
        verdict = await slow.judge(doubt.evidence, statement=doubt.finding.statement)
        seen = [contradiction(each) for each in verdict.proposals if each.old is not None]
        refused = (*verdict.refusals, *seen)
        away = any(refusal.code in _AWAY for refusal in refused)
        if not away:
            final = Verdict(verdict.proposals, refused)
            await self.letters.keep(number, run, key, list(doubt.finding.evidence), final)
        return verdict

    async def _analysed(self, number: int) -> Report:
        # One at a time, whichever project it is: that bounds the memory.
        async with self._analysing:
            return await apart.analysed(self._bank.database, number)

    async def _known(self, number: int) -> tuple[list[Known], list[frozenset[str]]]:
        async with self._bank.database.acquire() as connection:
            rows = await connection.fetch(_SQL["known_patterns"], number)
            rejected = await connection.fetch(_SQL["rejections"], number)
        return [given.known(row) for row in rows], [frozenset(map(str, row["memories"])) for row in rejected]

    async def _project(self, name: str) -> int:
        async with self._bank.database.acquire() as connection:
            number = await connection.fetchval(_SQL["project"], name)
        if number is None:
            raise NotFound(f"nothing was ever remembered in project {name!r}")
        return int(number)


def _findings(doubt: Doubt, verdict: Verdict) -> list[Finding]:
    """What of a verdict becomes a pattern: facts; and the pattern itself, where it wasn't accepted without a model."""
    return [
        proposed(doubt, each.type, each.statement, each.quotes, each.confidence)
        for each in verdict.proposals
        if each.old is None and (each.type is PatternType.FACT or not doubt.accepted)
    ]


def _pattern(finding: Finding) -> Pattern:
    return Pattern(
        type=finding.type,
        statement=finding.statement,
        event_ids=tuple(finding.evidence),
        quotes=dict(finding.evidence),
        support=len(finding.evidence),
        confidence=finding.confidence,
        statistics={**finding.statistics, "rhythm": finding.rhythm},
        by=finding.by,
    )


def _saying(runs: Runs, run: int, progress: Progress | None) -> Progress:
    """To the record, at most once a second, and to whoever listens."""
    said, at = "", 0.0

    async def say(stage: str, done: int, total: int) -> None:
        nonlocal said, at
        if progress is not None:
            await progress(stage, done, total)
        now = time.monotonic()
        if stage != said or now - at >= 1:
            said, at = stage, now
            await runs.progress(run, stage, done, total)

    return say


async def _silent(stage: str, done: int, total: int) -> None:
    return None
