"""`athena projects list | show | set | clear`: what is done to the requests of a project."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from athena import config
from athena.cli.choices import Capture, Compress, Memory, MemoryTokens, Unset, changes, told
from athena.cli.connection import connect
from athena.errors import InvalidInput

app = typer.Typer(no_args_is_help=True, help="Compression, memory and capture, by project.")

_PATH = "/api/v1/preferences"
_DEFAULT = "nothing chosen: compressed, recalled, not captured"
Key = Annotated[str | None, typer.Option("--key", envvar="ATHENA_KEY", help="Athena key, where one is needed.")]
AsJson = Annotated[bool, typer.Option("--json", help="The API's answer as it is.")]
Project = Annotated[str, typer.Argument(help="A project, which need not hold anything yet.")]


@app.command(name="list")
def list_(key: Key = None, as_json: AsJson = False) -> None:
    """Show the projects for which anything was chosen."""
    found = _ask("GET", _PATH, key)["projects"]
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    table = Table("project", "chosen", box=None, pad_edge=False)
    for each in found:
        table.add_row(each["project"], told(each) or _DEFAULT)
    Console().print(table if found else "nothing was chosen for any project")


@app.command()
def show(project: Project, key: Key = None, as_json: AsJson = False) -> None:
    """Show what was chosen for a project."""
    _show(_ask("GET", _path(project), key), as_json)


@app.command(name="set")
def set_(
    project: Project,
    compress: Compress = None,
    memory: Memory = None,
    memory_tokens: MemoryTokens = None,
    capture: Capture = None,
    unset: Unset = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Choose for a project; what isn't named stays."""
    wanted = changes(unset, compress=compress, memory=memory, memory_tokens=memory_tokens, capture=capture)
    if not wanted:
        raise InvalidInput("say what to choose", hint="athena projects set --help")
    _show(_ask("PATCH", _path(project), key, body=wanted), as_json)


@app.command()
def clear(project: Project, key: Key = None, as_json: AsJson = False) -> None:
    """Take all choices for a project back. What it remembers stays."""
    _show(_ask("DELETE", _path(project), key), as_json)


def _path(project: str) -> str:
    return f"{_PATH}/projects/{quote(project, safe='')}"


def _ask(method: str, path: str, key: str | None, body: dict[str, Any] | None = None) -> Any:
    async def ask() -> Any:
        async with connect(config.load(), key) as connection:
            return await connection.call(method, path, body=body)

    return asyncio.run(ask())


def _show(choices: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(choices, ensure_ascii=False, indent=2))
    else:
        typer.echo(f"{choices['project']}: {told(choices) or _DEFAULT}")
