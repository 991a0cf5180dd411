"""The file: a tar of `backup.json`, `database.dump` (pg_dump's own format) and `home.tar`."""

from __future__ import annotations

import hashlib
import os
import tarfile
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from athena.errors import InvalidInput

FORMAT = 1
MANIFEST, DUMP, HOME = "backup.json", "database.dump", "home.tar"
_CHUNK = 1 << 20


class Table(BaseModel):
    """`digest`: a sum over the hashes of all rows, whatever their order."""

    model_config = ConfigDict(frozen=True)
    rows: int
    digest: str


class Probe(BaseModel):
    """A question, and the ids that answered it when the back-up was made."""

    model_config = ConfigDict(frozen=True)
    project: str
    query: str
    ids: tuple[str, ...] = ()


class Manifest(BaseModel):
    """`form`: where it was taken (embedded, docker, server); it can be restored into any of them."""

    model_config = ConfigDict(frozen=True)
    format: int = FORMAT
    athena: str
    taken_at: str
    form: str
    migrations: tuple[str, ...]
    tables: dict[str, Table]
    dump_sha256: str
    probes: tuple[Probe, ...] = ()


def write(path: Path, folder: Path) -> None:
    """Make `path` out of the three files in `folder`, for this user's eyes only; complete or not at all."""
    part = path.with_name(f"{path.name}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            for name in (MANIFEST, DUMP, HOME):
                tar.add(folder / name, arcname=name)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)


def read(path: Path, folder: Path) -> Manifest:
    """Unpack into `folder`. Raises `InvalidInput` if it is no back-up, is damaged, or of a newer Athena."""
    try:
        with tarfile.open(path) as tar:
            for name in (MANIFEST, DUMP, HOME):
                tar.extract(name, folder, filter="data")
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (tarfile.TarError, KeyError, ValidationError, EOFError) as exc:
        raise InvalidInput(f"{path} is no back-up of Athena's, or is damaged") from exc
    except OSError as exc:
        raise InvalidInput(f"{path}: {exc.strerror or exc}") from exc
    if manifest.format > FORMAT:
        raise InvalidInput(f"{path} was made by a newer Athena ({manifest.athena})", hint="update, then restore")
    if sha256(folder / DUMP) != manifest.dump_sha256:
        raise InvalidInput(f"{path} is damaged: its database isn't what was written")
    return manifest


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
