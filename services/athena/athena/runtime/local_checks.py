"""What can be wrong with the local reasoning server, each with the command that mends it."""

from __future__ import annotations

import asyncio
import importlib.util
from dataclasses import dataclass

import psutil

from athena.config import Settings
from athena.errors import AthenaError
from athena.runtime import control, ensure, hardware, llama, stack
from athena.runtime.parts import REASONING
from athena.runtime.ports import State, Status


@dataclass(frozen=True, slots=True)
class Finding:
    ok: bool
    what: str
    hint: str = ""


async def look(settings: Settings) -> list[Finding]:
    status = await _status(settings)
    found = [_binary(settings), await asyncio.to_thread(_model, settings), _threads(settings)]
    return [*found, await _server(settings, status)]


async def _status(settings: Settings) -> Status | None:
    try:
        reply = await control.call(settings, "status")
    except control.NotRunning:
        return None
    return next((part for part in stack.statuses(reply) if part.name == REASONING), None)


def _binary(settings: Settings) -> Finding:
    own = llama.server_binary(settings)
    if own is not None:
        return Finding(True, f"llama-server: {own}")
    if importlib.util.find_spec("xllamacpp") is not None:
        return Finding(True, "llama-server: the one of the xllamacpp wheel")
    return Finding(False, "there is no llama-server", "make install")


def _model(settings: Settings) -> Finding:
    try:
        found = ensure.find_reasoner(settings)
    except AthenaError as exc:
        return Finding(False, exc.message, exc.hint or "")
    if found is None:
        return Finding(False, "no reasoning model is on disk", "athena pull qwen3-vl-4b-instruct")
    size, free = found.path.stat().st_size, psutil.virtual_memory().available
    what = f"model: {found.path} ({size / 1e9:.1f} GB; {free / 1e9:.1f} GB of memory are free)"
    return Finding(size < free, what, "" if size < free else "stop other programs, or choose a smaller model")


def _threads(settings: Settings) -> Finding:
    best = hardware.threads()
    used = settings.n_threads or settings.llama.hardware.threads or best
    hint = f"more than {best} threads make it slower here: unset LLAMACPP_N_THREADS" if used > best else ""
    return Finding(used <= best, f"threads: {used} (physical cores that may be used: {best})", hint)


async def _server(settings: Settings, status: Status | None) -> Finding:
    if status is not None and status.state is State.READY:
        return Finding(True, f"server: {status.detail} at {status.address}")
    if await llama.healthy(settings.reasoning_port):
        return Finding(True, f"server: one that is not ours answers on port {settings.reasoning_port}")
    if status is not None and status.state in (State.FAILED, State.BACKOFF):
        return Finding(False, f"server: {status.detail}", status.hint)
    try:
        llama.check_port(settings.reasoning_port, "reasoning")
    except AthenaError as exc:
        return Finding(False, exc.message, exc.hint or "")
    return Finding(False, "server: not running", "athena local serve")
