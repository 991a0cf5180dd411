"""`athena local-only on | off | status`, and the one way around it: `--allow-network`, for one command."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import typer

from athena import config, http
from athena.cli.connection import Connection, connect
from athena.config import Settings
from athena.errors import Conflict, StackError
from athena.http.mirror import Mirror, Noted
from athena.runtime import home

app = typer.Typer()

Word = Literal["on", "off", "status"]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Key = Annotated[str | None, typer.Option("--key", envvar="ATHENA_KEY", help="Athena key, where one is needed.")]
AllowNetwork = Annotated[
    bool, typer.Option("--allow-network", help="Download although local-only mode is on; for this command alone.")
]


@app.command("local-only")
def local_only(
    word: Annotated[Word, typer.Argument(help="on, off or status.")] = "status",
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Let nothing leave for a host that isn't local; or say whether that is so."""
    settings = config.load()
    said = asyncio.run(_ask(settings, key, word))
    typer.echo(json.dumps(said, indent=2) if as_json else _in_words(said))


@contextmanager
def network(settings: Settings, *, allowed: bool) -> Iterator[None]:
    """Within this block a command may download; `allowed`: also while local-only mode is on, and says so."""
    if not allowed:
        try:
            yield
        except http.LocalOnly as exc:
            exc.hint = f"for this command alone: --allow-network. {'For all: ' + exc.hint if exc.hint else ''}".rstrip()
            raise
        return
    if (closed := Mirror(settings).closed()) is not None:
        typer.echo(f"{closed.why}; this command downloads all the same (--allow-network)", err=True)
    with http.gate.overridden():
        yield


async def _ask(settings: Settings, key: str | None, word: Word) -> dict[str, Any]:
    try:
        async with connect(settings, key) as api:
            return await _over_api(api, word)
    except StackError:
        return _in_file(settings, word)


async def _over_api(api: Connection, word: Word) -> dict[str, Any]:
    if word == "status":
        said = await api.call("GET", "/api/v1/local-only")
    else:
        said = await api.call("PUT", "/api/v1/local-only", body={"on": word == "on"})
    return {**said, "pending": False}


def _in_file(settings: Settings, word: Word) -> dict[str, Any]:
    """While Athena is down: what commands obey, and what the database is told when it is up again."""
    mirror = Mirror(settings)
    if word != "status":
        if settings.local_only and word == "off":
            raise Conflict("local-only mode is held on by ATHENA_LOCAL_ONLY", hint=http.FORCED.hint)
        home.prepare(settings)
        mirror.write(Noted(on=word == "on", changed_at=datetime.now(UTC), pending=True))
    closed = mirror.closed()
    try:
        noted: Noted | None = mirror.read()
    except StackError:
        noted = None
    return {
        "on": closed is not None,
        "known": settings.local_only or noted is not None,
        "forced": settings.local_only,
        "reason": closed.why if closed else None,
        "changed_at": noted.changed_at.isoformat() if noted and noted.changed_at else None,
        "changed_by": noted.changed_by if noted else None,
        "pending": noted is not None and noted.pending,
    }


def _in_words(said: dict[str, Any]) -> str:
    state = "on" if said["on"] else "off"
    if said["reason"] not in (None, http.ON.why):
        return f"local-only: {state} ({said['reason']})"
    if said["pending"]:
        return f"local-only: {state} (Athena is down: its database is told at the next start)"
    by = f" by {said['changed_by']}" if said["changed_by"] else ""
    since = f", since {said['changed_at'][:16].replace('T', ' ')} UTC{by}" if said["changed_at"] else ""
    return f"local-only: {state}{since}"
