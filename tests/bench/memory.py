"""`python -m tests.bench.memory`: what the memory is held to, measured on this machine, beside mem0.

Exit status 1 if a bar isn't reached or a part broke.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import fields
from pathlib import Path

import structlog
from rich.console import Console

from tests.bench import report
from tests.bench.bars import Figure, Results
from tests.bench.options import Options
from tests.bench.parts import footprint, ingest, locomo, peers, scale, startup
from tests.bench.timing import Stopwatch
from tests.bench.world.ground import ROOT, Ground, ground

Part = Callable[[Ground, Options], Awaitable[list[Figure]]]
PARTS: dict[str, Part] = {
    "start": startup.measure,
    "floor": ingest.against_the_floor,
    "peers": peers.measure,
    "locomo": locomo.measure,
    "footprint": footprint.measure,
    "scale": scale.measure,
}
_OUTPUT = ROOT / "build" / "bench" / "memory.json"


def main(argv: list[str]) -> int:
    arguments = _parser().parse_args(argv)
    options = Options(**{field.name: getattr(arguments, field.name) for field in fields(Options)})
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    results, seen = Results(), report.machine()
    console = Console(width=None if sys.stdout.isatty() else 160)
    try:
        asyncio.run(_measure(arguments.only or list(PARTS), options, results))
    except asyncio.CancelledError:
        return 143
    report.table(results, console)
    report.write(results, options, seen, arguments.output)
    console.print(f"{'every bar reached' if results.passed else 'NOT every bar reached'}: {arguments.output}")
    return 0 if results.passed else 1


async def _measure(names: list[str], options: Options, results: Results) -> None:
    running = asyncio.current_task()
    if running is not None and sys.platform != "win32":
        # As with Ctrl-C: what was started is stopped, folders go.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    for name in PARTS:
        if name not in names:
            results.skipped[name] = "not asked for"
    async with ground() as stands:
        for name in (name for name in PARTS if name in names):
            if name == "locomo" and options.locomo is None:
                results.skipped[name] = "no file: make bench-memory LOCOMO=/path/to/locomo.json"
                continue
            print(f"{name} …", file=sys.stderr, flush=True)
            watch = Stopwatch()
            try:
                results.figures += await PARTS[name](stands, options)
            except Exception as exc:  # one broken part must not hide the others' figures
                results.failed[name] = "".join(traceback.format_exception(exc)[-4:])
            results.seconds[name] = round(watch.seconds, 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-memory", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), help="parts to measure (all)")
    parser.add_argument("--output", type=Path, default=_OUTPUT)
    # `make bench-memory LOCOMO=…`: make passes its command line's variables on as environment.
    given = os.environ.get("LOCOMO")
    parser.add_argument(
        "--locomo",
        type=Path,
        default=Path(given) if given else None,
        help="the LoCoMo file; without it that part is skipped (default: LOCOMO of the environment)",
    )
    for field in fields(Options):
        if field.name != "locomo":
            flag = f"--{field.name.replace('_', '-')}"
            parser.add_argument(flag, type=int, default=field.default, help=f"(default {field.default})")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
