"""llama-server out of the xllamacpp wheel, as a program: `python -m athena.runtime.llama_child --model … --port …`.

It takes the flags of llama-server that Athena uses. The library holds the GIL while
it loads a model, keeps some state per process and installs no signal handlers, so
each server gets a process of its own and this file does what its `main` would.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from types import FrameType

import xllamacpp


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    params = _params(options)

    def leave(_number: int, _frame: FrameType | None) -> None:
        # Nothing is to be saved, and the library's own threads don't end by themselves.
        os._exit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    try:
        server = xllamacpp.Server(params)
    except (RuntimeError, ValueError) as exc:
        print(f"error: {exc}", file=sys.stderr, flush=True)
        return 1
    print(f"listening on {server.listening_address}", flush=True)
    threading.Event().wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="llama_child")
    parser.add_argument("--model", required=True)
    parser.add_argument("--alias", required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--cors-origins", default="localhost")
    for name in ("port", "threads", "threads-batch", "ctx-size", "parallel"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("batch-size", "ubatch-size", "n-gpu-layers", "cache-ram"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--pooling")
    parser.add_argument("--flash-attn", choices=("auto",))
    parser.add_argument("--cache-type-k")
    parser.add_argument("--cache-type-v")
    for name in ("embeddings", "metrics", "jinja", "no-slots", "no-ui"):
        parser.add_argument(f"--{name}", action="store_true")
    return parser


def _params(options: argparse.Namespace) -> xllamacpp.CommonParams:
    params = xllamacpp.CommonParams()
    params.model.path = options.model
    # The model is on disk, and nothing else is to be fetched.
    params.offline = True
    params.model_alias = {options.alias}
    params.hostnames = [options.host]
    params.port = options.port
    params.cors_origins = options.cors_origins
    params.cors_origins_explicit = True
    params.cors_credentials = False
    params.cpuparams.n_threads = options.threads
    params.cpuparams_batch.n_threads = options.threads_batch
    params.n_ctx = options.ctx_size
    params.n_parallel = options.parallel
    params.embedding = options.embeddings
    params.endpoint_metrics = options.metrics
    params.endpoint_slots = not options.no_slots
    params.ui = not options.no_ui
    params.use_jinja = options.jinja
    if options.batch_size:
        params.n_batch = options.batch_size
    if options.ubatch_size:
        params.n_ubatch = options.ubatch_size
    if options.n_gpu_layers is not None:
        params.n_gpu_layers = options.n_gpu_layers
    if options.cache_ram is not None:
        params.cache_ram_mib = options.cache_ram
    if options.pooling:
        members = xllamacpp.llama_pooling_type.__members__
        params.pooling_type = members[f"LLAMA_POOLING_TYPE_{options.pooling.upper()}"]
    for flag, field in (("cache_type_k", "cache_type_k"), ("cache_type_v", "cache_type_v")):
        if value := getattr(options, flag):
            setattr(params, field, xllamacpp.ggml_type.__members__[f"GGML_TYPE_{value.upper()}"])
    return params


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
