"""Fetch one file from the hub: resumed across runs, hashed while it streams, never half in place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from athena.errors import DownloadError
from athena.runtime.catalogue import Model
from athena.runtime.fetch.hub import Hub, HubUnreachable, RemoteFile, TryAgain
from athena.runtime.fetch.part import Part, disk_error
from athena.runtime.progress import Progress, Report

_CHUNK = 1024 * 1024
_LONGEST_PAUSE_S = 30.0
_LONGEST_UNWRITTEN_S = 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to try again without any progress, and the first pause, in seconds (it doubles)."""

    tries: int = 5
    pause_s: float = 0.5

    def pause(self, failures: int) -> float:
        return float(min(self.pause_s * 2 ** (failures - 1), _LONGEST_PAUSE_S))


async def fetch(hub: Hub, model: Model, target: Path, report: Report, patience: Patience) -> None:
    """Raises `HubUnreachable` if nothing could be had at all, else `DownloadError`, each in one line."""
    report(Progress(target.name, "asking", 0, model.size))
    remote = await _describe(hub, model, patience)
    if remote.sha256 and not model.matches_hash(remote.sha256):
        raise DownloadError(
            f"{model.repo} has another {model.file} (sha256 {remote.sha256[:12]}…) than the manifest lists",
            hint="update Athena, or the entry in models/manifest.toml",
        )
    for _ in range(2):
        part = Part(target, remote)
        await _on_disk(part, report)
        await _fill(hub, remote, part, report, patience)
        if model.matches_hash(part.digest()) and remote.sha256 in (None, part.digest()):
            await asyncio.to_thread(part.settle)
            report(Progress(target.name, "done", part.have, remote.size))
            return
        await asyncio.to_thread(part.discard)
        report(Progress(target.name, "retrying", 0, remote.size, "it arrived damaged"))
    raise DownloadError(
        f"{model.file} arrived damaged twice (its sha256 is not the hub's)",
        hint="try again later, or another mirror: HF_ENDPOINT=https://…",
    )


async def _on_disk(part: Part, report: Report) -> None:
    try:
        await asyncio.to_thread(part.resume, report)
    except OSError as exc:
        raise disk_error(part.path, exc, part.missing) from exc


async def _describe(hub: Hub, model: Model, patience: Patience) -> RemoteFile:
    """One quick second try: a hub that isn't there must be known soon, so that a start isn't slow."""
    try:
        try:
            return await hub.describe(model)
        except (httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError):
            await asyncio.sleep(patience.pause_s)
        except TryAgain as exc:
            await asyncio.sleep(min(exc.after_s if exc.after_s is not None else patience.pause_s, _LONGEST_PAUSE_S))
        return await hub.describe(model)
    except httpx.TransportError as exc:
        raise HubUnreachable(f"{hub.host} can't be reached") from exc
    except TryAgain as exc:
        raise HubUnreachable(f"{hub.host} can't serve now ({exc})") from exc


async def _fill(hub: Hub, remote: RemoteFile, part: Part, report: Report, patience: Patience) -> None:
    """Stream until the part has every byte; each connection that brought something resets the count."""
    failures, any_byte = 0, False
    while part.have < remote.size:
        before, wait = part.have, None
        try:
            await _stream(hub, remote, part, report)
            reason = "the connection ended early"
        except TryAgain as exc:
            reason, wait = str(exc), exc.after_s
        except httpx.TransportError as exc:
            reason = str(exc) or type(exc).__name__
        if part.have >= remote.size:
            return
        any_byte = any_byte or part.have > before
        failures = 1 if part.have > before else failures + 1
        if failures >= patience.tries or (wait or 0) > _LONGEST_PAUSE_S:
            raise _given_up(hub, remote, part, reason, any_byte)
        report(Progress(part.path.name.removesuffix(".part"), "retrying", part.have, remote.size, reason))
        await asyncio.sleep(wait if wait is not None else patience.pause(failures))


def _given_up(hub: Hub, remote: RemoteFile, part: Part, reason: str, any_byte: bool) -> DownloadError:
    if not any_byte and part.have == 0:
        return HubUnreachable(f"the storage behind {hub.host} can't be reached ({reason})")
    return DownloadError(
        f"{remote.model.file} stopped at {part.have / 1e6:,.1f} of {remote.size / 1e6:,.1f} MB: {reason}",
        hint=f"run it again, it goes on where it stopped: athena pull {remote.model.name}",
    )


async def _stream(hub: Hub, remote: RemoteFile, part: Part, report: Report) -> None:
    headers = {}
    if part.have:
        headers["range"] = f"bytes={part.have}-"
        if part.etag:
            headers["if-range"] = part.etag
    async with hub.stream(remote, headers) as response:
        if response.status_code == 416 or not _continues(response, part, remote):
            # The storage has another file, or doesn't know ranges: what is here can't be continued.
            await asyncio.to_thread(part.restart)
            if response.status_code != 200:
                return
        await asyncio.to_thread(part.note_etag, response.headers.get("etag"))
        async for data in _gathered(response):
            if part.have + len(data) > remote.size:
                await asyncio.to_thread(part.discard)
                raise DownloadError(f"{remote.model.file} is longer than the hub says", hint="try again later")
            await asyncio.to_thread(part.append, data)
            report(Progress(part.path.name.removesuffix(".part"), "downloading", part.have, remote.size))


async def _gathered(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body in pieces worth a write. What came before a cut counts too: a bad line must get on."""
    buffer, clock = bytearray(), asyncio.get_running_loop().time
    written = clock()
    try:
        async for chunk in response.aiter_raw():
            buffer += chunk
            if len(buffer) >= _CHUNK or clock() - written >= _LONGEST_UNWRITTEN_S:
                yield bytes(buffer)
                buffer.clear()
                written = clock()
    except httpx.TransportError:
        if buffer:
            yield bytes(buffer)
        raise
    if buffer:
        yield bytes(buffer)


def _continues(response: httpx.Response, part: Part, remote: RemoteFile) -> bool:
    """Whether the body is exactly what follows the bytes that are here."""
    if response.status_code == 200:
        return part.have == 0
    answered: str = response.headers.get("content-range", "")
    return answered == f"bytes {part.have}-{remote.size - 1}/{remote.size}"
