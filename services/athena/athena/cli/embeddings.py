"""`athena embeddings list | migrate | rollback`."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from athena import config
from athena.cli.connection import Connection, connect
from athena.cli.embedder_change import Second, server_of_previous, start_second
from athena.errors import AthenaError, Conflict, InvalidInput

app = typer.Typer(no_args_is_help=True, help="Embedding models: which one serves, and changing it online.")

_PATH = "/api/v1/embeddings"
_POLL_S = 0.5
Key = Annotated[str | None, typer.Option("--key", envvar="ATHENA_KEY", help="Athena key, where one is needed.")]
AsJson = Annotated[bool, typer.Option("--json", help="The API's answer as it is.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Stay and show the progress; it goes on either way.")]


@app.command(name="list")
def list_(key: Key = None, as_json: AsJson = False) -> None:
    """Show all generations and how far each is."""
    asyncio.run(_list(key, as_json))


@app.command()
def migrate(
    to: Annotated[str | None, typer.Option("--to", help="A model of the catalogue: fetched and served here.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="An embedding server that runs already.")] = None,
    dim: Annotated[int | None, typer.Option(help="Fewer dimensions, where the model was trained for that.")] = None,
    wait: Wait = True,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Embed everything anew with another model, while the old one goes on answering until all is done."""
    if to and url:
        raise InvalidInput("give --to NAME or --url URL, not both")
    if to and not wait:
        raise InvalidInput("--no-wait needs --url: with --to, servers are changed over when all is embedded")
    if not (to or url or dim):
        raise InvalidInput("give --to NAME (athena pull lists them), --url URL, or --dim N")
    asyncio.run(_migrate(to, url, dim, key, wait, as_json))


@app.command()
def rollback(wait: Wait = True, key: Key = None, as_json: AsJson = False) -> None:
    """Stop the change that is under way, or go back to the model that served before."""
    asyncio.run(_rollback(key, wait, as_json))


async def _list(key: str | None, as_json: bool) -> None:
    async with connect(config.load(), key) as connection:
        found = await connection.call("GET", _PATH)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    table = Table("id", "model", "dim", "state", "embedded", "server")
    for each in found["generations"]:
        share = f"{each['embedded']}/{each['total']}"
        table.add_row(
            str(each["id"]), each["model"], str(each["dim"]), each["state"], share, each["server_url"] or "configured"
        )
    Console().print(table if found["generations"] else "nothing has been embedded yet")


async def _migrate(
    to: str | None, url: str | None, dim: int | None, key: str | None, wait: bool, as_json: bool
) -> None:
    settings = config.load()
    async with connect(settings, key) as connection:
        if to is None:
            started = await _post(connection, "migrate", {"url": url, "dim": dim})
            final = await _follow(connection, started["id"], as_json) if wait else started
        else:
            final = await _migrate_here(connection, await start_second(settings, to), dim, as_json)
    _say(final, as_json)


async def _migrate_here(connection: Connection, second: Second, dim: int | None, quiet: bool) -> dict[str, Any]:
    try:
        started = await _begin(connection, second, dim)
        final = await _follow(connection, started["id"], quiet)
    except AthenaError:
        await second.end()
        raise
    await second.adopt(connection, final["id"])
    return await _generation(connection, final["id"]) or final


async def _begin(connection: Connection, second: Second, dim: int | None) -> dict[str, Any]:
    """Start the migration, or take up again one to the same model that was interrupted here."""
    try:
        return await _post(connection, "migrate", {"url": second.url, "model": second.model.name, "dim": dim})
    except Conflict:
        for each in (await connection.call("GET", _PATH))["generations"]:
            interrupted = each["state"] != "retired" and each["server_url"] is not None
            if interrupted and each["model"] == second.model.name and dim in (None, each["dim"]):
                moved: dict[str, Any] = await second.serve(connection, each["id"])
                return moved
        raise


async def _rollback(key: str | None, wait: bool, as_json: bool) -> None:
    settings = config.load()
    async with connect(settings, key) as connection:
        generations = (await connection.call("GET", _PATH))["generations"]
        second = await server_of_previous(settings, connection, generations) if wait else None
        started = await _post(connection, "rollback", None)
        final = await _follow(connection, started["id"], as_json) if wait else started
        if second is not None:
            await second.adopt(connection, final["id"])
    _say(final, as_json)


async def _post(connection: Connection, verb: str, body: dict[str, Any] | None) -> dict[str, Any]:
    given = None if body is None else {name: value for name, value in body.items() if value is not None}
    answer: dict[str, Any] = await connection.call("POST", f"{_PATH}/{verb}", body=given)
    return answer


async def _generation(connection: Connection, id: int) -> dict[str, Any] | None:
    generations: list[dict[str, Any]] = (await connection.call("GET", _PATH))["generations"]
    return next((each for each in generations if each["id"] == id), None)


async def _follow(connection: Connection, id: int, quiet: bool) -> dict[str, Any]:
    """Until generation `id` serves. Raises `Conflict` if it was given up meanwhile."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
        task = progress.add_task("embedding", total=None)
        while True:
            current = await _generation(connection, id)
            if current is None or current["state"] == "retired":
                raise Conflict(f"generation {id} was given up", hint="athena embeddings list")
            progress.update(
                task, description=current["model"], completed=current["embedded"], total=current["total"] or None
            )
            if current["state"] == "serving":
                return current
            await asyncio.sleep(_POLL_S)


def _say(generation: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(generation, indent=2))
    else:
        verb = "serves" if generation["state"] == "serving" else f"is {generation['state']}"
        typer.echo(f"generation {generation['id']}: {generation['model']}, {generation['dim']} dimensions, {verb}")
