"""`athena doctor`: what is wrong, why, and the command that mends it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from athena import config
from athena.cli.connection import base_url, connect
from athena.cli.doctor_checks import containers, machine, models, parts, place, routing
from athena.cli.doctor_checks.finding import Check, Finding, Patient, problem
from athena.config import Settings
from athena.errors import AthenaError, Forbidden, InvalidSetting, Unauthorized

app = typer.Typer()

CHECKS: tuple[Check, ...] = (
    place.python,
    place.home,
    place.disk,
    machine.memory,
    machine.swapping,
    machine.cores,
    machine.heat,
    place.llama_cpp,
    models.embedding_model,
    models.reasoning_model,
    parts.api,
    parts.postgres,
    parts.embedding,
    parts.reasoning,
    parts.backlog,
    models.generations,
    routing.routing,
    parts.keys,
    place.logs,
    containers.stack,
)
_MARKS = {"ok": ("✓", "green"), "info": ("i", "blue"), "problem": ("✗", "red")}


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="All findings as JSON.")] = False,
    key: Annotated[str | None, typer.Option("--key", envvar="ATHENA_KEY")] = None,
) -> None:
    """Look for what is wrong; exit code 1 if anything is."""
    findings = asyncio.run(examine(key))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        show(findings)
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)


async def examine(key: str | None = None) -> list[Finding]:
    try:
        settings = config.load()
    except InvalidSetting as exc:
        return problem("settings", exc.message, "a setting has a wrong value", "correct it, then again: athena doctor")
    patient = await _admit(settings, key)
    found = await asyncio.gather(*(_done(check, patient) for check in CHECKS))
    return [finding for findings in found for finding in findings]


async def _done(check: Check, patient: Patient) -> Sequence[Finding]:
    """A check that fails is a finding itself; the others go on."""
    try:
        return await check(patient)
    except AthenaError as exc:
        return problem(check.__name__.replace("_", " "), exc.message, None, exc.hint)


async def _admit(settings: Settings, key: str | None) -> Patient:
    address = base_url(settings)
    try:
        async with connect(settings, key) as connection:
            health = await connection.call("GET", "/health")
    except (Unauthorized, Forbidden) as exc:
        return Patient(settings, address, key, None, exc)
    except (AthenaError, ValueError):
        return Patient(settings, address, key, None)
    return Patient(settings, address, key, health if isinstance(health, dict) and "parts" in health else None)


def show(findings: Sequence[Finding]) -> None:
    console = Console(soft_wrap=True)
    for finding in findings:
        mark, colour = _MARKS[finding.state]
        console.print(mark, style=colour, end=" ")
        console.print(f"{finding.check}: {finding.what}", markup=False, highlight=False)
        if finding.why and finding.state != "ok":
            console.print(f"    why: {finding.why}", markup=False, highlight=False)
        if finding.mend and finding.state != "ok":
            console.print(f"    mend: {finding.mend}", markup=False, highlight=False)
    problems = sum(finding.state == "problem" for finding in findings)
    console.print("nothing is wrong" if not problems else f"{problems} to mend")
