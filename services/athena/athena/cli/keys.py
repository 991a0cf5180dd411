"""`athena keys create | update | list | revoke`: straight on the database, since with network exposure the first key
is made before anything may ask the API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from athena import bootstrap, config
from athena.bootstrap import Athena
from athena.cli.choices import Capture, Compress, Memory, MemoryTokens, Unset, changes, told
from athena.errors import InvalidInput, NotFound
from athena.gateway.preferences import MAX_PROJECT, is_project
from athena.runtime import postgres
from athena.store.keys import KeyInfo
from athena.store.preferences import UNSAID, Choices

app = typer.Typer(no_args_is_help=True, help="Keys for whoever is not on this machine.")
AsJson = Annotated[bool, typer.Option("--json")]
Project = Annotated[
    str | None, typer.Option("--project", "-p", help="Where its requests belong when they name no project.")
]
Result = TypeVar("Result")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what the key is for.")],
    project: Project = None,
    compress: Compress = None,
    memory: Memory = None,
    memory_tokens: MemoryTokens = None,
    capture: Capture = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, this once."""
    wanted = _wanted(None, project, compress, memory, memory_tokens, capture)

    async def make(athena: Athena) -> str:
        made = await athena.keys.create(name)
        if wanted:
            await athena.preferences.change_key(name, wanted)
        return made

    key = _with_athena(make)
    if as_json:
        typer.echo(json.dumps({"name": name, "key": key}))
        return
    typer.echo(key)
    typer.echo("It is shown only now. Send it as: Authorization: Bearer KEY", err=True)


@app.command()
def update(
    name: Annotated[str, typer.Argument()],
    project: Project = None,
    compress: Compress = None,
    memory: Memory = None,
    memory_tokens: MemoryTokens = None,
    capture: Capture = None,
    unset: Unset = None,
    as_json: AsJson = False,
) -> None:
    """Choose what is done to the requests of a key; what isn't named stays."""
    wanted = _wanted(unset, project, compress, memory, memory_tokens, capture)
    if not wanted:
        raise InvalidInput("say what to choose", hint="athena keys update --help")
    chosen = _with_athena(lambda athena: athena.preferences.change_key(name, wanted))
    if as_json:
        typer.echo(json.dumps({"name": name, **asdict(chosen)}, ensure_ascii=False))
        return
    typer.echo(f"{name}: {_told(chosen) or 'nothing chosen'}")
    if chosen.capture and chosen.project is None:
        typer.echo("Only requests that name a project are captured; --project gives the key one.", err=True)


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """Show which keys there are, not what they are."""

    async def read(athena: Athena) -> list[tuple[KeyInfo, Choices]]:
        chosen = (await athena.preferences.current()).keys
        return [(key, chosen.get(key.name, UNSAID)) for key in await athena.keys.list()]

    found = _with_athena(read)
    if as_json:
        typer.echo(json.dumps([_plain(key) | asdict(choices) for key, choices in found], ensure_ascii=False, indent=2))
        return
    table = Table("name", "made", "last used", "chosen")
    for key, choices in found:
        table.add_row(*(str(value or "never")[:16] for value in _plain(key).values()), _told(choices))
    Console().print(table if found else "there are no keys")


@app.command()
def revoke(name: Annotated[str, typer.Argument()], as_json: AsJson = False) -> None:
    """Make a key worthless, within ten seconds."""
    if not _with_athena(lambda athena: athena.keys.revoke(name)):
        raise NotFound(f"there is no key named {name}", hint="athena keys list")
    typer.echo(json.dumps({"revoked": name}) if as_json else f"revoked: {name}")


def _wanted(
    unset: list[str] | None,
    project: str | None,
    compress: bool | None,
    memory: bool | None,
    memory_tokens: int | None,
    capture: bool | None,
) -> dict[str, Any]:
    if project is not None and not is_project(project):
        raise InvalidInput(f"--project: must be 1 to {MAX_PROJECT} characters")
    return changes(
        unset, project=project, compress=compress, memory=memory, memory_tokens=memory_tokens, capture=capture
    )


def _told(chosen: Choices) -> str:
    project = [f"project {chosen.project}"] if chosen.project else []
    return ", ".join(part for part in (*project, told(asdict(chosen))) if part)


def _plain(key: KeyInfo) -> dict[str, str | None]:
    return {
        "name": key.name,
        "created_at": key.created_at.isoformat(sep=" ", timespec="seconds"),
        "last_used_at": key.last_used_at.isoformat(sep=" ", timespec="seconds") if key.last_used_at else None,
    }


def _with_athena(use: Callable[[Athena], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        settings = config.load()
        async with AsyncExitStack() as stack:
            if settings.database_url is None:
                dsn = await stack.enter_async_context(postgres.ensure_running(settings))
                settings = settings.model_copy(update={"database_url": SecretStr(dsn)})
            athena = await stack.enter_async_context(bootstrap.build(settings, worker=False))
            return await use(athena)

    return asyncio.run(run())
