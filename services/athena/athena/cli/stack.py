"""`athena run | up | down | status | logs`."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import Annotated

import typer
from rich.console import Console

from athena import config, logs
from athena.cli.follow import follow, show
from athena.cli.table import as_json, console, parts_table, show_changes, show_while
from athena.config import Settings
from athena.errors import StackError
from athena.http.mirror import Mirror
from athena.runtime import background, control, postgres, selfcheck, stack
from athena.runtime.parts import API, EMBEDDINGS, ApiPart
from athena.runtime.ports import State, Status

app = typer.Typer()

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def run(
    in_background: Annotated[bool, typer.Option("--background", hidden=True)] = False,
    idle: Annotated[bool, typer.Option("--idle", hidden=True)] = False,
) -> None:
    """Start everything, show it, check it, and stay; Ctrl-C stops it all."""
    settings = config.load()
    try:
        asyncio.run(_host(settings, in_background, idle))
    except stack.AlreadyRunning as already:
        if in_background:
            raise
        console().print(already.message)
        asyncio.run(_up(settings, json_wanted=False, said=True))


@app.command()
def up(json_wanted: AsJson = False) -> None:
    """Start everything in the background and wait until it is ready."""
    asyncio.run(_up(config.load(), json_wanted))


@app.command()
def down() -> None:
    """Stop everything."""
    ran = asyncio.run(background.stop_host(config.load()))
    typer.echo("stopped" if ran else "Athena doesn't run")


@app.command()
def status(json_wanted: AsJson = False) -> None:
    """Show each part: its state, its address, and what to do about it."""
    settings = config.load()
    try:
        parts = stack.statuses(asyncio.run(control.call(settings, "status")))
    except control.NotRunning as exc:
        if json_wanted:
            typer.echo(json.dumps({"running": False, **_about(settings), "parts": []}, indent=2))
            raise typer.Exit(1) from exc
        where = postgres.place(settings)
        raise StackError(f"{exc.message}; its data is in {where.base}", hint=exc.hint) from exc
    _show(settings, parts, json_wanted)


@app.command(name="logs")
def logs_(
    part: Annotated[str | None, typer.Argument(help="postgres, embeddings, reasoning, api or stack; all.")] = None,
    following: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many lines of each.")] = 50,
) -> None:
    """Show what the parts wrote."""
    folder = config.load().logs_dir
    ends = show(folder, part, lines)
    if following:
        asyncio.run(follow(folder, part, ends))


async def _up(settings: Settings, json_wanted: bool, *, said: bool = False) -> None:
    try:
        await control.call(settings, "start")
        if not said:
            console(stderr=True).print("Athena already runs; changed settings need athena down first", markup=False)
    except control.NotRunning:
        await background.start_host(settings)

    async def ask() -> tuple[Status, ...]:
        return stack.statuses(await control.call(settings, "status"))

    waiting = asyncio.create_task(control.call(settings, "settle"))
    try:
        parts = stack.statuses(await show_while(console(stderr=True), ask, waiting))
    except StackError:
        # It is on its way out: who tries again at once must not meet it.
        await background.stop_host(settings)
        raise
    _show(settings, parts, json_wanted)
    if any(part.name == API and part.state is not State.READY for part in parts):
        raise typer.Exit(1)


def _show(settings: Settings, parts: tuple[Status, ...], json_wanted: bool) -> None:
    if json_wanted:
        typer.echo(json.dumps({"running": True, **_about(settings), "parts": as_json(parts)}, indent=2))
        return
    console().print(parts_table(parts))
    if (closed := Mirror(settings).closed()) is not None:
        console().print(f"\n{closed.why}: nothing leaves for a host that isn't local", markup=False)


def _about(settings: Settings) -> dict[str, object]:
    return {"home": str(settings.home), "local_only": Mirror(settings).closed() is not None}


async def _host(settings: Settings, in_background: bool, idle: bool) -> None:
    """The life of a stack: from the first fork to the last process gone."""
    async with stack.hosting(settings) as host:
        # In the foreground the terminal is for people; what is logged lies beside the parts' logs.
        logs.configure(settings, None if in_background else (settings.logs_dir / "stack.log").open("w"))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, host.stop_asked.set)
        ends = asyncio.create_task(_ends(host))
        if not idle:
            host.supervisor.start()
        shows = None if in_background else asyncio.create_task(_present(settings, host))
        try:
            await ends
        finally:
            if shows is not None:
                shows.cancel()
                await asyncio.gather(shows, return_exceptions=True)
                console().print("stopping")


async def _ends(host: stack.Stack) -> None:
    """Until somebody asks for the end. Raises what keeps a vital part from running."""
    asked = asyncio.create_task(host.stop_asked.wait())
    failed = asyncio.create_task(host.supervisor.vital_failure())
    done, rest = await asyncio.wait({asked, failed}, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    if failed in done:
        raise failed.result()


async def _present(settings: Settings, host: stack.Stack) -> None:
    out = console()

    async def ask() -> list[Status]:
        return host.supervisor.statuses()

    parts = await show_while(out, ask, asyncio.create_task(host.supervisor.settle()))
    out.print(parts_table(parts))
    await _check(settings, out, {part.name: part.state for part in parts})
    out.print("Ctrl-C stops all")
    await show_changes(out, ask)


async def _check(settings: Settings, out: Console, states: dict[str, State]) -> None:
    """Show that the main job works; what fails here is said and stops nothing."""
    if states[API] is not State.READY:
        return
    if settings.exposure == "network":
        out.print("\nself-check left out: it would need a key; athena recall --key KEY does the same", markup=False)
        return
    embedded = states[EMBEDDINGS] in (State.READY, State.ABSENT)
    try:
        outcome = await selfcheck.check(ApiPart(settings).address, embedded=embedded)
    except StackError as exc:
        out.print(f"{exc.message} ({exc.hint})", style="red", markup=False)
        return
    out.print(f"\nself-check: {len(selfcheck.SENTENCES)} sentences remembered", markup=False)
    out.print(f"  asked     {outcome.question}", markup=False)
    out.print(f"  answered  {outcome.answer or '(nothing)'}  [{outcome.latency_ms:.0f} ms]", markup=False)
    if outcome.degraded:
        out.print(f"  without   {', '.join(outcome.degraded)}: found by words alone", markup=False)
    elif not outcome.right:
        out.print("  that is not the best answer: is the embedding model the right one?", style="yellow")
    out.print("both forgotten again\n", markup=False)
