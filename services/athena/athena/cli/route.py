"""`athena route explain | table`: which model would answer, and everything that decides it."""

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
from athena.cli.table import console

app = typer.Typer(no_args_is_help=True, help="Which model answers what, and why. Nothing is sent.")

_PATH = "/api/v1/route"
# A pipe has no width: there a state is said in one line.
_PIPE_WIDTH = 200
Key = Annotated[str | None, typer.Option("--key", envvar="ATHENA_KEY", help="Athena key, where one is needed.")]
AsJson = Annotated[bool, typer.Option("--json", help="The API's answer as it is.")]


@app.command()
def explain(
    text: Annotated[str, typer.Argument(help="What a person would say.")],
    model: Annotated[str, typer.Option("--model", "-m", help="As a client would name it.")] = "auto",
    request_class: Annotated[
        str | None, typer.Option("--class", help="main, subagent, workflow, compaction or auxiliary.")
    ] = None,
    task: Annotated[str | None, typer.Option("--task", "-t", help="As x-athena-task would name it.")] = None,
    override: Annotated[str | None, typer.Option("--override", help="As x-athena-model would name it.")] = None,
    session: Annotated[str | None, typer.Option("--session", help="A session's pin and history count.")] = None,
    agent: Annotated[str | None, typer.Option("--agent", help="An agent's model counts.")] = None,
    project: Annotated[str | None, typer.Option("--project", "-p", help="For rules that name one.")] = None,
    surface: Annotated[str, typer.Option("--surface", help="anthropic or openai.")] = "anthropic",
    tools: Annotated[bool, typer.Option("--tools", help="The request brings tools.")] = False,
    image: Annotated[int, typer.Option("--image", count=True, help="It brings an image; can be given twice.")] = 0,
    tokens: Annotated[int | None, typer.Option("--tokens", min=0, help="Length of the whole prompt.")] = None,
    loop: Annotated[bool, typer.Option("--in-tool-loop", help="It answers a tool call.")] = False,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show which model would answer, and why. Exit status 1 if none would."""
    body = {
        "text": text,
        "model": model,
        "request_class": request_class,
        "task": task,
        "override": override,
        "session": session,
        "agent": agent,
        "project": project,
        "surface": surface,
        "tools": tools,
        "images": image,
        "tokens": tokens,
        "in_tool_loop": loop,
    }
    given = {name: value for name, value in body.items() if value is not None}
    found = asyncio.run(_call("POST", f"{_PATH}/explain", key, given))
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _explained(found)
    if found["error"]:
        raise typer.Exit(1)


@app.command(name="table")
def table_(key: Key = None, as_json: AsJson = False) -> None:
    """Show the tiers: models, prices, windows, credentials, and what each is at."""
    found = asyncio.run(_call("GET", _PATH, key))
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    out = console()
    out.print(_table(found), width=None if out.is_terminal else _PIPE_WIDTH)
    aliases = ", ".join(f"{name} = {target}" for name, target in found["aliases"].items())
    out.print(f"aliases: {aliases}", style="dim", soft_wrap=True)
    out.print(f"auto: {_tasks(found)}", style="dim", soft_wrap=True)
    if found["local_only"]:
        out.print("local-only mode is on: cloud models aren't asked", style="yellow")
    if not found["enabled"]:
        out.print("routing is off: only models that are named answer", style="yellow")
    _warn(out, found["warnings"])


async def _call(method: str, path: str, key: str | None, body: dict[str, Any] | None = None) -> Any:
    async with connect(config.load(), key) as api:
        return await api.call(method, path, body=body)


def _explained(found: dict[str, Any]) -> None:
    out = console()
    error = found["error"]
    if error:
        out.print(Text(f"{error['status']} {error['code']}: {error['message']}", style="red"))
        if error["hint"]:
            out.print(Text(error["hint"], style="cyan"))
    else:
        first, *others = found["models"]
        cost = "free" if first["local"] else _cost(found["input_usd"])
        out.print(Text(f"{first['model']}", style="bold green").append(f"  ({first['tier'] or 'no tier'}, {cost})"))
        if others:
            out.print(Text(f"then     {', '.join(each['model'] for each in others)}"), soft_wrap=True)
        out.print(Text(f"because  {'; '.join(found['reasons'])}"), soft_wrap=True)
    task = f", task {found['task']} by its {found['task_from']}" if found["task"] else ""
    out.print(
        Text(f"request  {found['request_class']}{task}, about {found['tokens']:,} tokens", style="dim"), soft_wrap=True
    )
    for each in found["passed"]:
        out.print(Text(f"not      {each['model']}: {each['why']}", style="dim"), soft_wrap=True)
    _warn(out, found["warnings"])


def _table(found: dict[str, Any]) -> Table:
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("tier", "model", "window", "$ in/out per M", "can", "speed code text logic", "state"):
        made.add_column(column, overflow="fold", no_wrap=column in ("tier", "model"))
    rows = [(tier["name"], model) for tier in found["tiers"] for model in tier["models"]]
    rows += [("", model) for model in found["others"]]
    before = None
    for tier, model in rows:
        ready = model["state"] == "ready"
        made.add_row(
            tier if tier != before else "",
            model["model"],
            f"{model['context']:,}" if model["context"] else "?",
            "free" if model["local"] else _price(model["price"]),
            " ".join(name for name in ("vision", "tools", "thinking") if model[name]) or "?",
            " ".join(str(model[name] or "?") for name in ("speed", "code", "writing", "reasoning")),
            Text(model["state"], style="green" if ready else "yellow"),
        )
        before = tier
    return made


def _tasks(found: dict[str, Any]) -> str:
    by_target: dict[str, list[str]] = {}
    for kind, target in found["tasks"].items():
        by_target.setdefault(target, []).append(kind)
    cloud = f"; cloud is {found['baseline']}" if "cloud" in by_target else ""
    kinds = "; ".join(f"{', '.join(kinds)} to {target}" for target, kinds in by_target.items())
    return f"{kinds}; anything else to {found['default']}{cloud}"


def _warn(out: Console, warnings: list[str]) -> None:
    for line in warnings:
        out.print(Text(f"note: {line}", style="yellow"), soft_wrap=True)


def _price(price: dict[str, float] | None) -> str:
    return "?" if price is None else f"{price['input']:g}/{price['output']:g}"


def _cost(usd: float | None) -> str:
    return "price unknown" if usd is None else f"about ${usd:.4f} for the prompt"
