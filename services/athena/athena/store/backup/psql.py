"""psql as a session: statements in, rows out, one transaction for as long as wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

from athena.errors import StackError
from athena.store.backup.ports import Place

_END = "--end--"
_QUIET = ("--quiet", "--no-psqlrc", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1")
_NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


class Session:
    """Rows come as psql prints them: fields with `|` between."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, statements: str) -> list[str]:
        """What these statements print. Raises `StackError` with PostgreSQL's own words if one fails."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        rows: list[str] = []
        try:
            process.stdin.write(f"{statements}\n\\echo {_END}\n".encode())
            await process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            raise await self._failure() from None
        async for line in process.stdout:
            row = line.decode().rstrip("\n")
            if row == _END:
                return rows
            rows.append(row)
        raise await self._failure()

    async def _failure(self) -> StackError:
        assert self._process.stderr is not None
        said = (await self._process.stderr.read()).decode(errors="replace").strip()
        return StackError(f"PostgreSQL: {said or 'the connection was lost'}", source="postgres")


@asynccontextmanager
async def session(place: Place, database: str, variables: Mapping[str, str] = _NO_VARIABLES) -> AsyncIterator[Session]:
    """A connection to `database`; `variables` are bound as psql's own (`:"name"`, `:'name'`)."""
    bound = [f"--set={name}={value}" for name, value in variables.items()]
    process = await place.start("psql", database, [*_QUIET, *bound])
    try:
        yield Session(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(5):
                await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
