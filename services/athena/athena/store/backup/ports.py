"""What a back-up needs of the place where PostgreSQL runs: its own programs, started there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import IO, Protocol


class Place(Protocol):
    """`database` is the one that Athena uses; `programs` of the same major version as the server."""

    @property
    def form(self) -> str: ...

    @property
    def database(self) -> str: ...

    async def start(self, program: str, database: str, arguments: Sequence[str]) -> asyncio.subprocess.Process:
        """A program of PostgreSQL's, connected to `database`, with all three streams piped."""
        ...

    async def run(
        self,
        program: str,
        database: str,
        arguments: Sequence[str],
        *,
        source: IO[bytes] | None = None,
        sink: IO[bytes] | None = None,
    ) -> None:
        """The same, to its end, between two files. Raises `StackError` with what it complained about."""
        ...

    async def migrate(self, database: str) -> None:
        """Bring the schema of `database` up to this Athena's. Raises `StackError`."""
        ...

    async def save_home(self, sink: IO[bytes]) -> None:
        """A tar of the files of the home that are worth keeping."""
        ...

    async def put_home(self, source: IO[bytes]) -> None:
        """Put them back; what differs from them is kept beside."""
        ...
