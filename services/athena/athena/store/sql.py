"""Named SQL statements from files.

A file holds blocks that begin with a line `-- name: some_statement`; values are
only ever bound as `$n` parameters. The one exception are embedding generations:
a partial index is used only when the generation and its dimension are literals in
the statement, so `with_generation` fills these two integers into a template.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

_NAME = re.compile(r"^-- name: ([a-z0-9_]+)\s*$", re.MULTILINE)


@cache
def statements(file: str) -> dict[str, str]:
    """All blocks of `queries/<file>.sql`, by name."""
    text = resources.files("athena.store").joinpath("queries", f"{file}.sql").read_text()
    parts = _NAME.split(text)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


@cache
def with_generation(template: str, generation: int, dim: int) -> str:
    """`template` with `{generation}` and `{dim}` replaced by these integers."""
    return template.replace("{generation}", str(int(generation))).replace("{dim}", str(int(dim)))
