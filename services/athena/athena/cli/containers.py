"""`athena stack status | doctor`: the stack in containers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from athena.cli.doctor import show
from athena.cli.doctor_checks.containers import diagnose
from athena.cli.table import console
from athena.runtime import containers
from athena.runtime.containers import Container

app = typer.Typer(no_args_is_help=True, help="The stack in Docker containers.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Project = Annotated[str, typer.Option("--project", "-p", envvar="COMPOSE_PROJECT_NAME", help="The Compose project.")]
_STYLES = {"healthy": "green", "unhealthy": "red", "starting": "yellow", "restarting": "red", "exited": "red"}


@app.command()
def status(json_wanted: AsJson = False, project: Project = containers.PROJECT) -> None:
    """Show each container: state, health, image, memory, restarts, last error."""
    found = asyncio.run(containers.look(project))
    if json_wanted:
        typer.echo(json.dumps([asdict(each) for each in found], ensure_ascii=False, indent=2))
    elif found:
        console().print(_table(found))
    else:
        typer.echo("no container of Athena's is here: cd docker && docker compose up -d", err=True)
    if not found:
        raise typer.Exit(1)


@app.command()
def doctor(json_wanted: AsJson = False, project: Project = containers.PROJECT) -> None:
    """Look for what is wrong with the containers; exit code 1 if anything is."""
    findings = diagnose(asyncio.run(containers.look(project)))
    if json_wanted:
        typer.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        show(findings)
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)


def _table(found: Sequence[Container]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("container", "state", "image", "memory", "restarts", "what it said last of errors"):
        table.add_column(column, overflow="fold", no_wrap=column in ("container", "state", "memory"))
    for each in found:
        state = each.health if each.state == "running" and each.health else each.state
        if each.once and each.state == "exited" and each.exit_code == 0:
            state = "done"
        said = each.said or each.last_error
        memory = "" if each.memory is None else f"{each.memory / 2**20:,.0f} of {_mib(each.memory_limit)} MiB"
        style = _STYLES.get(state, "dim")
        table.add_row(each.name, Text(state, style=style), each.image, memory, str(each.restarts), Text(said))
    return table


def _mib(limit: int | None) -> str:
    return "∞" if limit is None else f"{limit / 2**20:,.0f}"
