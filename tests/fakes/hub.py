"""A model hub and its storage host on two local ports, speaking the protocol of huggingface.co.

    async with FakeHub() as hub:
        hub.add("org/repo", "model.gguf", data)
        hub.next(Cut(after=1000), Corrupt(at=5))     # what the next downloads suffer, in order
        ... HF_ENDPOINT = hub.endpoint ...
        assert hub.seen[-1].headers["range"] == "bytes=1000-"

The hub answers `HEAD|GET /{repo}/resolve/{revision}/{path}` with a 302 to the storage
host and the `X-Repo-Commit`, `X-Linked-Size`, `X-Linked-Etag` headers, `GET
/api/models/{repo}/tree/{revision}` and `.../revision/{revision}` with the LFS hashes,
and refusals with `X-Error-Code`. The storage host knows ETag, Range and If-Range.
Written on bare sockets, since a real HTTP server won't cut a body in the middle.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

TOKEN = "hf_secret_of_the_tests"


@dataclass(frozen=True)
class Cut:
    """Close the connection after this many bytes of the body."""

    after: int


@dataclass(frozen=True)
class Corrupt:
    """Flip the byte at this offset of the file, if it is in what is sent."""

    at: int


@dataclass(frozen=True)
class Answer:
    """Another status instead of the file."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stall:
    """Send this many bytes, then nothing more until the client leaves."""

    after: int


@dataclass(frozen=True)
class NoRanges:
    """Ignore Range: the whole file with 200."""


@dataclass(frozen=True)
class Longer:
    """More bytes than the hub has announced."""

    by: int


Fault = Cut | Corrupt | Answer | Stall | NoRanges | Longer


@dataclass(frozen=True)
class Seen:
    """A request as it arrived; header names in lower case. `server` is "hub" or "storage"."""

    server: str
    method: str
    path: str
    headers: dict[str, str]


@dataclass
class _File:
    data: bytes
    lfs: bool
    gated: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def oid(self) -> str:
        return hashlib.sha1(b"blob %d\0" % len(self.data) + self.data).hexdigest()


