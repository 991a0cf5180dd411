"""One pull per file at a time, across processes; the lock dies with its holder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from athena.errors import DownloadError
from athena.runtime.lock import FileLock
from athena.runtime.progress import Progress, Report

_LOOK_S = 0.2


@asynccontextmanager
async def locked(target: Path, report: Report) -> AsyncIterator[None]:
    """Waits while another process fetches the same file."""
    lock = FileLock(target.parent / ".locks" / f"{target.name}.lock")
    try:
        while not lock.acquire():
            report(Progress(target.name, "waiting", detail="another process fetches it"))
            await asyncio.sleep(_LOOK_S)
    except OSError as exc:
        raise DownloadError(f"{target.parent} can't be written: {exc.strerror}", source="athena") from exc
    try:
        yield
    finally:
        lock.release()
