"""The embedded PostgreSQL as the supervisor sees it."""

from __future__ import annotations

from athena.config import Settings
from athena.errors import StackError
from athena.runtime.lock import FileLock
from athena.runtime.ports import CannotStart
from athena.runtime.postgres import server
from athena.runtime.postgres.place import place
from athena.runtime.process import Command


def ownership(settings: Settings) -> FileLock:
    """Held by the one process that runs this home's PostgreSQL."""
    return FileLock(settings.run_dir / "postgres.lock")


class PostgresPart:
    """`lock`: the home's `ownership`; taken at the start if it isn't held yet, kept until the process ends."""

    name = server.NAME

    def __init__(self, settings: Settings, lock: FileLock | None = None) -> None:
        self._settings = settings
        self._lock = lock or ownership(settings)

    @property
    def address(self) -> str:
        return "ATHENA_DATABASE_URL" if self._settings.database_url else str(place(self._settings).socket)

    async def prepare(self) -> Command | None:
        if self._settings.database_url is not None:
            return None
        if not self._lock.acquire():
            raise CannotStart(
                f"another process already runs the PostgreSQL of {self._settings.home}",
                hint="stop it: probably a `python -m athena.server` that was started by hand",
                source="postgres",
            )
        return await server.command(self._settings)

    async def probe(self) -> bool:
        return await server.answers(server.dsn(self._settings))

    def explain(self, output: list[str], code: int) -> StackError:
        return server.explain(output, code, place(self._settings))

    def describe(self) -> tuple[str, str]:
        if self._settings.database_url is not None:
            return "runs elsewhere", ""
        where = place(self._settings)
        return (f"data in {where.base}" if where.is_outside else ""), ""
