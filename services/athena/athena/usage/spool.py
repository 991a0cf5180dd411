"""The spool: a row is on disk before the last bytes of its answer leave.

`append` is one `write` to a file opened for appending. When it returns, the row is in the kernel's hands: this process
may be killed at any moment without losing it (a power cut may take the last second; nothing is synced). Files are
called segments. Whoever writes one holds its lock, and the lock dies with the process: a segment that can be locked is
finished, whoever wrote it, and may be taken by anyone who brings it into the database. Doing that twice is harmless.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import ClassVar

import msgspec
import structlog

from athena.usage.types import Use

_LIMIT = 1 << 30
_SUFFIX = ".jsonl"
_TRIES = 10

log = structlog.get_logger(__name__)


class Spool:
    """Rows of this process, on their way to the database. For one event loop: not for several threads.

    `lost` counts rows that couldn't be written: the disk is full, or `limit` bytes wait because the database has
    been away for long (the default holds more than a million). They fail no request.
    """

    def __init__(self, directory: Path, *, limit: int = _LIMIT) -> None:
        self.directory = directory
        self.lost = 0
        self.active_bytes = 0
        self._limit = limit
        self._waiting_bytes = 0
        self._active: int | None = None
        self._losing = False
        self._encode = msgspec.json.Encoder().encode

    def append(self, use: Use) -> None:
        """Some ten microseconds; never raises."""
        try:
            line = self._line(use)
            if self._waiting_bytes + self.active_bytes + len(line) > self._limit:
                raise OSError(errno.EDQUOT, f"{self._limit} bytes wait already")
            if self._active is None:
                self._active = self._open()
            written = os.write(self._active, line)
            if written < len(line):
                # Half a row without an end is skipped by whoever reads; nothing may be put behind it.
                self.roll()
                raise OSError(errno.ENOSPC, "the disk is full")
        except (OSError, ValueError, TypeError) as exc:
            self._lose(exc)
            return
        self.active_bytes += written
        if self._losing:
            self._losing = False
            log.info("usage is recorded again", lost=self.lost)

    def _line(self, use: Use) -> bytes:
        try:
            return self._encode(use) + b"\n"
        except UnicodeEncodeError:
            # Half of a surrogate pair in a name that a client made up: no reason to lose what was billed.
            texts = {each.name: value for each in fields(use) if isinstance(value := getattr(use, each.name), str)}
            clean = {name: text.encode("utf-8", "replace").decode() for name, text in texts.items()}
            return self._encode(replace(use, **clean)) + b"\n"  # type: ignore[arg-type]

    def roll(self) -> None:
        """Finish the segment that is being written; the next row begins another."""
        if self._active is not None:
            os.close(self._active)
            self._active = None
            self._waiting_bytes += self.active_bytes
            self.active_bytes = 0

    def waiting(self) -> list[Path]:
        """All segments, oldest first, the one that is being written too; how many bytes they are is seen anew."""
        found = _segments(self.directory)
        self._waiting_bytes = max(0, sum(size for _, size in found) - self.active_bytes)
        return [path for path, _ in found]

    @property
    def bytes(self) -> int:
        return self._waiting_bytes + self.active_bytes

    def _open(self) -> int:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for _ in range(_TRIES):
            path = self.directory / f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(4)}{_SUFFIX}"
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            # Between the two calls somebody may have taken the empty file for a dead process's, and removed it.
            if _lock(handle) and os.fstat(handle).st_nlink:
                return handle
            os.close(handle)
        raise OSError(errno.EAGAIN, "each new segment was taken away")

    def _lose(self, exc: Exception) -> None:
        self.lost += 1
        if not self._losing:
            self._losing = True
            log.error("usage can't be recorded, requests go on without", error=str(exc), directory=str(self.directory))


@dataclass(frozen=True, slots=True)
class Segment:
    """A finished segment, held by this process until it is closed."""

    path: Path
    handle: int

    DECODER: ClassVar[msgspec.json.Decoder[Use]] = msgspec.json.Decoder(Use)

    def batches(self, size: int) -> Iterator[tuple[list[Use], list[bytes]]]:
        """Rows in the order they were written, and beside them the lines that can't be read as rows. A last line
        without an end was never acknowledged: its process died while writing it."""
        lines = self._read().split(b"\n")[:-1]
        for start in range(0, len(lines), size):
            uses, unreadable = [], []
            for line in lines[start : start + size]:
                try:
                    uses.append(self.DECODER.decode(line))
                except msgspec.DecodeError:
                    unreadable.append(line)
            yield uses, unreadable

    def put_aside(self, lines: list[bytes]) -> None:
        """Keep, for a person to look at, what can't be brought into the database."""
        with self.path.with_suffix(".refused").open("ab") as file:
            file.writelines(line + b"\n" for line in lines)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def _read(self) -> bytes:
        with open(self.handle, "rb", closefd=False) as file:
            file.seek(0)
            return file.read()


@contextlib.contextmanager
def claim(path: Path) -> Iterator[Segment | None]:
    """The segment, or None while its writer lives, somebody else has it, or it is done already."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        yield None
        return
    try:
        yield Segment(path, handle) if _lock(handle) and os.fstat(handle).st_nlink else None
    finally:
        os.close(handle)


def _segments(directory: Path) -> list[tuple[Path, int]]:
    try:
        with os.scandir(directory) as entries:
            found = [(Path(entry.path), entry) for entry in entries if entry.name.endswith(_SUFFIX)]
    except FileNotFoundError:
        return []
    sized = []
    for path, entry in found:
        with contextlib.suppress(FileNotFoundError):
            sized.append((path, entry.stat().st_size))
    return sorted(sized)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
