"""How a llama-server is started: which binary, which flags, what its last words mean."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from athena.config import Settings
from athena.errors import Source, StackError
from athena.runtime import gguf_header, hardware, probe
from athena.runtime.catalogue import Model
from athena.runtime.environment import package_path
from athena.runtime.ports import CannotStart
from athena.runtime.process import Command, ended

Role = Literal["embedding", "reasoning"]
HOST = "127.0.0.1"
# Measured with MiniLM on two cores: 70 texts/s with one slot, 90 with two, 108 with four, 114 with eight.
_EMBEDDING_SLOTS = 8
# A slot costs its context in key-value memory, where the model has such.
_LONGEST_SHARED_CONTEXT = 2048
_CACHE_RAM_MIB = 512
_Q8_BLOCK = 32
_PORT_VARIABLES: dict[Source, str] = {
    "embedding": "ATHENA_EMBEDDINGS_PORT",
    "reasoning": "ATHENA_REASONING_PORT",
    "compressor": "ATHENA_COMPRESSOR_PORT",
}
# Younger than some builds that are about: a server that doesn't list one is started without it.
_OPTIONAL = {"--cors-origins": 2, "--cache-ram": 2, "--no-slots": 1, "--no-ui": 1}


@dataclass(frozen=True, slots=True)
class Spec:
    """One llama-server. `context`: tokens per slot; `alias`: what it calls itself in /v1/models."""

    role: Role
    path: Path
    alias: str
    port: int
    context: int
    pooling: str | None
    threads: int
    threads_batch: int
    gpu_layers: int | None
    quantize_cache: bool


def spec(settings: Settings, role: Role, path: Path, model: Model, port: int) -> Spec:
    """How to serve this file here. Raises `CannotStart` if it is missing or damaged."""
    check_model(path, role)
    own = settings.llama.hardware
    count = settings.n_threads or own.threads or hardware.threads()
    header = gguf_header.read(path)
    context = settings.reasoning_context
    if role == "embedding":
        context = model.context or header.context_length or 512
    elif model.context is not None:
        context = min(context, model.context)
    return Spec(
        role=role,
        path=path,
        alias=model.name,
        port=port,
        context=context,
        pooling=model.pooling if role == "embedding" else None,
        threads=count,
        threads_batch=settings.n_threads_batch or count,
        gpu_layers=0 if own.useGPU is False else own.gpuLayers,
        quantize_cache=(header.head_length or 1) % _Q8_BLOCK == 0,
    )


def flags(wanted: Spec) -> list[str]:
    """llama-server's command line; the child runner takes the same."""
    argv = ["--model", str(wanted.path), "--alias", wanted.alias, "--host", HOST, "--port", str(wanted.port)]
    argv += ["--threads", str(wanted.threads), "--threads-batch", str(wanted.threads_batch)]
    # Any web page may otherwise read what a server on loopback answers.
    argv += ["--cors-origins", "localhost", "--metrics", "--no-slots", "--no-ui"]
    if wanted.gpu_layers is not None:
        argv += ["--n-gpu-layers", str(wanted.gpu_layers)]
    if wanted.role == "embedding":
        # An input must fit one physical batch, or it is refused with a 500.
        batch = str(wanted.context)
        slots = _EMBEDDING_SLOTS if wanted.context <= _LONGEST_SHARED_CONTEXT else 1
        argv += ["--embeddings", "--parallel", str(slots), "--ctx-size", str(wanted.context * slots)]
        argv += ["--batch-size", batch, "--ubatch-size", batch]
        return argv + (["--pooling", wanted.pooling] if wanted.pooling else [])
    argv += ["--ctx-size", str(wanted.context), "--parallel", "1", "--jinja", "--flash-attn", "auto"]
    argv += ["--cache-ram", str(_CACHE_RAM_MIB)]
    return [*argv, "--cache-type-k", "q8_0", "--cache-type-v", "q8_0"] if wanted.quantize_cache else argv


def server_binary(settings: Settings) -> Path | None:
    """A llama-server of the user's own: in <home>/bin, else on the PATH."""
    own = settings.home / "bin" / "llama-server"
    if os.access(own, os.X_OK):
        return own
    found = shutil.which("llama-server")
    return Path(found) if found else None


