"""`python -m tests.bench.consolidate`: what consolidation is held to, measured on this machine.

Exit status 1 if a bar isn't reached or a part broke.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog
from rich.console import Console

from tests.bench import report
from tests.bench.bars import Figure, Results
from tests.bench.consolidate import dialogue, quality, scale
from tests.bench.consolidate.options import Options
from tests.bench.timing import Stopwatch
from tests.bench.world.ground import ROOT, Ground, ground

Part = Callable[[Ground, Options], Awaitable[list[Figure]]]
PARTS: dict[str, Part] = {"quality": quality.measure, "locomo": dialogue.measure, "scale": scale.measure}
_OUTPUT = ROOT / "build" / "bench" / "consolidation.json"


def main(argv: list[str]) -> int:
    arguments = _parser().parse_args(argv)
    options = Options(
        histories=tuple(arguments.history),
        locomo=arguments.locomo,
        first_seed=arguments.first_seed,
        seeds=arguments.seeds,
        size=arguments.size,
        rows=arguments.rows,
    )
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    results, seen = Results(), report.machine()
    console = Console(width=None if sys.stdout.isatty() else 180)
    asyncio.run(_measure(arguments.only or list(PARTS), options, results))
    report.table(results, console, "Athena's consolidation")
    report.write(results, options, seen, arguments.output)
    console.print(f"{'every bar reached' if results.passed else 'NOT every bar reached'}: {arguments.output}")
    return 0 if results.passed else 1


async def _measure(names: list[str], options: Options, results: Results) -> None:
    async with ground() as stands:
        for name, measure in PARTS.items():
            if name not in names:
                results.skipped[name] = "not asked for"
                continue
            if name == "locomo" and options.locomo is None:
                results.skipped[name] = "no file: make bench-consolidation LOCOMO=/path/to/locomo.json"
                continue
            print(f"{name} …", file=sys.stderr, flush=True)
            watch = Stopwatch()
            try:
                results.figures += await measure(stands, options)
            except Exception as exc:  # one broken part must not hide the others' figures
                results.failed[name] = "".join(traceback.format_exception(exc)[-4:])
            results.seconds[name] = round(watch.seconds, 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-consolidation", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), help="parts to measure (all)")
    parser.add_argument("--output", type=Path, default=_OUTPUT)
    parser.add_argument("--history", action="append", default=[], help="score this file (again: another)")
    # `make bench-consolidation LOCOMO=…`: make passes its command line's variables on as environment.
    given = os.environ.get("LOCOMO")
    parser.add_argument("--locomo", type=Path, default=Path(given) if given else None, help="the LoCoMo file")
    for name in ("first_seed", "seeds", "size", "rows"):
        default = Options.__dataclass_fields__[name].default
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default, help=f"(default {default})")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
