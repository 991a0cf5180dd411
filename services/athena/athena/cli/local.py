"""`athena local serve | stop | status | doctor`: the reasoning server by itself."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer

from athena import config
from athena.cli.table import as_json, console, parts_table, show_while
from athena.config import Settings
from athena.errors import NotFound, StackError
from athena.runtime import background, control, local_checks, stack
from athena.runtime.control import Reply
from athena.runtime.parts import REASONING
from athena.runtime.ports import State, Status

app = typer.Typer(no_args_is_help=True, help="The local reasoning model.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def serve(
    model: Annotated[str | None, typer.Argument(help="A model by name or path; without: the one that is set.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Where to serve it.")] = None,
    json_wanted: AsJson = False,
) -> None:
    """Serve a reasoning model in the background, with or without the rest of Athena."""
    settings = config.load()
    _show(_reasoning(asyncio.run(_serve(settings, model, port))), json_wanted)
    if port is not None and port != settings.reasoning_port:
        typer.echo(f"Athena itself looks on port {settings.reasoning_port}: ATHENA_REASONING_PORT={port}", err=True)


@app.command()
def stop() -> None:
    """Stop the reasoning server."""
    typer.echo("stopped" if asyncio.run(_stop(config.load())) else "the reasoning server doesn't run")


@app.command()
def status(json_wanted: AsJson = False) -> None:
    """Show the reasoning server: its model and its address."""
    _show(_reasoning(asyncio.run(control.call(config.load(), "status"))), json_wanted)


@app.command()
def doctor(json_wanted: AsJson = False) -> None:
    """Find what keeps a local model from running; exit code 1 if something does."""
    found = asyncio.run(local_checks.look(config.load()))
    if json_wanted:
        typer.echo(json.dumps([asdict(finding) for finding in found], indent=2))
    for finding in found if not json_wanted else []:
        typer.echo(f"{'ok ' if finding.ok else '!! '} {finding.what}")
        if finding.hint:
            typer.echo(f"     {finding.hint}")
    if not all(finding.ok for finding in found):
        raise typer.Exit(1)


async def _serve(settings: Settings, model: str | None, port: int | None) -> Reply:
    try:
        await control.call(settings, "status")
    except control.NotRunning:
        await background.start_host(settings, idle=True)

    async def ask() -> list[Status]:
        return [_reasoning(await control.call(settings, "status"))]

    try:
        starting = asyncio.create_task(control.call(settings, "start-reasoning", model=model, port=port))
        return await show_while(console(stderr=True), ask, starting)
    except StackError:
        await _end_if_idle(settings)
        raise


async def _stop(settings: Settings) -> bool:
    try:
        before = _reasoning(await control.call(settings, "status"))
        await control.call(settings, "stop", part=REASONING)
    except control.NotRunning:
        return False
    await _end_if_idle(settings)
    return before.state not in (State.STOPPED, State.ABSENT, State.FAILED)


async def _end_if_idle(settings: Settings) -> None:
    """A host that was started for the reasoning server alone goes with it."""
    if (await control.call(settings, "status"))["idle"]:
        await background.stop_host(settings)


def _reasoning(reply: Reply) -> Status:
    for part in stack.statuses(reply):
        if part.name == REASONING:
            return part
    raise NotFound("this Athena has no reasoning server", hint="athena status")


def _show(part: Status, json_wanted: bool) -> None:
    if json_wanted:
        typer.echo(json.dumps(as_json([part])[0], indent=2))
    else:
        console().print(parts_table([part]))
