"""What both surfaces do with consolidation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from athena.api.deps import Call
from athena.api.schemas.consolidation import (
    ChangePage,
    ChangesQuery,
    ChangeView,
    Concluded,
    Consolidate,
    Consolidated,
    GivenEvents,
    LetterPage,
    LetterView,
    PageQuery,
    PatternList,
    PatternView,
    PreviewView,
    RunPage,
    RunView,
    UndoneView,
)

_TOLD = 20
_T = TypeVar("_T")


async def run(call: Call, asked: Consolidate) -> RunView | PreviewView:
    consolidation = call.athena.consolidation
    if asked.dry_run:
        return PreviewView.of(await consolidation.preview(asked.project))
    started = await consolidation.run(asked.project, wait_s=asked.wait_s)
    call.metrics.operation("consolidate")
    return RunView.of(started)


async def consolidate(call: Call, asked: Consolidate) -> Consolidated:
    """A run, and the first of what it concluded."""
    done = await run(call, asked)
    if isinstance(done, PreviewView):
        would = [Concluded(id=None, content=each.content, support=each.support) for each in done.patterns[:_TOLD]]
        return Consolidated(run=None, state=None, counts=None, error=None, patterns=would, preview=done)
    new = await call.athena.consolidation.changes(done.id, limit=_TOLD, actions=["concluded"])
    patterns = [
        Concluded(id=each.subject, content=each.content, support=each.support or 0)
        for each in new
        if each.content is not None
    ]
    return Consolidated(
        run=done.id, state=done.state, counts=done.counts, error=done.error, patterns=patterns, preview=None
    )


async def runs(call: Call, asked: PageQuery) -> RunPage:
    found = await call.athena.consolidation.list(asked.project, before=asked.before, limit=asked.limit + 1)
    page, more = _cut(found, asked.limit)
    return RunPage(
        runs=[RunView.of(each) for each in page],
        next_before=page[-1].id if more else None,
        scheduled_at=call.athena.settings.consolidation.next_at,
    )


async def show(call: Call, run_id: int) -> RunView:
    return RunView.of(await call.athena.consolidation.get(run_id))


async def changes(call: Call, run_id: int, asked: ChangesQuery) -> ChangePage:
    found = await call.athena.consolidation.changes(
        run_id, after=asked.after, limit=asked.limit + 1, actions=asked.action
    )
    page, more = _cut(found, asked.limit)
    return ChangePage(changes=[ChangeView.of(each) for each in page], next_after=page[-1].place if more else None)


async def undo(call: Call, run_id: int, *, with_later: bool) -> UndoneView:
    undone = await call.athena.consolidation.undo(run_id, with_later=with_later)
    call.metrics.operation("undo_consolidation", len(undone.runs))
    return UndoneView.of(undone)


async def letters(call: Call, asked: PageQuery) -> LetterPage:
    found = await call.athena.consolidation.letters(asked.project, before=asked.before, limit=asked.limit + 1)
    page, more = _cut(found, asked.limit)
    return LetterPage(letters=[LetterView.of(each) for each in page], next_before=page[-1].id if more else None)


async def patterns(call: Call, asked: GivenEvents) -> PatternList:
    events = [each.model_dump(exclude_none=True) for each in asked.events]
    found = await call.athena.consolidation.patterns(events, asking_s=asked.wait_s)
    return PatternList(patterns=[PatternView.of(each) for each in found])


def _cut(found: Sequence[_T], limit: int) -> tuple[Sequence[_T], bool]:
    """One more was asked for than is wanted, to know whether there is one."""
    return found[:limit], len(found) > limit
