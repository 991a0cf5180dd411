"""One engine in a process of its own, so that its memory is its own.

`compressor_worker.py KIND MODELS CHECKPOINT MODEL PROMPT THREADS` says when it is loaded. Then it compresses the
prompt once for every line on standard input and says how long that took; the line "words" asks for the last answer.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from compressor.architecture import architecture
from compressor.counter import OwnCounter, cl100k, counter
from compressor.engine import Job, Segment, Stop
from compressor.exported import Export

RATE = 0.5


def main(kind: str, models: str, checkpoint: str, name: str, prompt: str, threads: str) -> None:
    run = _prepared(kind, Path(models), Path(checkpoint), name, Path(prompt).read_text(), int(threads))
    print(json.dumps({"loaded": True}), flush=True)
    last: Any = None
    for line in sys.stdin:
        if line.strip() == "words":
            print(json.dumps(last), flush=True)
            continue
        started = time.perf_counter()
        last = run()
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, **memory_mb()}), flush=True)


def _prepared(kind: str, models: Path, checkpoint: Path, name: str, text: str, threads: int) -> Callable[[], Any]:
    """Imports are here: ours must not carry what only the package needs."""
    job = Job((Segment(text),), ratio=RATE)
    chosen = architecture(name)
    exported = Export.at(models, chosen.name)
    if kind == "stock":
        import torch

        from compressor.reference import OfflineCompressor

        torch.set_num_threads(threads)
        package = OfflineCompressor(checkpoint, chosen, cl100k(models) or OwnCounter(exported.tokens()))
        return lambda: package.labelled(text, job, RATE)
    tokens = exported.tokens()
    if kind == "strict":
        from compressor.strict import StrictEngine

        runner = exported.runner("fp32", tokens, threads)
        strict = StrictEngine(tokens, runner, counter(models, tokens), "fp32")
        return lambda: strict.compress(job, Stop())
    from compressor.fast import FastEngine

    fast = FastEngine(tokens, exported.runner("int8", tokens, threads), "int8")
    return lambda: fast.compress(job, Stop())


def memory_mb() -> dict[str, float]:
    """Of this process now, and at most since it began."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(fields[key].split()[0]) / 1024 for name, key in (("rss", "VmRSS"), ("peak", "VmHWM"))}


if __name__ == "__main__":
    main(*sys.argv[1:])
