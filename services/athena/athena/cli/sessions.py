"""`athena sessions list | show | pin | unpin`."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from athena import config
from athena.cli.connection import connect

app = typer.Typer(no_args_is_help=True, help="Conversations through the gateway, and the model each is pinned to.")

_PATH = "/api/v1/sessions"
Key = Annotated[str | None, typer.Option("--key", envvar="ATHENA_KEY", help="Athena key, where one is needed.")]
AsJson = Annotated[bool, typer.Option("--json", help="The API's answer as it is.")]
Of = Annotated[str | None, typer.Option("--of", help="Whose, by the name of their key.")]
Id = Annotated[str, typer.Argument(help="As the list shows it.")]


@app.command(name="list")
def list_(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=500)] = 20,
    of: Of = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show the sessions used last."""
    found = _ask("GET", _PATH, key, query={"limit": limit, "key": of})
    if as_json:
        _json(found)
        return
    table = Table(box=None, pad_edge=False)
    for name in ("last used (UTC)", "key", "pinned", "model", "requests", "tokens", "session"):
        table.add_column(name, overflow="fold")
    for each in found["sessions"]:
        table.add_row(
            _when(each["last_used_at"]),
            each["key"] or "-",
            each["pinned"] or "",
            each["model"] or "",
            str(each["requests"]),
            f"{sum(each['tokens'].values()):,}",
            each["id"],
        )
    out = Console()
    # A pipe has no width, and an id that is cut short is of no use to the next command.
    out.print(table if found["sessions"] else "nothing has passed through the gateway yet", width=max(out.width, 120))


@app.command()
def show(id: Id, of: Of = None, key: Key = None, as_json: AsJson = False) -> None:
    """Show what a session is pinned to, what answered last and why, and what it has used."""
    _show(_ask("GET", f"{_PATH}/{quote(id, safe='')}", key, query={"key": of}), as_json)


@app.command()
def pin(
    id: Id,
    model: Annotated[str, typer.Argument(help="provider/model, a tier, an alias, or auto.")],
    of: Of = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Let a model answer a session from its next request on."""
    _show(_ask("PUT", f"{_PATH}/{quote(id, safe='')}", key, query={"key": of}, body={"model": model}), as_json)


@app.command()
def unpin(id: Id, of: Of = None, key: Key = None, as_json: AsJson = False) -> None:
    """Let routing choose again."""
    _show(_ask("PUT", f"{_PATH}/{quote(id, safe='')}", key, query={"key": of}, body={"model": None}), as_json)


def _ask(method: str, path: str, key: str | None, **what: Any) -> Any:
    async def ask() -> Any:
        async with connect(config.load(), key) as connection:
            return await connection.call(method, path, **what)

    return asyncio.run(ask())


def _show(session: dict[str, Any], as_json: bool) -> None:
    if as_json:
        _json(session)
        return
    tokens = session["tokens"]
    rows = {
        "session": session["id"],
        "key": session["key"] or "none",
        "project": session["project"] or "none",
        "agent": session["agent"] or "none",
        "pinned": session["pinned"] or "no",
        "model": session["model"] or "none has answered yet",
        "because": ", ".join(session["reasons"]),
        "requests": str(session["requests"]),
        "tokens": f"{tokens['input']:,} in, {tokens['cached']:,} cached, {tokens['written']:,} written, "
        f"{tokens['output']:,} out",
        "in its cache": f"{session['cached_tokens']:,}",
        "last used": _when(session["last_used_at"]),
    }
    out = Console(highlight=False, soft_wrap=True)
    for name, value in rows.items():
        if value:
            out.print(f"{name:<14}{value}", markup=False)


def _json(answer: Any) -> None:
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))


def _when(moment: str | None) -> str:
    return moment[:16].replace("T", " ") if moment else "never"
