"""`athena memory unused`: what is kept and never asked for."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from athena import config
from athena.cli.connection import connect
from athena.cli.memory import AsJson, Key, Project

_SHOWN = 120
_LEAST_WIDTH = 120

app = typer.Typer(no_args_is_help=True, help="Look after what is remembered.")


@app.callback()
def _memory() -> None:
    return


@app.command()
def unused(
    older_than_days: Annotated[float, typer.Option("--older-than", min=0, help="In days since it was recorded.")] = 30,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=500)] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    project: Project = "default",
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show what was never recalled, oldest first, and how to forget it."""
    asked = {"project": project, "older_than_days": older_than_days, "limit": limit, "cursor": cursor}

    async def ask() -> Any:
        async with connect(config.load(), key) as connection:
            return await connection.call("GET", "/api/v1/memories/unused", query=asked)

    page = asyncio.run(ask())
    if as_json:
        typer.echo(json.dumps(page, ensure_ascii=False, indent=2))
        return
    out, err = Console(), Console(stderr=True, soft_wrap=True)
    if not page["memories"]:
        out.print("nothing that old was never recalled", highlight=False)
        return
    out.print(
        f"{page['count']} of {page['total']} memories ({page['share']:.0%}) were never recalled, "
        f"the oldest since {page['oldest'][:10]}",
        highlight=False,
        soft_wrap=True,
    )
    out.print(_table(page["memories"]), width=max(out.width, _LEAST_WIDTH))
    if page["next_cursor"]:
        err.print(f"more: athena memory unused --cursor {page['next_cursor']}", style="yellow", markup=False)
    err.print("to forget one of them: athena forget ID", style="yellow", markup=False)


def _table(memories: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("recorded", "type", "id", "content"):
        table.add_column(name, no_wrap=name != "content", overflow="fold")
    for each in memories:
        line = " ".join(each["content"].split())
        short = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
        table.add_row(each["recorded_at"][:10], each["memory_type"], each["id"], Text(short))
    return table
