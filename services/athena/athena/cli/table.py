"""The table of parts, and what is said while they start."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from athena.runtime.control import NotRunning
from athena.runtime.ports import State, Status

_STYLES = {
    State.READY: "green",
    State.FAILED: "bold red",
    State.BACKOFF: "red",
    State.STARTING: "yellow",
    State.STOPPING: "yellow",
}
_MIN_WIDTH = 120
_REFRESH_S = 0.2

_T = TypeVar("_T")
Ask = Callable[[], Awaitable[Sequence[Status]]]


def console(*, stderr: bool = False) -> Console:
    """A file or a pipe has no width: there a line is as long as it is."""
    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=_MIN_WIDTH)


def parts_table(parts: Sequence[Status]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("part", "state", "address", "ready in", "what about it"):
        table.add_column(column, overflow="fold", no_wrap=column in ("part", "state", "ready in"))
    for part in parts:
        state = Text(part.state.value, style=_STYLES.get(part.state, "dim"))
        ready = f"{part.ready_s:.1f} s" if part.ready_s is not None and part.state is State.READY else ""
        about = Text(part.detail)
        if part.hint:
            about.append(f"{'. ' if part.detail else ''}{part.hint}", style="cyan")
        if part.restarts:
            about.append(
                f" (restarted {part.restarts} times)" if part.restarts > 1 else " (restarted once)", style="dim"
            )
        table.add_row(part.name, state, part.address, ready, about)
    return table


async def show_while(out: Console, ask: Ask, waiting: asyncio.Task[_T]) -> _T:
    """Say what the parts are at until `waiting` ends: one moving line on a terminal, else a line per change."""
    if not out.is_terminal:
        return await _lines_while(out, ask, waiting)
    with out.status("starting") as line:
        while not waiting.done():
            line.update("  ".join((await _at_work(ask)).values()) or "starting")
            await asyncio.wait({waiting}, timeout=_REFRESH_S)
    return await waiting


async def show_changes(out: Console, ask: Ask) -> None:
    """A line whenever a part enters another state; ends only by cancellation."""
    before = {part.name: part.state for part in await ask()}
    while True:
        await asyncio.sleep(_REFRESH_S)
        for part in await ask():
            if before.get(part.name) is not part.state:
                before[part.name] = part.state
                hint = f" ({part.hint})" if part.hint and part.state is not State.READY else ""
                out.print(
                    f"{part.name}: {part.state}: {part.detail or part.address}{hint}", markup=False, soft_wrap=True
                )


async def _lines_while(out: Console, ask: Ask, waiting: asyncio.Task[_T]) -> _T:
    said: dict[str, str] = {}
    while not waiting.done():
        for name, text in (await _at_work(ask)).items():
            # The share of a download that is done is no news.
            news = text.rstrip(" %0123456789")
            if said.get(name, f"{name}: {State.STARTING}") != news:
                out.print(text, markup=False, soft_wrap=True)
            said[name] = news
        await asyncio.wait({waiting}, timeout=_REFRESH_S)
    return await waiting


async def _at_work(ask: Ask) -> dict[str, str]:
    try:
        parts = await ask()
    except NotRunning:  # it ended between two questions: what is waited for says why
        return {}
    busy = [part for part in parts if part.state in (State.STARTING, State.BACKOFF)]
    return {part.name: f"{part.name}: {part.state}{' ' if part.detail else ''}{part.detail}" for part in busy}


def as_json(parts: Sequence[Status]) -> list[dict[str, Any]]:
    return [
        {
            "name": part.name,
            "state": part.state.value,
            "address": part.address,
            "detail": part.detail,
            "hint": part.hint,
            "pid": part.pid,
            "ready_s": part.ready_s,
            "restarts": part.restarts,
        }
        for part in parts
    ]
