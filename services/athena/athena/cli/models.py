"""`athena pull`: get model files, with a progress bar, resumed and checked."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from athena import config
from athena.cli.local_only import AllowNetwork, network
from athena.cli.progress import shown
from athena.config import Settings
from athena.errors import InvalidInput
from athena.runtime import catalogue, inventory
from athena.runtime.catalogue import Catalogue, Model
from athena.runtime.fetch.pull import pull as fetch
from athena.runtime.progress import Report

app = typer.Typer()


@app.command("pull")
def pull(
    names: Annotated[list[str] | None, typer.Argument(help="Models of the manifest, by name, alias or file.")] = None,
    path: Annotated[Path | None, typer.Option(help="Put the files into this folder.")] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="The default embedder and reasoner.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Every model of the manifest.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hash what is already there, and fetch it anew if it is damaged.")
    ] = False,
    allow_network: AllowNetwork = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Download models. What was interrupted goes on where it stopped."""
    settings = config.load()
    folder = (path or settings.models_dir).expanduser().absolute()
    wanted = _wanted(catalogue.load(), folder, names or [], defaults=defaults, every=every, verify=verify)
    with network(settings, allowed=allow_network), shown() as report:
        results = asyncio.run(_pull_each(settings, wanted, folder, verify, report))
    if as_json:
        typer.echo(json.dumps(results, indent=2))
        return
    for result in results:
        typer.echo(f"{result['model']}: {result['path']} ({result['size'] / 1e6:,.0f} MB)")


def _wanted(
    listed: Catalogue, folder: Path, names: list[str], *, defaults: bool, every: bool, verify: bool
) -> list[Model]:
    if every:
        return list(listed.model)
    chosen = [listed.find(name) for name in names]
    if defaults:
        chosen += [listed.default("embedding"), listed.default("reasoning")]
    elif verify and not names:
        chosen = [model for model in listed.model if inventory.find(model, folder)]
    elif not names:
        known = ", ".join(f"{model.name} ({model.role})" for model in listed.model if model.part_of is None)
        raise InvalidInput(f"name a model to pull: {known}", hint="athena pull --defaults")
    whole = [part for model in chosen for part in listed.with_parts(model)]
    return list({model.name: model for model in whole}.values())


async def _pull_each(
    settings: Settings, models: list[Model], folder: Path, verify: bool, report: Report
) -> list[dict[str, Any]]:
    """One after the other: a connection each would only share the same line."""
    results: list[dict[str, Any]] = []
    for model in models:
        file = await fetch(settings, model, folder=folder, verify=verify, report=report)
        receipt = await asyncio.to_thread(inventory.receipt_of, file)
        results.append(
            {
                "model": model.name,
                "path": str(file),
                "size": (await asyncio.to_thread(file.stat)).st_size,
                "sha256": receipt.sha256 if receipt else None,
                "source": receipt.source if receipt else None,
                "commit": receipt.commit if receipt else None,
            }
        )
    return results
