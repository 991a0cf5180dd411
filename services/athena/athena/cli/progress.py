"""Progress of downloads on a terminal as bars, elsewhere as one line per phase and per tenth; on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bars

from athena.runtime.progress import Progress, Report


@contextmanager
def shown(console: Console | None = None) -> Iterator[Report]:
    """A `Report` to hand to a pull; what it draws ends with the block."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Bars(*columns, console=console) as bars:
        yield _drawn(bars)


def _drawn(bars: Bars) -> Report:
    tasks: dict[tuple[str, str], TaskID] = {}
    moving: set[str] = set()

    def report(now: Progress) -> None:
        # Hashing what is there runs much faster than the line: its own bar keeps both speeds right.
        kind = "checking" if now.phase == "checking" else "file"
        task = tasks.get((now.file, kind))
        if task is None:
            task = tasks[now.file, kind] = bars.add_task(now.file, total=now.total, note="")
        if now.phase == "downloading" and now.file not in moving:
            # What an earlier run brought must not count as speed.
            moving.add(now.file)
            bars.reset(task, completed=now.done)
        note = now.detail or ("" if now.phase == "downloading" else now.phase)
        bars.update(task, completed=now.done, total=now.total, note=note)

    return report


def _lines(console: Console) -> Report:
    last: dict[str, tuple[str, int]] = {}

    def report(now: Progress) -> None:
        tenth = 10 * now.done // now.total if now.total else 0
        step = (now.phase, tenth if now.phase in ("downloading", "checking") else 0)
        if last.get(now.file) == step:
            return
        last[now.file] = step
        amount = f" {now.done / 1e6:,.1f} of {now.total / 1e6:,.1f} MB" if now.total and now.done else ""
        detail = f" ({now.detail})" if now.detail else ""
        console.print(f"{now.file}: {now.phase}{amount}{detail}", highlight=False, markup=False, soft_wrap=True)

    return report
