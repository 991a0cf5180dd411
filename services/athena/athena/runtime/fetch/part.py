"""A download as far as it has come: `<file>.part` and, beside it, what it is a part of."""

from __future__ import annotations

import errno
import hashlib
import shutil
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from athena.errors import DownloadError
from athena.runtime import inventory
from athena.runtime.fetch.hub import RemoteFile
from athena.runtime.progress import Progress, Report

_BLOCK = 4 * 1024 * 1024
# What other things on the same disk (a database, logs) need to go on living.
MARGIN = 64 * 1024 * 1024


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    size: int
    sha256: str | None
    commit: str
    etag: str | None = None


class Part:
    """Everything here blocks on the disk: call it from a thread. `have` in bytes."""

    def __init__(self, target: Path, remote: RemoteFile) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self._record_path = target.with_name(f"{target.name}.part.json")
        self._target = target
        self._remote = remote
        self._digest = hashlib.sha256()
        self.have = 0
        self.etag: str | None = None

    @property
    def missing(self) -> int:
        return self._remote.size - self.have

    def resume(self, report: Report) -> None:
        """Take over what an earlier run left, if it is of the very same file; else start empty."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        record = self._read_record()
        if record is None or not self._same(record) or not self._rehash(report):
            self.restart()
        else:
            self.etag = record.etag
        self._require_space()

    def restart(self) -> None:
        self.path.write_bytes(b"")
        self._digest = hashlib.sha256()
        self.have = 0
        self.note_etag(None)

    def note_etag(self, etag: str | None) -> None:
        """The storage host's validator, for `If-Range` in a later run; weak ones don't count."""
        self.etag = etag if etag and not etag.startswith("W/") else None
        remote = self._remote
        record = _Record(size=remote.size, sha256=remote.sha256, commit=remote.commit, etag=self.etag)
        inventory.write_atomically(self._record_path, record.model_dump_json() + "\n")

    def append(self, data: bytes) -> None:
        try:
            with self.path.open("r+b") as file:
                # Whatever a failed write left beyond what was hashed is cut off.
                file.truncate(self.have)
                file.seek(self.have)
                file.write(data)
        except OSError as exc:
            raise disk_error(self._target, exc, self.missing) from exc
        self._digest.update(data)
        self.have += len(data)

    def digest(self) -> str:
        return self._digest.hexdigest()

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self._record_path.unlink(missing_ok=True)

    def settle(self) -> None:
        """Rename into place; the receipt is there before the file is."""
        model = self._remote.model
        receipt = inventory.Receipt(
            model=model.name,
            size=self.have,
            sha256=self.digest(),
            source=model.repo or "",
            commit=self._remote.commit,
        )
        inventory.write_receipt(self._target, receipt)
        inventory.settle(self.path, self._target)
        self._record_path.unlink(missing_ok=True)

    def _read_record(self) -> _Record | None:
        try:
            return _Record.model_validate_json(self._record_path.read_bytes())
        except (OSError, ValidationError):
            return None

    def _same(self, record: _Record) -> bool:
        remote = self._remote
        if record.size != remote.size:
            return False
        return record.sha256 == remote.sha256 if remote.sha256 else record.commit == remote.commit

    def _rehash(self, report: Report) -> bool:
        """False where the part is missing or longer than the file can be."""
        try:
            total = self.path.stat().st_size
            with self.path.open("rb") as file:
                while block := file.read(_BLOCK):
                    self._digest.update(block)
                    self.have += len(block)
                    report(Progress(self._target.name, "checking", self.have, total))
        except OSError:
            return False
        return self.have <= self._remote.size

    def _require_space(self) -> None:
        if self.missing:
            require_space(self._target, self.missing)


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def disk_error(target: Path, exc: OSError, missing: int) -> DownloadError:
    """What a failed write means; `missing` in bytes."""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return _no_space(target, missing, free_bytes(target.parent))
    return DownloadError(f"{target} can't be written: {exc.strerror}", source="athena")


def require_space(target: Path, needed: int) -> None:
    """Raises `DownloadError` unless the target's disk has `needed` bytes and a margin."""
    free = free_bytes(target.parent)
    if free < needed + MARGIN:
        raise _no_space(target, needed + MARGIN, free)


def _no_space(target: Path, needed: int, free: int) -> DownloadError:
    return DownloadError(
        f"not enough disk space for {target.name}: {needed / 1e6:,.0f} MB more are needed in {target.parent}, "
        f"{free / 1e6:,.0f} MB are free",
        source="athena",
        hint="free some space, then run the same command again: it goes on where it stopped",
    )
