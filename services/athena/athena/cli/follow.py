"""The logs of the parts, shown and followed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from athena.errors import NotFound
from athena.runtime.process import tail

_POLL_S = 0.25


def show(folder: Path, part: str | None, lines: int) -> dict[Path, int]:
    """Print the last lines. Returns how far each file was read, for `follow`."""
    chosen = _files(folder, part)
    if part is not None and not chosen:
        known = ", ".join(file.stem for file in _files(folder, None)) or "none yet"
        raise NotFound(f"there is no log of {part!r}; there are: {known}", source="client", hint="athena status")
    ends: dict[Path, int] = {}
    for file in chosen:
        ends[file] = file.stat().st_size
        for line in tail(file, lines) if lines else []:
            typer.echo(_line(file, line, part))
    return ends


async def follow(folder: Path, part: str | None, ends: dict[Path, int]) -> None:
    """Print what is added, until interrupted. A log that began anew is read from its beginning."""
    while True:
        await asyncio.sleep(_POLL_S)
        for file in await asyncio.to_thread(_files, folder, part):
            fresh, ends[file] = await asyncio.to_thread(_read_on, file, ends.get(file, 0))
            for line in fresh:
                typer.echo(_line(file, line, part))


def _files(folder: Path, part: str | None) -> list[Path]:
    return sorted(folder.glob("*.log")) if part is None else [f for f in [folder / f"{part}.log"] if f.exists()]


def _read_on(file: Path, start: int) -> tuple[list[str], int]:
    try:
        with file.open("rb") as log:
            size = log.seek(0, 2)
            log.seek(start if start <= size else 0)
            data = log.read()
    except OSError:
        return [], 0
    whole, newline, _ = data.rpartition(b"\n")
    read = len(whole) + len(newline)
    return whole.decode(errors="replace").splitlines(), (start if start <= size else 0) + read


def _line(file: Path, line: str, part: str | None) -> str:
    return line if part is not None else f"{file.stem:<11}| {line}"
