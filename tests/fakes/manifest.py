"""The real manifest with other hashes: the fake hub's files can't have the published ones."""

from __future__ import annotations

import re
from pathlib import Path

from athena.runtime import catalogue


def write_unpinned_manifest(folder: Path) -> Path:
    """A copy of the manifest whose hub files have no `sha256_prefix` and no `size`; the rest is as shipped."""
    before, wheel, rest = catalogue.manifest_path().read_text().partition("[model.wheel]")
    wheel_table, model, after = rest.partition("[[model]]")
    path = folder / "manifest.toml"
    path.write_text(_unpinned(before) + wheel + wheel_table + model + _unpinned(after))
    return path


def _unpinned(text: str) -> str:
    return re.sub(r"(?m)^(sha256_prefix|size) = .*\n", "", text)
