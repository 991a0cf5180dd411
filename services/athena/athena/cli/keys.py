"""`athena keys create | list | revoke`: straight on the database, since with network exposure the first key
is made before anything may ask the API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Annotated, TypeVar

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from athena import bootstrap, config
from athena.errors import NotFound
from athena.runtime import postgres
from athena.store.keys import KeyInfo, Keys

app = typer.Typer(no_args_is_help=True, help="Keys for whoever is not on this machine.")
AsJson = Annotated[bool, typer.Option("--json")]
Result = TypeVar("Result")


@app.command()
def create(name: Annotated[str, typer.Argument(help="Who or what the key is for.")], as_json: AsJson = False) -> None:
    """Make a key and show it, this once."""
    key = _with_keys(lambda keys: keys.create(name))
    if as_json:
        typer.echo(json.dumps({"name": name, "key": key}))
        return
    typer.echo(key)
    typer.echo("It is shown only now. Send it as: Authorization: Bearer KEY", err=True)


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """Show which keys there are, not what they are."""
    found = _with_keys(lambda keys: keys.list())
    if as_json:
        typer.echo(json.dumps([_plain(each) for each in found], indent=2))
        return
    table = Table("name", "made", "last used")
    for each in found:
        table.add_row(*(str(value or "never")[:16] for value in _plain(each).values()))
    Console().print(table if found else "there are no keys")


@app.command()
def revoke(name: Annotated[str, typer.Argument()], as_json: AsJson = False) -> None:
    """Make a key worthless, within ten seconds."""
    if not _with_keys(lambda keys: keys.revoke(name)):
        raise NotFound(f"there is no key named {name}", hint="athena keys list")
    typer.echo(json.dumps({"revoked": name}) if as_json else f"revoked: {name}")


def _plain(key: KeyInfo) -> dict[str, str | None]:
    return {
        "name": key.name,
        "created_at": key.created_at.isoformat(sep=" ", timespec="seconds"),
        "last_used_at": key.last_used_at.isoformat(sep=" ", timespec="seconds") if key.last_used_at else None,
    }


def _with_keys(use: Callable[[Keys], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        settings = config.load()
        async with AsyncExitStack() as stack:
            if settings.database_url is None:
                dsn = await stack.enter_async_context(postgres.ensure_running(settings))
                settings = settings.model_copy(update={"database_url": SecretStr(dsn)})
            athena = await stack.enter_async_context(bootstrap.build(settings, worker=False))
            return await use(athena.keys)

    return asyncio.run(run())
