"""`athena usage`: what was used and saved. `athena budgets`: what may be spent."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import typer
from rich.table import Table
from rich.text import Text

from athena import config
from athena.cli.connection import connect
from athena.cli.memory import AsJson, Key
from athena.cli.table import console
from athena.errors import InvalidInput
from athena.usage.reports import By
from athena.usage.table import csv_of

app = typer.Typer()
budgets = typer.Typer(no_args_is_help=True, help="What a key or an agent may spend.")

_BAR = 40
_CAUSES = ("local", "cache", "compression", "routing")


@app.command()
def usage(
    by: Annotated[By, typer.Option("--by", help="One line for each of these.")] = "day",
    days: Annotated[int, typer.Option("--days", "-d", min=1, max=3_660, help="Today and the days before it.")] = 30,
    project: Annotated[str | None, typer.Option("--project", "-p", help="Only this project's.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000)] = 50,
    key: Key = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="A table for other programs; has all columns.")] = False,
) -> None:
    """Show what was used, what it cost, and what was saved."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight - timedelta(days=days - 1)
    query = {"from": since.isoformat(), "by": by, "project": project, "limit": limit}
    report = asyncio.run(_ask("GET", "/api/v1/usage", key, query=query))
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
    elif as_csv:
        typer.echo(csv_of(report), nl=False)
    else:
        _print(report)


@budgets.command(name="list")
def list_(key: Key = None, as_json: AsJson = False) -> None:
    """Show all budgets and how far they are used up."""
    found = asyncio.run(_ask("GET", "/api/v1/budgets", key))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    if not found["budgets"]:
        typer.echo("there are no budgets")
        return
    table = _table("id", "of", "per", "spent", "of at most", "then", "fresh at (UTC)")
    for each in found["budgets"]:
        spent = _cost({"cost_usd": each["spent_usd"], "unpriced": each["unpriced"]})
        over = "red" if each["spent_usd"] >= each["amount_usd"] else ""
        table.add_row(
            str(each["id"]), Text(_of(each)), each["period"], Text(spent, style=over), _usd(each["amount_usd"]),
            each["action"], each["fresh_at"][:16].replace("T", " "),
        )  # fmt: skip
    console().print(table)


