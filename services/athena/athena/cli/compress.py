"""`athena compress FILE --ratio 0.5 --diff`: what compression makes of a text, and what it takes out."""

from __future__ import annotations

import asyncio
import difflib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from athena import config
from athena.cli.connection import connect
from athena.cli.memory import AsJson, Key, Project
from athena.errors import InvalidInput

app = typer.Typer()
_PIECE = re.compile(r"\s*\S+")
# Beyond this a word-by-word comparison takes long; lines are compared then.
_MANY_WORDS = 20_000


@app.command()
def compress(
    file: Annotated[str, typer.Argument(help='The text to shorten; "-" reads standard input.')],
    instruction: Annotated[str, typer.Option("--for", "-f", help="What the text is needed for: a question.")] = "",
    ratio: Annotated[float, typer.Option("--ratio", "-r", help="Share of tokens to keep.")] = 0.5,
    lossless: Annotated[bool, typer.Option("--lossless", help="Only what loses nothing.")] = False,
    budget_ms: Annotated[float, typer.Option("--budget-ms", help="How long to wait for models.")] = 2_000,
    diff: Annotated[bool, typer.Option("--diff", help="Show in colour what went.")] = False,
    project: Project = "default",
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Shorten a text to what a question needs of it."""
    original = _read(file)
    body = {
        "context": original,
        "instruction": instruction,
        "compression_ratio": ratio,
        "lossless_only": lossless,
        "budget_ms": budget_ms,
        "project": project,
    }
    done = asyncio.run(_compress(body, key))
    if as_json:
        typer.echo(json.dumps(done, indent=2, ensure_ascii=False))
        return
    short = done["compressed_prompt"]
    if diff:
        out = Console(highlight=False, soft_wrap=True)
        out.print(_marked(original, short, coloured=out.is_terminal))
    else:
        typer.echo(short, nl=not short.endswith("\n"))
    typer.echo(_summary(done), err=True)


@app.command()
def original(
    id: Annotated[str, typer.Argument(help="The id in a mark.")], project: Project = "default", key: Key = None
) -> None:
    """Print what compress left out."""

    async def ask() -> Any:
        async with connect(config.load(), key) as api:
            return await api.call("GET", f"/api/v1/compression/{id}", query={"project": project})

    typer.echo(asyncio.run(ask())["text"], nl=False)


async def _compress(body: dict[str, Any], key: str | None) -> Any:
    async with connect(config.load(), key) as api:
        return await api.call("POST", "/api/v1/compress", body=body)


def _read(file: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as exc:
        raise InvalidInput(f"{file} can't be read: {exc.strerror}") from exc
    return data.decode(errors="replace").replace("\x00", "�")


def _summary(done: dict[str, Any]) -> str:
    engines = " + ".join(done["engines"]) or "nothing to do"
    line = (
        f"{done['original_tokens']} → {done['compressed_tokens']} tokens ({done['compression_ratio']:.0%}) by {engines}"
    )
    if not done["reached"]:
        line += f"; the target wasn't reached: {done['floor_tokens']} tokens must stay"
    if done["elisions"]:
        line += f"; left out in {len(done['elisions'])} marked places: athena original ID gives one back"
    return line + "".join(f"\nwithout {reason}" for reason in done["degraded"])


def _marked(original: str, short: str, *, coloured: bool) -> Text:
    """The original with what went in red and what stands for it in green; without colours as [-went-]{+came+}."""
    before, after = _pieces(original), _pieces(short)
    text = Text()
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            text.append("".join(before[a:b]))
            continue
        went, came = "".join(before[a:b]), "".join(after[c:d])
        if coloured:
            text.append(went, style="red strike").append(came, style="green")
        else:
            text.append(f"[-{went}-]" if went else "").append(f"{{+{came}+}}" if came else "")
    return text


def _pieces(text: str) -> list[str]:
    words = list(_words(text))
    return words if len(words) <= _MANY_WORDS else text.splitlines(keepends=True)


def _words(text: str) -> Iterator[str]:
    end = 0
    for match in _PIECE.finditer(text):
        end = match.end()
        yield match.group()
    if end < len(text):
        yield text[end:]
