"""One pull per file at a time, across processes; the lock dies with its holder."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from athena.errors import DownloadError
from athena.runtime.progress import Progress, Report

_LOOK_S = 0.2


@asynccontextmanager
async def locked(target: Path, report: Report) -> AsyncIterator[None]:
    """Waits while another process fetches the same file. The lock file stays: removing it would race."""
    try:
        folder = target.parent / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / f"{target.name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise DownloadError(f"{target.parent} can't be written: {exc.strerror}", source="athena") from exc
    try:
        while not _taken(handle):
            report(Progress(target.name, "waiting", detail="another process fetches it"))
            await asyncio.sleep(_LOOK_S)
        yield
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
