"""Our runner beside the stock package, at the models' true size: `python -m tests.bench.compressor_runner`.

Run it with the compressor's own environment. Weights are random: for speed and memory they are as good as the
published ones; what int8 keeps otherwise is shown, and proves nothing about the published ones. Each engine has a
process of its own; their runs alternate, so that what else the machine does hits all of them. Exits 1 below a bar.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "compressor"))

import tiny
from agreement import compare

from compressor.architecture import architecture
from compressor.config import default_threads
from compressor.counter import counter
from compressor.engine import Job, Segment
from compressor.export import export
from compressor.exported import Export
from tests.bench.bars import Figure, Results

ROOT = Path(__file__).parents[2]
KINDS = ("stock", "strict", "int8")
RATE = 0.5
SPEED_INT8, SPEED_STRICT, MEMORY_INT8 = 2.7, 1.2, 0.4


@dataclass(frozen=True)
class Options:
    models: tuple[str, ...]
    tokens: int
    rounds: int
    threads: int
    folder: Path
    out: Path


class Worker:
    def __init__(self, kind: str, name: str, prompt: Path, options: Options) -> None:
        checkpoint = options.folder / "checkpoints" / name
        self._process = subprocess.Popen(
            [
                sys.executable,
                str(Path(__file__).with_name("compressor_worker.py")),
                *(kind, str(options.folder), str(checkpoint), name, str(prompt), str(options.threads)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(options.threads)},
        )
        self._answer()
        self.seconds: list[float] = []
        self.memory: dict[str, float] = {}

    def run(self, *, counts: bool = True) -> None:
        answer = self.ask("run")
        self.memory = {"rss": answer["rss"], "peak": answer["peak"]}
        if counts:
            self.seconds.append(answer["seconds"])

    def ask(self, what: str) -> Any:
        assert self._process.stdin
        self._process.stdin.write(what + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"an engine's process ended with {self._process.wait()}")
        return json.loads(line)

    def end(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=30)


def prepare(name: str, options: Options) -> tuple[Export, Path]:
    """Random weights at true size and their export, made once; the prompt."""
    exported = Export.at(options.folder, architecture(name).name)
    checkpoint = options.folder / "checkpoints" / name
    if not exported.card_file.exists():
        tiny.write(checkpoint, architecture(name).name, "true")
        export(checkpoint, exported, architecture(name), options.threads)
    tokens = exported.tokens()
    prose = tiny.prose()[2000:]
    encoded = tokens.plain(prose[: 8 * options.tokens])
    prompt = options.folder / f"prompt-{name}.txt"
    prompt.write_text(prose[: encoded.offsets[options.tokens - 1][1]])
    return exported, prompt


def measure(name: str, options: Options, results: Results) -> None:
    exported, prompt = prepare(name, options)
    workers = {kind: Worker(kind, name, prompt, options) for kind in KINDS}
    try:
        for turn in range(options.rounds + 1):
            for worker in workers.values():
                worker.run(counts=turn > 0)
        labelled = [(word, label) for word, label in workers["stock"].ask("words")]
    finally:
        for worker in workers.values():
            worker.end()
    _speed_and_memory(name, workers, results)
    _words(name, exported, prompt.read_text(), labelled, options, results)


def _speed_and_memory(name: str, workers: dict[str, Worker], results: Results) -> None:
    stock = workers["stock"]
    for kind, bar in (("int8", SPEED_INT8), ("strict", SPEED_STRICT)):
        ours = workers[kind]
        faster = median(theirs / own for theirs, own in zip(stock.seconds, ours.seconds, strict=True))
        shown = (f"{median(ours.seconds):.2f} s", f"{median(stock.seconds):.2f} s")
        results.figures.append(
            Figure(name, f"{kind}: times the stock package's speed", faster, "×", bar, "at least", *shown)
        )
    for kind, bar in (("int8", MEMORY_INT8), ("strict", None)):
        for what in ("peak", "rss"):
            ours_mb, theirs_mb = workers[kind].memory[what], stock.memory[what]
            results.figures.append(
                Figure(
                    name,
                    f"{kind}: share of its memory ({what})",
                    ours_mb / theirs_mb,
                    "",
                    bar,
                    "at most",
                    f"{ours_mb:.0f} MB",
                    f"{theirs_mb:.0f} MB",
                )
            )


def _words(
    name: str, exported: Export, text: str, labelled: list[tuple[str, bool]], options: Options, results: Results
) -> None:
    tokens = exported.tokens()
    weigh = counter(options.folder, tokens)
    job = Job((Segment(text),), ratio=RATE)
    exact = compare(text, job, RATE, labelled, tokens, exported.runner("fp32", tokens, options.threads), weigh)
    if exact.package_words != exact.our_words:
        raise RuntimeError(f"{name}: the package reads other words")
    otherwise = f"{len(exact.distances)} of {len(labelled)} otherwise"
    results.figures += [
        Figure(
            name, "strict: words judged otherwise, but for ties", len(exact.beyond_ties), "", 0, "at most", otherwise
        )
    ]
    rough = compare(text, job, RATE, labelled, tokens, exported.runner("int8", tokens, options.threads), weigh)
    results.figures.append(Figure(name, f"int8: same words (random weights, {weigh.name})", rough.share, ""))


def table(results: Results) -> str:
    rows = [("model", "figure", "value", "bar", "", "ours", "stock")]
    for one in results.figures:
        sign = "≥" if one.side == "at least" else "≤"
        mark = {None: "", True: "ok", False: "BELOW"}[one.passed]
        bar = "" if one.bar is None else f"{sign} {one.bar:g}"
        rows.append((one.part, one.name, f"{one.value:.3f} {one.unit}".strip(), bar, mark, one.ours, one.theirs))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    results = Results()
    options.folder.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    for name in options.models:
        started = time.monotonic()
        try:
            measure(name, options, results)
        except Exception as exc:  # a model that broke has reached no bar; the other is still measured
            results.failed[name] = repr(exc)
        results.seconds[name] = round(time.monotonic() - started, 1)
    print(table(results))
    for name, why in results.failed.items():
        print(f"broke {name}: {why}")
    machine = {"system": platform.platform(), "cores": os.cpu_count(), "threads": options.threads, "load": load}
    content = {
        "passed": results.passed,
        "machine": machine,
        "tokens": options.tokens,
        "rounds": options.rounds,
        "seconds": results.seconds,
        "figures": [one.as_json() for one in results.figures],
        "failed": results.failed,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    print(f"{'all bars reached' if results.passed else 'NOT all bars reached'}; {options.out}")
    return 0 if results.passed else 1


def _options(arguments: list[str] | None) -> Options:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", default="mbert,xlmr")
    parser.add_argument("--tokens", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=default_threads())
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench" / "compressor")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench" / "compressor.json")
    given = parser.parse_args(arguments)
    return Options(tuple(given.models.split(",")), given.tokens, given.rounds, given.threads, given.folder, given.out)


if __name__ == "__main__":
    sys.exit(main())
