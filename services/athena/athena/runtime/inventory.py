"""Model files on disk: the receipt beside each, and whether a file is whole.

`<file>` never exists half: it is renamed into place when it is complete and its
hash is right. `<file>.json` then says what it is and where it came from.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from athena.runtime import gguf_header
from athena.runtime.catalogue import Model
from athena.runtime.progress import Progress, Report, silent

_BLOCK = 4 * 1024 * 1024


class Receipt(BaseModel):
    """`<file>.json`. `size` in bytes; `source` is a repo or a wheel, `commit` its revision or version."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    model: str
    size: int
    sha256: str
    source: str
    commit: str
    pulled_at: datetime = Field(default_factory=lambda: datetime.now(UTC))


def receipt_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def receipt_of(path: Path) -> Receipt | None:
    """None where there is none (a file put there by hand) or where it can't be read."""
    try:
        return Receipt.model_validate_json(receipt_path(path).read_bytes())
    except (OSError, ValidationError):
        return None


def write_receipt(path: Path, receipt: Receipt) -> None:
    write_atomically(receipt_path(path), receipt.model_dump_json(indent=2) + "\n")


def find(model: Model, folder: Path) -> Path | None:
    """The model's file under its own name, or under another one that it is known by."""
    if model.path is not None:
        return model.path if model.path.exists() else None
    names = [model.file, *(alias for alias in model.aliases if alias.endswith(".gguf"))]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def fault(path: Path, model: Model) -> str | None:
    """What a quick look finds wrong, as the rest of a sentence about the file; None if nothing.

    Compares the size with the receipt, else with the manifest's pinned file, else with
    what the GGUF header itself promises. Reads no weights: `hash_fault` does.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return "is missing"
    except OSError as exc:
        return f"can't be read ({exc.strerror})"
    is_gguf = path.suffix == ".gguf"
    if is_gguf and not gguf_header.looks_like_gguf(path):
        return "is damaged or no model: it doesn't begin as a GGUF file does"
    promised = _promised_size(path, model)
    if promised is None and not is_gguf:
        return None if size else "is empty"
    if promised is None:
        least = gguf_header.least_size(path)
        return f"is cut short: {size} bytes of at least {least}" if least is None or size < least else None
    return None if size == promised else f"is damaged: {size} bytes instead of {promised}"


def _promised_size(path: Path, model: Model) -> int | None:
    receipt = receipt_of(path)
    if receipt is not None and model.path is None:
        return receipt.size
    # Without a hash the manifest's size is one of several revisions'.
    pinned = model.path is None and (model.sha256 or model.sha256_prefix)
    return model.size if pinned else None


def hash_fault(path: Path, model: Model, report: Report = silent) -> str | None:
    """Reads the whole file and compares its sha256 with the receipt and the manifest."""
    sha256 = hash_file(path, report)
    receipt = receipt_of(path) if model.path is None else None
    wanted = receipt.sha256 if receipt else (model.sha256 or model.sha256_prefix or "")
    if sha256.startswith(wanted) and model.matches_hash(sha256):
        return None
    return f"is damaged: its sha256 is {sha256[:12]}…, expected {wanted[:12]}…"


def hash_file(path: Path, report: Report = silent) -> str:
    digest = hashlib.sha256()
    total = path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            report(Progress(path.name, "checking", file.tell(), total))
    return digest.hexdigest()


def write_atomically(path: Path, text: str) -> None:
    """Whole or not at all, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def settle(part: Path, final: Path) -> None:
    """Give a complete file its final name, durably."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
