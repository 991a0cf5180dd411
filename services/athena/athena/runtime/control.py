"""How other processes talk to the supervisor of a home: one JSON line there, one back, over a private socket."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from athena.config import Settings
from athena.errors import AthenaError, InvalidInput, StackError

Reply = dict[str, Any]
Answer = Callable[[Reply], Awaitable[Reply]]
_PATH_LIMIT = 100
_LINE_LIMIT = 1024 * 1024
_LAST_ANSWERS_S = 1.0


class NotRunning(StackError):
    """No supervisor answers for this home."""

    code = "not_running"


def socket_path(settings: Settings) -> Path:
    """In <home>/run; where that is too long for a socket, in a private folder that is recorded there."""
    wanted = settings.run_dir / "supervisor.sock"
    if len(os.fsencode(wanted)) <= _PATH_LIMIT:
        return wanted
    try:
        return Path((settings.run_dir / "socket-folder").read_text().strip()) / wanted.name
    except OSError:
        key = hashlib.sha256(os.fsencode(settings.home)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"athena-{key}-{os.geteuid()}" / wanted.name


@asynccontextmanager
async def serving(settings: Settings, answer: Answer) -> AsyncIterator[None]:
    """Answer requests for the length of the block. The caller holds the home's lock: a socket found here is stale."""
    path = socket_path(settings)
    if path.parent != settings.run_dir:
        _private(path.parent)
        (settings.run_dir / "socket-folder").write_text(f"{path.parent}\n")
    path.unlink(missing_ok=True)

    open_ones: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            open_ones.add(task)
            task.add_done_callback(open_ones.discard)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
                reply = await _reply(await reader.readline(), answer)
                writer.write(json.dumps(reply).encode() + b"\n")
                await writer.drain()
        finally:
            # Whatever happened, nobody waits for an answer that doesn't come.
            writer.close()

    server = await asyncio.start_unix_server(connected, path, limit=_LINE_LIMIT)
    path.chmod(0o600)
    try:
        yield
    finally:
        server.close()
        # Who waits for an answer gets it: it says why everything is being stopped.
        if open_ones:
            await asyncio.wait(open_ones, timeout=_LAST_ANSWERS_S)
        path.unlink(missing_ok=True)
        if path.parent != settings.run_dir:
            with contextlib.suppress(OSError):
                path.parent.rmdir()


async def call(settings: Settings, do: str, **arguments: Any) -> Reply:
    """Ask the supervisor. Raises `NotRunning`, or the `StackError` it answers with. Waits as long as it takes."""
    try:
        reader, writer = await asyncio.open_unix_connection(socket_path(settings), limit=_LINE_LIMIT)
    except OSError as exc:
        raise NotRunning(f"Athena doesn't run ({settings.home})", hint="athena up") from exc
    try:
        writer.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        await writer.drain()
        line = await reader.readline()
    except OSError as exc:
        raise NotRunning("Athena was stopped meanwhile", hint="athena up") from exc
    finally:
        writer.close()
    if not line:
        raise NotRunning("Athena was stopped meanwhile", hint="athena up")
    reply: Reply = json.loads(line)
    if "error" in reply:
        raise StackError(reply["error"]["message"], hint=reply["error"]["hint"])
    return reply


async def _reply(line: bytes, answer: Answer) -> Reply:
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            raise InvalidInput("a request is one JSON object on a line")
        return await answer(request)
    except json.JSONDecodeError:
        return InvalidInput("a request is one JSON object on a line").body()
    except AthenaError as exc:
        return exc.body()


def _private(folder: Path) -> None:
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise StackError(f"{folder} must be a folder of ours with mode 0700, and isn't", hint=f"ls -ld {folder}")