class FakeHub:
    """`silent_heads`: a mirror whose HEAD has no linked headers. `claims`: hashes it states wrongly, by path."""

    def __init__(self, *, silent_heads: bool = False) -> None:
        self.seen: list[Seen] = []
        self.silent_heads = silent_heads
        self.claims: dict[str, str] = {}
        self.hub_faults: list[Answer] = []
        self._faults: list[Fault] = []
        self._repos: dict[str, dict[str, _File]] = {}
        self._renamed: dict[str, str] = {}
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, repo: str, path: str, data: bytes, *, lfs: bool = True, gated: bool = False) -> None:
        self._repos.setdefault(repo, {})[path] = _File(data, lfs, gated)

    def rename(self, old: str, new: str) -> None:
        self._renamed[old] = new

    def next(self, *faults: Fault) -> None:
        self._faults.extend(faults)

    def commit(self, repo: str) -> str:
        """Changes whenever a file of the repo does."""
        state = "".join(f"{path}:{file.sha256}" for path, file in sorted(self._repos[repo].items()))
        return hashlib.sha1(state.encode()).hexdigest()

    def downloads(self) -> list[Seen]:
        return [seen for seen in self.seen if seen.server == "storage"]

    async def __aenter__(self) -> FakeHub:
        for server in ("hub", "storage"):
            self._servers.append(await asyncio.start_server(self._acceptor(server), "127.0.0.1", 0))
        self.endpoint, self.storage = (
            f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in self._servers
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _acceptor(self, server: str) -> Any:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            try:
                while request := await _read_request(server, reader):
                    self.seen.append(request)
                    answer = self._hub if server == "hub" else self._storage
                    if not await answer(request, writer):
                        break
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                return
            finally:
                writer.close()

        return accept

    async def _hub(self, request: Seen, writer: asyncio.StreamWriter) -> bool:
        if self.hub_faults:
            fault = self.hub_faults.pop(0)
            return await _send(writer, fault.status, fault.headers, b"", request.method)
        status, headers, body = self._hub_answer(request)
        return await _send(writer, status, headers, body, request.method)

    def _hub_answer(self, request: Seen) -> tuple[int, dict[str, str], bytes]:
        path = unquote(request.path)
        if path.startswith("/api/models/"):
            return self._listing(path.removeprefix("/api/models/"))
        repo, _, rest = path.strip("/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        if repo in self._renamed:
            return 307, {"location": f"/{self._renamed[repo]}/resolve/{revision}/{name}"}, b""
        if repo not in self._repos:
            return 401, {"x-error-code": "RepoNotFound", "x-error-message": "Repository not found"}, b""
        if revision not in ("main", self.commit(repo)):
            return 404, {"x-error-code": "RevisionNotFound"}, b""
        file = self._repos[repo].get(name)
        if file is None:
            return 404, {"x-error-code": "EntryNotFound", "x-error-message": "Entry not found"}, b""
        if file.gated and request.headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"x-error-code": "GatedRepo", "x-error-message": "Access to this model is restricted."}, b""
        return self._pointer(repo, name, file)

    def _pointer(self, repo: str, name: str, file: _File) -> tuple[int, dict[str, str], bytes]:
        commit = {"x-repo-commit": self.commit(repo)}
        if not file.lfs:
            return 200, {**commit, "etag": f'"{file.oid}"'}, file.data
        location = {"location": f"{self.storage}/{repo}/{name}?signature=abc"}
        if self.silent_heads:
            return 302, {**commit, **location}, b""
        sha256 = self.claims.get(name, file.sha256)
        linked = {"x-linked-size": str(len(file.data)), "x-linked-etag": f'"{sha256}"'}
        return 302, {**commit, **linked, **location, "etag": f'"{sha256}"'}, b""

    def _listing(self, rest: str) -> tuple[int, dict[str, str], bytes]:
        repo, kind, _ = next((rest.partition(k) for k in ("/tree/", "/revision/") if k in rest), (rest, "", ""))
        files = self._repos.get(repo)
        if files is None:
            return 404, {"x-error-code": "RepoNotFound"}, b""
        entries: list[dict[str, Any]] = []
        for path, file in files.items():
            lfs = {"lfs": {"oid": file.sha256, "size": len(file.data), "pointerSize": 134}} if file.lfs else {}
            entries.append({"type": "file", "path": path, "oid": file.oid, "size": len(file.data), **lfs})
        siblings = [{"rfilename": entry["path"], **entry} for entry in entries]
        body: object = {"id": repo, "sha": self.commit(repo), "siblings": siblings}
        return 200, {"content-type": "application/json"}, json.dumps(entries if kind == "/tree/" else body).encode()

    async def _storage(self, request: Seen, writer: asyncio.StreamWriter) -> bool:
        path = unquote(request.path.partition("?")[0]).strip("/")
        file = next((f for r, fs in self._repos.items() for n, f in fs.items() if path == f"{r}/{n}"), None)
        fault = self._faults.pop(0) if self._faults else None
        if file is None or "authorization" in request.headers:
            # Real storage refuses a request that carries a second credential beside the signed link.
            return await _send(writer, 400, {}, b"", request.method)
        if isinstance(fault, Answer):
            return await _send(writer, fault.status, fault.headers, b"", request.method)
        status, headers, body, start = _ranged(file.data, request.headers, ignore=isinstance(fault, NoRanges))
        if isinstance(fault, Corrupt) and start <= fault.at < start + len(body):
            at = fault.at - start
            body = body[:at] + bytes([body[at] ^ 0xFF]) + body[at + 1 :]
        if isinstance(fault, Longer):
            body += b"?" * fault.by
        if isinstance(fault, Cut | Stall):
            await _send(writer, status, headers, body[: fault.after], request.method, length=len(body))
            if isinstance(fault, Stall):
                await asyncio.Event().wait()
            return False
        return await _send(writer, status, headers, body, request.method)


def _ranged(data: bytes, headers: dict[str, str], *, ignore: bool) -> tuple[int, dict[str, str], bytes, int]:
    etag = f'"{hashlib.md5(data).hexdigest()}"'
    base = {"etag": etag, "accept-ranges": "bytes"}
    wanted = headers.get("range", "")
    if ignore or not wanted.startswith("bytes=") or headers.get("if-range", etag) != etag:
        return 200, base, data, 0
    start = int(wanted.removeprefix("bytes=").partition("-")[0])
    if start >= len(data):
        return 416, {**base, "content-range": f"bytes */{len(data)}"}, b"", 0
    return 206, {**base, "content-range": f"bytes {start}-{len(data) - 1}/{len(data)}"}, data[start:], start


async def _read_request(server: str, reader: asyncio.StreamReader) -> Seen | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Seen(server, method, path, headers)


async def _send(
    writer: asyncio.StreamWriter,
    status: int,
    headers: dict[str, str],
    body: bytes,
    method: str,
    length: int | None = None,
) -> bool:
    sent = {"content-length": str(len(body) if length is None else length), **headers}
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in sent.items()) + "\r\n"
    writer.write(head.encode("latin-1"))
    if method != "HEAD":
        writer.write(body)
    await writer.drain()
    return True
