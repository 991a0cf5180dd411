"""`python -m tests.bench.compression`: what compression is held to without the models of the compressor service.

Exit status 1 if a bar isn't reached or a part broke.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from athena import __version__
from tests.bench import compression_evidence, compression_keep, compression_speed, report, session
from tests.bench.bars import Figure, Results
from tests.bench.timing import Stopwatch

_OUTPUT = Path(__file__).resolve().parents[2] / "build" / "bench" / "compression.json"
_NAMES = (compression_evidence.PART, compression_keep.PART, compression_speed.PART, session.PART)


def main(argv: list[str]) -> int:
    arguments = _parser().parse_args(argv)
    results, machine = Results(), report.machine()
    asyncio.run(_measure(arguments, results))
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(_table(results))
    for part, why in (results.skipped | results.failed).items():
        console.print(f"{part}: {why}", markup=False)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "passed": results.passed,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "athena": __version__,
        "machine": machine,
        "seconds": results.seconds,
        "figures": [figure.as_json() for figure in results.figures],
        "skipped": results.skipped,
        "failed": results.failed,
    }
    arguments.output.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    console.print(f"{'every bar reached' if results.passed else 'NOT every bar reached'}: {arguments.output}")
    return 0 if results.passed else 1


async def _measure(arguments: argparse.Namespace, results: Results) -> None:
    parts: dict[str, Callable[[], Awaitable[list[Figure]]]] = {
        compression_keep.PART: compression_keep.measure,
        compression_speed.PART: compression_speed.measure,
        session.PART: session.run,
        compression_evidence.PART: lambda: compression_evidence.measure(
            arguments.locomo, arguments.questions, arguments.embeddings
        ),
    }
    for name, measure in parts.items():
        if name not in arguments.only:
            results.skipped[name] = "not asked for"
            continue
        if name == compression_evidence.PART and arguments.locomo is None:
            results.skipped[name] = "no file: --locomo /path/to/locomo.json"
            continue
        print(f"{name} …", file=sys.stderr, flush=True)
        watch = Stopwatch()
        try:
            results.figures += await measure()
        except Exception as exc:  # one broken part must not hide the others' figures
            results.failed[name] = f"{type(exc).__name__}: {exc}"
        results.seconds[name] = round(watch.seconds, 1)


def _table(results: Results) -> Table:
    shown = Table(title="Compression", title_justify="left")
    for column in ("part", "figure", "value", "bar", "", "Athena", "beside it"):
        shown.add_column(column, overflow="fold")
    marks = {None: "", True: "[green]ok[/green]", False: "[red]below[/red]"}
    for figure in results.figures:
        bar = "" if figure.bar is None else f"{'≥' if figure.side == 'at least' else '≤'} {figure.bar:g}"
        value = f"{figure.value:.3f} {figure.unit}".strip()
        shown.add_row(
            figure.part, figure.name, value, bar, marks[figure.passed], figure.ours, figure.theirs.replace("[", r"\[")
        )
    return shown


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-compression", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=_NAMES, default=list(_NAMES), help="parts to measure (all)")
    parser.add_argument("--output", type=Path, default=_OUTPUT)
    parser.add_argument("--locomo", type=Path, help="the LoCoMo file; without it that part is skipped")
    parser.add_argument("--questions", type=int, help="at most so many per conversation (all)")
    parser.add_argument("--embeddings", action="store_true", help="measure with MiniLM as the ranker, too")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