@budgets.command(name="set")
def set_(
    amount: Annotated[float, typer.Argument(help="USD.", min=0)],
    per: Annotated[Literal["day", "month"], typer.Option("--per", help="Of UTC.")] = "month",
    action: Annotated[
        Literal["warn", "degrade", "stop"],
        typer.Option("--then", help="When it is spent: say so, take a cheaper tier, or answer no more."),
    ] = "warn",
    for_key: Annotated[str | None, typer.Option("--for-key", help="The key's name.")] = None,
    for_agent: Annotated[str | None, typer.Option("--for-agent", help="The agent's name.")] = None,
    keyless: Annotated[
        bool, typer.Option("--for-keyless", help="Whoever asks without a key, on this machine.")
    ] = False,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Set a budget, or change the amount of the one with the same period and action."""
    named = [("key", for_key), ("agent", for_agent), ("key", "" if keyless else None)]
    subjects = [(subject, name) for subject, name in named if name is not None]
    if len(subjects) != 1:
        raise InvalidInput("say whose budget: one of --for-key NAME, --for-agent NAME, --for-keyless")
    subject, name = subjects[0]
    body = {"subject": subject, "name": name, "period": per, "amount_usd": amount, "action": action}
    stored = asyncio.run(_ask("PUT", "/api/v1/budgets", key, body=body))
    limit = f"{_usd(stored['amount_usd'])} a {per}, then {action}"
    typer.echo(json.dumps(stored, ensure_ascii=False, indent=2) if as_json else f"{_of(stored)}: {limit}")
    if not as_json:
        # One says so and another stops: several may stand beside each other, which nobody should find out by a 402.
        for each in asyncio.run(_ask("GET", "/api/v1/budgets", key))["budgets"]:
            if each["id"] != stored["id"] and (each["subject"], each["name"]) == (subject, name):
                typer.echo(
                    f"beside it: {_usd(each['amount_usd'])} a {each['period']}, then {each['action']} "
                    f"(athena budgets remove {each['id']} takes it away)"
                )


@budgets.command()
def remove(
    id: Annotated[int, typer.Argument(help="As `list` shows it.")], key: Key = None, as_json: AsJson = False
) -> None:
    """Take a budget away."""
    removed = asyncio.run(_ask("DELETE", f"/api/v1/budgets/{id}", key))
    typer.echo(json.dumps(removed) if as_json else f"removed: {id}")


async def _ask(method: str, path: str, key: str | None, **more: Any) -> Any:
    async with connect(config.load(), key) as api:
        return await api.call(method, path, **more)


def _print(report: dict[str, Any]) -> None:
    total, out = report["total"], console()
    span = f"{report['from'][:10]} to {report['to'][:10]} (UTC)"
    if not total["attempts"]:
        typer.echo(f"nothing was used: {span}")
        return
    ended = [f"{total[name]} {name}" for name in ("failed", "cancelled") if total[name]]
    if again := total["attempts"] - total["requests"]:
        ended.append(f"{again} more attempt{'s' if again > 1 else ''}")
    out.print(", ".join([f"{span}: {total['requests']} requests", *ended]), markup=False)
    out.print(f"spent {_cost(total)}, saved {_usd(total['saved_usd']['total'])}", markup=False)
    saved = [f"{cause} {_usd(total['saved_usd'][cause])}" for cause in _CAUSES]
    tokens = f" ({_count(total['tokens']['saved'])} tokens)"
    if total["saved_usd"]["cache"] < 0:
        saved.append("writing the cache costs first and pays when it is read")
    out.print("  saved by " + ", ".join(saved).replace("compression", f"compression{tokens}"), markup=False)
    if total["unvalued"]:
        out.print(f"  attempts whose savings aren't known: {total['unvalued']}", style="yellow", markup=False)
    if (share := total["local"]["share"]) is not None:
        out.print(_bar(share))
    out.print(_lines(report))
    if report["omitted"]:
        out.print(f"{report['omitted']} more lines: --limit", style="yellow", markup=False)


def _bar(share: float) -> Text:
    filled = round(share * _BAR)
    text = Text("local ").append("█" * filled, style="green").append("░" * (_BAR - filled), style="blue")
    return text.append(f" cloud  {share:.0%} of all tokens are local")


def _lines(report: dict[str, Any]) -> Table:
    table = _table(
        report["by"], "requests", "failed", "in", "cached", "written", "out", "cost", "saved", "first", "tok/s"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for line in report["lines"]:
        tokens, first, speed = line["tokens"], line["latency_ms"]["first_p50"], line["tokens_per_second"]
        table.add_row(
            Text(line["key"] or "-"),
            str(line["requests"]),
            str(line["failed"] or ""),
            *(_count(tokens[name]) for name in ("input", "cached", "written", "output")),
            _cost(line),
            _usd(line["saved_usd"]["total"]),
            "" if first is None else f"{first:.0f} ms",
            "" if speed is None else f"{speed:.0f}",
        )
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _of(budget: dict[str, Any]) -> str:
    return f"{budget['subject']} {budget['name']}" if budget["name"] else "requests without a key"


def _cost(line: dict[str, Any]) -> str:
    """What isn't known stands beside what is, and is never shown as nothing."""
    unknown = [f"{line['unpriced']} unpriced"] if line["unpriced"] else []
    known = [_usd(line["cost_usd"])] if line["cost_usd"] or not unknown else []
    return " + ".join(known + unknown)


def _usd(amount: float) -> str:
    digits = 2 if amount == 0 or abs(amount) >= 1 else 4 if abs(amount) >= 0.001 else 6
    return f"{'-' if amount < 0 else ''}${abs(amount):,.{digits}f}"


def _count(tokens: int) -> str:
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if abs(tokens) >= size:
            return f"{tokens / size:.1f}{unit}"
    return str(tokens)
