"""The table for people and the file for machines."""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from rich.console import Console
from rich.table import Table

from athena import __version__
from tests.bench.bars import Figure, Results

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def table(results: Results, console: Console, title: str = "Athena's memory beside mem0") -> None:
    shown = Table(title=title, title_justify="left")
    for column in ("part", "figure", "value", "bar", "", "Athena", "beside it"):
        shown.add_column(column, overflow="fold")
    for figure in results.figures:
        shown.add_row(
            figure.part, figure.name, _number(figure), _bar(figure), _mark(figure), figure.ours, figure.theirs
        )
    console.print(shown)
    for part, why in results.skipped.items():
        console.print(f"skipped {part}: {why}", markup=False)
    for part, why in results.failed.items():
        console.print(f"[red]broke[/red] {part}:", end=" ")
        console.print(why, markup=False)


def write(results: Results, options: DataclassInstance, machine: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "passed": results.passed,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "athena": __version__,
        "machine": machine,
        "options": {name: str(value) if isinstance(value, Path) else value for name, value in asdict(options).items()},
        "seconds": results.seconds,
        "figures": [figure.as_json() for figure in results.figures],
        "skipped": results.skipped,
        "failed": results.failed,
    }
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def machine() -> dict[str, Any]:
    """`load`: the run queue's length when this is called; a busy machine is no ground for a bar."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "python": platform.python_version(),
        "load": round(psutil.getloadavg()[0], 2),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _number(figure: Figure) -> str:
    digits = 3 if figure.value < 10 else 1
    return f"{figure.value:.{digits}f} {figure.unit}".strip()


def _bar(figure: Figure) -> str:
    return "" if figure.bar is None else f"{'≥' if figure.side == 'at least' else '≤'} {figure.bar:g}"


def _mark(figure: Figure) -> str:
    return {None: "", True: "[green]ok[/green]", False: "[red]below[/red]"}[figure.passed]