async def command(settings: Settings, name: str, wanted: Spec) -> Command:
    """Raises `CannotStart` for a taken port, before anything is started."""
    check_port(wanted.port, wanted.role)
    binary = server_binary(settings)
    argv = [sys.executable, "-m", "athena.runtime.llama_child", *flags(wanted)]
    if binary is not None:
        argv = [str(binary), *understood(flags(wanted), await asyncio.to_thread(list_flags, binary))]
    return Command(
        argv=tuple(argv),
        log=settings.logs_dir / f"{name}.log",
        record=settings.run_dir / f"{name}.json",
        env={
            # Idle threads that spin take the cores from everybody else on a busy machine.
            "OMP_WAIT_POLICY": "passive",
            "PYTHONPATH": package_path(),
        },
        grace_s=5.0,
    )


def list_flags(binary: Path) -> str:
    """Its help text. Raises `CannotStart` if it can't be run."""
    try:
        done = subprocess.run([str(binary), "--help"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise CannotStart(
            f"{binary} can't be run: {exc}", hint=f"remove {binary}, or install llama.cpp again", source="embedding"
        ) from exc
    return done.stdout + done.stderr


def understood(wanted: list[str], listed: str) -> list[str]:
    """The flags that a server whose help text is `listed` takes."""
    argv = list(wanted)
    for flag, words in _OPTIONAL.items():
        if flag in argv and flag not in listed:
            at = argv.index(flag)
            del argv[at : at + words]
    return argv


def check_model(path: Path, role: Role) -> None:
    """Raises `CannotStart` if the file is missing or isn't a whole GGUF header."""
    if not path.exists():
        raise CannotStart(f"the model file {path} is missing", hint=f"athena pull {path.stem}", source=role)
    try:
        gguf_header.read(path)
    except StackError as exc:
        raise CannotStart(exc.message, hint=f"rm {path}; athena pull {path.stem}", source=role) from exc


def check_port(port: int, source: Source, host: str = HOST) -> None:
    """Raises `CannotStart` if something listens there already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: a connection that lingers after a stop is no reason to refuse.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            variable = _PORT_VARIABLES.get(source, "ATHENA_PORT")
            raise CannotStart(
                f"port {port} is taken by another program",
                hint=f"stop it (lsof -i :{port}), or set {variable} to a free port",
                source=source,
            ) from exc


async def healthy(port: int) -> bool:
    """True once the model is loaded."""
    return await probe.answers(f"http://{HOST}:{port}/health")


def explain(output: list[str], code: int, wanted: Spec, name: str) -> StackError:
    """Why it ended, from its last lines."""
    text = "\n".join(output).lower()
    if "address already in use" in text or "couldn't bind" in text:
        return CannotStart(
            f"port {wanted.port} is taken by another program", hint=f"lsof -i :{wanted.port}", source=wanted.role
        )
    if "unknown model architecture" in text:
        return CannotStart(
            f"this llama-server doesn't know the architecture of {wanted.path.name}",
            hint="install a newer llama.cpp, or remove it: the one from the wheel serves then",
            source=wanted.role,
        )
    if any(
        sign in text for sign in ("corrupted or incomplete", "not within the file bounds", "invalid magic", "gguf_init")
    ):
        return CannotStart(
            f"the model file {wanted.path} is damaged",
            hint=f"rm {wanted.path}; athena pull {wanted.alias}",
            source=wanted.role,
        )
    if any(sign in text for sign in ("out of memory", "failed to allocate", "cannot allocate memory", "bad_alloc")):
        return CannotStart(
            f"there is not enough memory for {wanted.alias} with a context of {wanted.context} tokens",
            hint="set ATHENA_REASONING_CONTEXT lower, or choose a smaller model",
            source=wanted.role,
        )
    if code < 0:
        return StackError(f"llama-server was {ended(code)}", hint=f"athena logs {name}", source=wanted.role)
    said = next((line.strip() for line in reversed(output) if "error" in line.lower()), ended(code))
    return StackError(f"llama-server ended: {said}", hint=f"athena logs {name}", source=wanted.role)
