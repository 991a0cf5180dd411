"""A way to PostgreSQL that a test can freeze, break and mend, while the server itself runs on."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

_SOCKET = ".s.PGSQL.5432"


class Way:
    """`dsn` leads through it."""

    def __init__(self, target: Path, folder: Path, dsn: str) -> None:
        self.dsn = dsn
        self._target = target
        self._path = folder / _SOCKET
        self._flows = asyncio.Event()
        self._flows.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def mend(self) -> None:
        self._flows.set()
        if self._server is None:
            self._server = await asyncio.start_unix_server(self._connected, self._path)

    def freeze(self) -> None:
        """Connections stay, and nothing comes through any more."""
        self._flows.clear()

    async def cut(self) -> None:
        """Connections end, and there is nobody to connect to."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._path.unlink(missing_ok=True)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(str(self._target))
        pumps = [asyncio.create_task(self._pump(reader, back)), asyncio.create_task(self._pump(there, writer))]
        self._tasks.update(pumps)
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
            self._tasks.discard(pump)
        writer.close()
        back.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def way_to(dsn: str) -> AsyncIterator[Way]:
    parts = urlsplit(dsn)
    target = Path(parse_qs(parts.query)["host"][0]) / _SOCKET
    folder = Path(tempfile.mkdtemp(prefix="way-"))
    way = Way(target, folder, f"{parts.scheme}://{parts.netloc}{parts.path}?host={quote(str(folder))}")
    await way.mend()
    try:
        yield way
    finally:
        await way.cut()
        shutil.rmtree(folder, ignore_errors=True)
