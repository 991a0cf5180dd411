"""What `athena consolidate` shows: a run's progress, and what it came to."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from athena.cli.connection import Connection
from athena.cli.table import console
from athena.errors import StackError

ROOT: Final = "/api/v1/consolidation"
# The changes that are news to a person; the others are evidence and numbers.
NEWS: Final = {"action": ["concluded", "refined", "closed", "questioned"], "limit": 100}
_POLL_S = 0.5
_IDS = 3
_COUNTS = ("concluded", "refined", "supported", "closed", "reopened", "questioned", "twinned")
_STYLES = {"concluded": "green", "refined": "green", "closed": "yellow", "questioned": "yellow"}


async def follow(connection: Connection, run: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """The run when it has ended. Raises `StackError` if it failed or was cut off."""
    try:
        run = await _watch(connection, run, quiet)
    except asyncio.CancelledError:
        typer.echo(f"\nrun {run['id']} goes on: athena consolidate show {run['id']}", err=True)
        raise
    again = "athena consolidate takes it up again"
    if run["state"] == "interrupted":
        raise StackError(f"run {run['id']} was cut off", hint=again)
    if run["state"] == "failed":
        raise StackError(f"run {run['id']} failed: {run['error']}", hint=f"athena logs api shows why; {again}")
    return run


async def _watch(connection: Connection, run: dict[str, Any], quiet: bool) -> dict[str, Any]:
    err, path, cut, said = Console(stderr=True), f"{ROOT}/runs/{run['id']}", 0, ""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=quiet or not err.is_terminal) as bar:
        task = bar.add_task("reading", total=None)
        # Between two looks of the server's its last moment may look like an end without one.
        while run["state"] == "running" or (run["state"] == "interrupted" and (cut := cut + 1) <= 2):
            at = run["progress"] or {"stage": "reading", "done": 0, "total": 0}
            bar.update(task, description=at["stage"], completed=at["done"], total=at["total"] or None)
            if at["stage"] != said and bar.disable and not quiet:
                said = at["stage"]
                typer.echo(f"run {run['id']}: {said}", err=True)
            await asyncio.sleep(_POLL_S)
            run = await connection.call("GET", path)
    return run


def show_run(run: dict[str, Any], changes: dict[str, Any]) -> None:
    counts = run["counts"]
    typer.echo(f"run {run['id']} of project {run['project']}: {_state(run)}")
    if run["state"] != "running":
        done = [f"{counts[name]} {name}" for name in _COUNTS if counts[name]]
        typer.echo(f"{counts['events']:,} memories read; {', '.join(done) or 'nothing new'}")
    if counts["left"]:
        typer.echo(f"{counts['left']} doubts are left for the next run: the local model wasn't there, or time was up")
    if changes["changes"]:
        console().print(_changes(changes["changes"]))
    if changes["next_after"] is not None:
        typer.echo("  …", err=True)
    if run["state"] == "done" and run["changes"]:
        typer.echo(f"to take it back: athena consolidate undo {run['id']}")


def show_preview(preview: dict[str, Any]) -> None:
    typer.echo(f"{preview['events']:,} memories read; nothing was changed")
    said = {
        "patterns would get more evidence or better words": preview["strengthened"],
        "memories say nearly what an earlier one says": preview["twins"],
        "clusters would be put to the local model": preview["doubts"],
    }
    for what, count in said.items():
        if count:
            typer.echo(f"{count} {what}")
    table = _table("would be", "support", "content")
    for each in preview["patterns"]:
        table.add_row(Text("concluded", style="green"), str(each["support"]), Text(each["content"]))
    for each in preview["contradictions"]:
        about = f"{each['about']}: {each['new']} says otherwise than {each['old']}"
        table.add_row(Text("contradicted", style="yellow"), "", Text(about))
    if table.row_count:
        console().print(table)


def show_runs(page: dict[str, Any]) -> None:
    table = _table("run", "project", "began (UTC)", "state", "by", "changes", "concluded", "refined", "closed")
    for run in page["runs"]:
        counts = run["counts"]
        table.add_row(
            str(run["id"]), Text(run["project"]), _when(run["started_at"]), Text(_state(run)), run["cause"],
            str(run["changes"]), *(str(counts[name] or "") for name in ("concluded", "refined", "closed")),
        )  # fmt: skip
    console().print(table if page["runs"] else "nothing has been consolidated yet")
    if page["next_before"] is not None:
        typer.echo(f"more: --before {page['next_before']}", err=True)
    at = page["scheduled_at"]
    typer.echo(f"next by the schedule: {_when(at)} (UTC)" if at else "no schedule: only when asked")


def show_letters(page: dict[str, Any]) -> None:
    """A line about each and what it says below: reasons are long, and so are ids."""
    out = console()
    for letter in page["letters"]:
        again = f"again from {_when(letter['not_before'])} on" if letter["not_before"] else "left for a person"
        tries = f"{letter['attempts']} {'try' if letter['attempts'] == 1 else 'tries'}"
        about = (f"letter {letter['id']}", letter["project"], f"{_when(letter['last_at'])} (UTC)", tries, again)
        ids = letter["memories"]
        told = ", ".join(ids[:_IDS]) + (f" and {len(ids) - _IDS} more" if len(ids) > _IDS else "")
        text = Text.assemble(("  ".join(about), "dim"), "\n", (letter["code"], "yellow"), f": {letter['reason']}")
        out.print(text.append(f"\nabout {told}", style="dim"), soft_wrap=True)
    if not page["letters"]:
        typer.echo("there are no dead letters")
    if page["next_before"] is not None:
        typer.echo(f"more: --before {page['next_before']}", err=True)


def show_undone(run: int, undone: dict[str, Any]) -> None:
    if not undone["runs"]:
        typer.echo(f"run {run} was undone already")
        return
    typer.echo(f"undone: {', '.join(map(str, undone['runs']))} ({counted(undone['changes'])})")
    for each in undone["kept"]:
        typer.echo(f"  {each} was changed since, and stays as it is", err=True)


def counted(changes: int) -> str:
    return "1 change" if changes == 1 else f"{changes:,} changes"


def _changes(changes: list[dict[str, Any]]) -> Table:
    table = _table("what", "support", "id", "content")
    for each in changes:
        content = Text(each["content"] or "(forgotten since)")
        if each["action"] in ("closed", "questioned") and each["object_content"]:
            content.append(f"\nas now: {each['object_content']}", style="dim")
        what = Text(each["action"], style=_STYLES.get(each["action"], ""))
        table.add_row(what, str(each["support"] or ""), each["subject"], content)
    return table


def _state(run: dict[str, Any]) -> str:
    if run["state"] == "running":
        at = run["progress"]
        share = f" {at['done']} of {at['total']}" if at and at["total"] else ""
        return f"running ({at['stage']}{share})" if at else "running"
    if run["state"] == "failed":
        return f"failed: {run['error']}"
    if run["state"] != "done" or run["ended_at"] is None:
        return str(run["state"])
    took = datetime.fromisoformat(run["ended_at"]) - datetime.fromisoformat(run["started_at"])
    return f"done in {took.total_seconds():.0f} s"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in ("what", "would be", "id"))
    return table


def _when(moment: str) -> str:
    return moment[:16].replace("T", " ")
