"""The files of a home that are worth keeping: `python -m athena.runtime.home_files save > FILE` and `put < FILE`."""

from __future__ import annotations

import filecmp
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import IO

from athena import config

# Models and logs can be had again; rows of use that wait are read by any Athena.
_WORTH = ("athena.toml", "routing.toml", "embedder.json", "agents", "prompts", "local-models.db", "spool")
_SUFFIX = ".before-restore"


def save(home: Path, sink: IO[bytes]) -> None:
    with tarfile.open(fileobj=sink, mode="w|") as tar:
        for name in _WORTH:
            if (home / name).exists():
                tar.add(home / name, arcname=name, filter=_plain)


def put(home: Path, source: IO[bytes]) -> None:
    """What is there and differs is kept as NAME.before-restore."""
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=".restore-") as made:
        with tarfile.open(fileobj=source, mode="r|") as tar:
            tar.extractall(made, filter="data")
        for found in sorted(path for path in Path(made).rglob("*") if path.is_file()):
            target = home / found.relative_to(made)
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                if filecmp.cmp(found, target, shallow=False):
                    continue
                target.rename(target.with_name(target.name + _SUFFIX))
            shutil.move(found, target)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Files and folders, nobody's in particular."""
    if not (entry.isfile() or entry.isdir()):
        return None
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def main(words: list[str]) -> int:
    home = config.load().home
    if words == ["save"]:
        save(home, sys.stdout.buffer)
    elif words == ["put"]:
        put(home, sys.stdin.buffer)
    else:
        print("usage: python -m athena.runtime.home_files save | put", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
