"""`athena consolidate`, and its `runs | show | undo | letters | retry | drop`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console

from athena import config
from athena.cli import consolidated
from athena.cli.connection import Connection, connect
from athena.cli.consolidated import ROOT, follow
from athena.cli.memory import AsJson, Key, Project
from athena.errors import Conflict, InvalidInput

app = typer.Typer()

OfProject = Annotated[str | None, typer.Option("--project", "-p", help="Only this project's; else all.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=500)]
Before = Annotated[int | None, typer.Option("--before", help="Only older ones than this.")]
Run = Annotated[int, typer.Argument(help="A run's number.", min=1)]
Letter = Annotated[int, typer.Argument(help="A dead letter's number.", min=1)]


@app.callback(invoke_without_command=True)
def consolidate(
    context: typer.Context,
    project: Project = "default",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Stay and show the progress; it goes on either way.")
    ] = True,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Conclude patterns from what a project remembers, and close what is true no longer. Nothing is deleted; each run
    can be undone."""
    if context.invoked_subcommand is not None:
        _nothing_before(context)
        return
    if dry_run:
        with Console(stderr=True).status("looking"):
            preview = _ask("POST", "/runs", key, body={"project": project, "dry_run": True})
        _show(preview, as_json, lambda: consolidated.show_preview(preview))
        return
    asyncio.run(_consolidate(project, key, wait, as_json))


@app.command()
def runs(
    project: OfProject = None, limit: Limit = 20, before: Before = None, key: Key = None, as_json: AsJson = False
) -> None:
    """Show the runs there were, newest first, and when the next comes."""
    page = _ask("GET", "/runs", key, query={"project": project, "limit": limit, "before": before})
    _show(page, as_json, lambda: consolidated.show_runs(page))


@app.command()
def show(run: Run, limit: Limit = 100, key: Key = None, as_json: AsJson = False) -> None:
    """Show how far a run is, or what it changed."""

    async def ask() -> tuple[Any, Any]:
        async with connect(config.load(), key) as connection:
            return await _told(connection, run, limit)

    about, changes = asyncio.run(ask())
    _show({**about, **changes}, as_json, lambda: consolidated.show_run(about, changes))


@app.command()
def undo(
    run: Run,
    with_later: Annotated[
        bool, typer.Option("--with-later", help="Also take back the later runs that stand on it.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Take a run back: all is as it was before, except what people changed since."""
    if not yes:
        _confirm(_ask("GET", f"/runs/{run}", key), with_later)
    undone = _ask("POST", f"/runs/{run}/undo", key, body={"with_later": with_later})
    _show(undone, as_json, lambda: consolidated.show_undone(run, undone))


@app.command()
def letters(
    project: OfProject = None, limit: Limit = 20, before: Before = None, key: Key = None, as_json: AsJson = False
) -> None:
    """Show what could not be used, and why: the dead letters, newest first."""
    page = _ask("GET", "/letters", key, query={"project": project, "limit": limit, "before": before})
    _show(page, as_json, lambda: consolidated.show_letters(page))


@app.command()
def retry(letter: Letter, key: Key = None, as_json: AsJson = False) -> None:
    """Have the next run try a dead letter again."""
    answer = _ask("POST", f"/letters/{letter}/retry", key)
    _show(answer, as_json, lambda: typer.echo(f"the next run tries {letter} again: athena consolidate"))


@app.command()
def drop(letter: Letter, key: Key = None, as_json: AsJson = False) -> None:
    """Throw a dead letter away."""
    answer = _ask("DELETE", f"/letters/{letter}", key)
    _show(answer, as_json, lambda: typer.echo(f"dropped: {letter}"))


async def _consolidate(project: str, key: str | None, wait: bool, as_json: bool) -> None:
    async with connect(config.load(), key) as connection:
        run = await _start(connection, project)
        if wait:
            run = await follow(connection, run, quiet=as_json)
        changes = await connection.call("GET", f"{ROOT}/runs/{run['id']}/changes", query=consolidated.NEWS)
    _show({**run, **changes}, as_json, lambda: consolidated.show_run(run, changes))


async def _start(connection: Connection, project: str) -> dict[str, Any]:
    """A run that was begun, or the one that is under way."""
    try:
        run: dict[str, Any] = await connection.call("POST", f"{ROOT}/runs", body={"project": project})
    except Conflict:
        newest = (await connection.call("GET", f"{ROOT}/runs", query={"project": project, "limit": 1}))["runs"]
        if not newest or newest[0]["state"] != "running":
            raise
        run = newest[0]
        typer.echo(f"run {run['id']} is under way already", err=True)
    return run


async def _told(connection: Connection, run: int, limit: int) -> tuple[Any, Any]:
    about = await connection.call("GET", f"{ROOT}/runs/{run}")
    query = {**consolidated.NEWS, "limit": limit}
    return about, await connection.call("GET", f"{ROOT}/runs/{run}/changes", query=query)


def _nothing_before(context: typer.Context) -> None:
    """An option in front of the word would mean nothing, and who gave it wouldn't know."""
    sources = (context.get_parameter_source(name) for name in context.params)
    if any(source is not None and source.name == "COMMANDLINE" for source in sources):
        raise InvalidInput(f"options come after the command: athena consolidate {context.invoked_subcommand} …")


def _confirm(run: dict[str, Any], with_later: bool) -> None:
    if not sys.stdin.isatty():
        raise InvalidInput("undoing needs a yes: --yes")
    later = " and the later ones that stand on it" if with_later else ""
    changes = consolidated.counted(run["changes"])
    if not typer.confirm(f"undo run {run['id']} of project {run['project']} ({changes}){later}?"):
        raise typer.Exit(1)


def _ask(method: str, path: str, key: str | None, **what: Any) -> Any:
    async def ask() -> Any:
        async with connect(config.load(), key) as connection:
            return await connection.call(method, f"{ROOT}{path}", **what)

    return asyncio.run(ask())


def _show(answer: Any, as_json: bool, pretty: Callable[[], object]) -> None:
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        pretty()
