"""`athena export` and `athena import`: the memory as a file of lines."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from athena import config
from athena.cli.connection import connect
from athena.errors import InvalidInput, NotFound, StackError

app = typer.Typer()

Key = Annotated[str | None, typer.Option("--key", envvar="ATHENA_KEY", help="Athena key, where one is needed.")]
_STANDARD = "-"
_PIECE = 256 * 1024
_END = b'{"record":"end"'
_WHY = {
    "duplicate": "another memory here says the same",
    "forgotten": "it was forgotten here (--revive takes it in)",
    "different": "something else has its id here",
    "diverged": "here, another one superseded it; both are kept",
    "remembered": "forgotten there, still remembered here",
    "missing": "this isn't here, and something speaks of it",
}


@app.command()
def export(
    file: Annotated[str, typer.Argument(help='Where to; "-" is standard output.')] = _STANDARD,
    project: Annotated[str | None, typer.Option("--project", "-p", help="Only this project; else all.")] = None,
    key: Key = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written, as JSON.")] = False,
) -> None:
    """Write everything remembered, with its history, as lines of JSON."""
    if file == _STANDARD:
        if as_json:
            raise InvalidInput("--json needs a FILE: standard output holds the export itself")
        asyncio.run(_export(sys.stdout.buffer, project, key))
        return
    with _whole(Path(file)) as out:
        header = asyncio.run(_export(out, project, key))
    told = {"file": file, "memories": header["memories"], "tombstones": header["tombstones"]}
    told["bytes"] = Path(file).stat().st_size
    typer.echo(json.dumps(told) if as_json else f"{file}: {told['memories']:,} memories, {told['bytes'] / 1e6:,.1f} MB")


@app.command(name="import")
def import_(
    file: Annotated[str, typer.Argument(help='An export; "-" is standard input.')],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    revive: Annotated[bool, typer.Option("--revive", help="Also take in what was forgotten here.")] = False,
    key: Key = None,
    as_json: Annotated[bool, typer.Option("--json", help="The API's answer as it is.")] = False,
) -> None:
    """Take an export in: all of it or, if a line is damaged, nothing. What is here already stays as it is."""
    if file == _STANDARD:
        answer = asyncio.run(_import(sys.stdin.buffer, None, dry_run, revive, key))
    else:
        try:
            with Path(file).open("rb") as lines:
                size = os.fstat(lines.fileno()).st_size
                answer = asyncio.run(_import(lines, size, dry_run, revive, key))
        except FileNotFoundError as exc:
            raise NotFound(f"there is no file {file}") from exc
        except IsADirectoryError as exc:
            raise InvalidInput(f"{file} is a folder") from exc
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        _tell(answer)


async def _export(out: BinaryIO, project: str | None, key: str | None) -> dict[str, Any]:
    """The header of what was written. Raises `StackError` if the last line didn't come."""
    header: dict[str, Any] | None = None
    tail, records, total = b"", -1, 0
    async with connect(config.load(), key) as connection:
        # A bar among the lines themselves would be of no help.
        with _bars(MofNCompleteColumn(), hidden=out.isatty()) as bars:
            task = bars.add_task("exporting", total=None)
            query = {"project": project}
            async with connection.stream("GET", "/api/v1/export", query=query) as answer:
                async for piece in answer.aiter_bytes(_PIECE):
                    out.write(piece)
                    if header is None:
                        header = json.loads(piece.split(b"\n", 1)[0])
                        total = sum(count for count in header.values() if type(count) is int) - header["version"]
                    records += piece.count(b"\n")
                    bars.update(task, completed=min(records, total), total=total)
                    tail = (tail + piece)[-256:]
    if header is None or not tail.rstrip().rpartition(b"\n")[2].startswith(_END):
        raise StackError("the export was cut off", hint="athena logs api shows why; athena export again")
    out.flush()
    return header


async def _import(lines: BinaryIO, size: int | None, dry_run: bool, revive: bool, key: str | None) -> Any:
    query = {"dry_run": str(dry_run).lower(), "revive": str(revive).lower()}
    async with connect(config.load(), key) as connection:
        with _bars(DownloadColumn()) as bars:
            task = bars.add_task("importing", total=size)

            async def pieces() -> AsyncIterator[bytes]:
                while piece := await asyncio.to_thread(lines.read, _PIECE):
                    yield piece
                    bars.advance(task, len(piece))

            async with connection.stream("POST", "/api/v1/import", query=query, content=pieces()) as answer:
                await answer.aread()
                return answer.json()


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file that has its name only once it is complete; readable by its owner alone."""
    part = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            yield out
            os.fsync(out.fileno())
        part.replace(path)
    except OSError as exc:
        raise InvalidInput(f"{path} can't be written: {exc.strerror or exc}") from exc
    finally:
        part.unlink(missing_ok=True)


def _bars(amount: DownloadColumn | MofNCompleteColumn, *, hidden: bool = False) -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn())
    return Progress(*columns, console=console, disable=hidden or not console.is_terminal)


def _tell(answer: dict[str, Any]) -> None:
    verb = "would be" if answer["dry_run"] else "were"
    known = f"{answer['known']:,} are known already"
    typer.echo(f"{answer['memories']:,} memories: {answer['created']:,} {verb} imported, {known}")
    if answer["superseded"]:
        typer.echo(f"{answer['superseded']:,} that are known here {verb} brought up to date")
    if answer["tombstones"]:
        typer.echo(f"{answer['tombstones']:,} tombstones of forgotten memories {verb} imported")
    if answer["evidence"]:
        typer.echo(f"{answer['evidence']:,} pieces of evidence {verb} imported")
    left = answer["duplicates"] + answer["forgotten"] + answer["conflicts"] + answer["missing"]
    if left:
        typer.echo(f"{left:,} lines were left out:", err=True)
    for each in answer["left_out"]:
        typer.echo(f"  line {each['line']}: {each['id']}: {_WHY[each['why']]}", err=True)
    if left > len(answer["left_out"]):
        typer.echo("  …", err=True)
