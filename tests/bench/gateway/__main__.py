"""`python -m tests.bench.gateway`: what a request through the gateway costs, beside LiteLLM and Portkey.

One fake provider, one worker each, asked in turn. Exit status 1 if a bar isn't reached or a part broke.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import signal
import sys
import traceback
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from rich.console import Console

from tests.bench import report
from tests.bench.bars import Figure, Results
from tests.bench.gateway.load import Shape, Timed, body
from tests.bench.gateway.stands import MODELS, Stand, stands
from tests.bench.timing import percentile
from tests.bench.world.ground import ROOT, postgres_only

_OUTPUT = ROOT / "build" / "bench" / "gateway.json"
_ALL = ("athena", "athena-rewriting", "litellm", "portkey")
_SIZES = (200, 40_000, 400_000)
_AT_ONCE = (1, 4, 16)
# The bars: against Portkey's and LiteLLM's CPU at bodies up to this size; memory in MB; growth as a share.
_JUDGED_UP_TO = 40_000
_PORTKEY_BAR, _LITELLM_BAR, _MEMORY_BAR, _GROWTH_BAR = 1.3, 0.25, 200.0, 1.05


@dataclass(frozen=True, slots=True)
class Options:
    """`requests`: per shape, concurrency and gateway, in `rounds`. `soak`: for the memory's figures."""

    only: tuple[str, ...] = _ALL
    requests: int = 120
    rounds: int = 3
    soak: int = 10_000
    shapes: tuple[Shape, ...] = field(
        default_factory=lambda: tuple(
            Shape(wire, size, stream) for wire in MODELS for size in _SIZES for stream in (False, True)
        )
    )


@dataclass(slots=True)
class Measured:
    """Of one gateway, shape and concurrency: CPU milliseconds per request by round, and all times."""

    cpu_ms: list[float] = field(default_factory=list)
    times: list[Timed] = field(default_factory=list)

    @property
    def cpu(self) -> float:
        return percentile(self.cpu_ms, 0.5)


Key = tuple[str, Shape, int]


async def measure(options: Options, results: Results) -> None:
    async with postgres_only() as (home, dsn), stands(home, dsn, list(options.only)) as (provider, gateways):
        found = await _grid(options, provider, gateways)
        results.figures += _cpu_figures(options, found)
        results.figures += _time_figures(options, found)
        results.figures += await _memory(options, gateways)


async def _grid(options: Options, provider: Stand, gateways: list[Stand]) -> dict[Key, Measured]:
    """Everything in turn within each round, so that what else the machine does hits all alike."""
    found: dict[Key, Measured] = defaultdict(Measured)
    order = random.Random(7)
    everyone = [provider, *gateways]
    for shape in options.shapes:
        content = body(shape, MODELS[shape.wire])
        for stand in everyone:
            await stand.target(shape.wire).run(content, 8, 2)
        for at_once in _AT_ONCE:
            for _ in range(options.rounds):
                for stand in order.sample(everyone, len(everyone)):
                    before = stand.cpu_s()
                    share = max(at_once, options.requests // options.rounds)
                    times = await stand.target(shape.wire).run(content, share, at_once)
                    measured = found[stand.name, shape, at_once]
                    measured.times += times
                    measured.cpu_ms.append(1e3 * (stand.cpu_s() - before) / len(times))
        print(f"  {shape.label}", file=sys.stderr, flush=True)
    return found


def _cpu_figures(options: Options, found: dict[Key, Measured]) -> list[Figure]:
    figures = []
    for shape in options.shapes:
        per = {
            name: percentile([ms for at_once in _AT_ONCE for ms in found[name, shape, at_once].cpu_ms], 0.5)
            for name in options.only
        }
        figures += [Figure("cpu", f"{shape.label}, {name}", per[name], "ms/request") for name in options.only]
        judged = shape.size <= _JUDGED_UP_TO
        for peer, bar in (("portkey", _PORTKEY_BAR), ("litellm", _LITELLM_BAR)):
            if "athena" in per and peer in per:
                figures.append(
                    Figure(
                        "cpu",
                        f"{shape.label} ÷ {peer}",
                        per["athena"] / per[peer],
                        "×",
                        bar if judged else None,
                        "at most",
                        f"{per['athena']:.2f} ms",
                        f"{per[peer]:.2f} ms",
                    )
                )
    return figures


def _time_figures(options: Options, found: dict[Key, Measured]) -> list[Figure]:
    """What each adds to asking the provider itself."""
    figures = []
    for shape in options.shapes:
        for at_once in _AT_ONCE:
            direct = found["provider", shape, at_once].times
            for name in options.only:
                times = found[name, shape, at_once].times
                total = [
                    percentile([one.total for one in times], share) - percentile([one.total for one in direct], share)
                    for share in (0.5, 0.99)
                ]
                first = percentile([one.first for one in times], 0.5) - percentile([one.first for one in direct], 0.5)
                said = f"p50 {total[0]:.1f}, p99 {total[1]:.1f}, first byte {first:.1f} ms"
                figures.append(Figure("added", f"{shape.label} ×{at_once}, {name}", total[0], "ms", ours=said))
    return figures


async def _memory(options: Options, gateways: list[Stand]) -> list[Figure]:
    """RSS after `soak` requests, half of each wire, half of them streamed; and what the second half added."""
    shapes = [Shape(wire, 4_000, stream) for wire in MODELS for stream in (False, True)]
    figures = []
    for stand in gateways:
        # LiteLLM's own figure is known well enough from a tenth.
        share = options.soak // 10 if stand.name == "litellm" else options.soak
        halves = []
        for _ in range(2):
            for shape in shapes:
                content = body(shape, MODELS[shape.wire])
                await stand.target(shape.wire).run(content, share // 2 // len(shapes), 8)
            halves.append(stand.rss_mb())
        ours = stand.name.startswith("athena")
        figures += [
            Figure(
                "memory",
                f"after {share} requests, {stand.name}",
                halves[1],
                "MB",
                _MEMORY_BAR if ours else None,
                "at most",
            ),
            Figure(
                "memory",
                f"second half ÷ first, {stand.name}",
                halves[1] / halves[0],
                "×",
                _GROWTH_BAR if ours else None,
                "at most",
            ),
        ]
    return figures


def main(argv: list[str]) -> int:
    usual = Options()
    parser = argparse.ArgumentParser(prog="make bench-gateway", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=_ALL, default=list(_ALL))
    parser.add_argument("--requests", type=int, default=usual.requests)
    parser.add_argument("--rounds", type=int, default=usual.rounds)
    parser.add_argument("--soak", type=int, default=usual.soak)
    parser.add_argument("--output", type=Path, default=_OUTPUT)
    arguments = parser.parse_args(argv)
    options = Options(tuple(arguments.only), arguments.requests, arguments.rounds, arguments.soak)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    results, seen = Results(), report.machine()
    console = Console(width=None if sys.stdout.isatty() else 160)
    try:
        asyncio.run(_guarded(options, results))
    except asyncio.CancelledError:
        return 143
    report.table(results, console, "Athena's gateway beside LiteLLM and Portkey")
    report.write(results, options, seen, arguments.output)
    console.print(f"{'every bar reached' if results.passed else 'NOT every bar reached'}: {arguments.output}")
    return 0 if results.passed else 1


async def _guarded(options: Options, results: Results) -> None:
    running = asyncio.current_task()
    if running is not None and sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    try:
        await measure(options, results)
    except Exception as exc:
        results.failed["gateway"] = "".join(traceback.format_exception(exc)[-4:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
