"""Local-only mode as the database knows it: one switch for all replicas, followed within a second.

It is listened for and also read two and a half times a second, since a notification can be lost. What was read
more than a second ago isn't known any more, and what isn't known counts as on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from athena import http
from athena.config import Settings
from athena.errors import AthenaError, Conflict, StackError
from athena.http.gate import FORCED, ON, Closed, Gate
from athena.http.mirror import Mirror, Noted, Unreadable
from athena.store.pool import Database, translated
from athena.store.sql import statements

if TYPE_CHECKING:
    import asyncpg

_SQL = statements("switch")
_NAME = "local-only"
_CHANNEL = "athena_switch"

_FRESH_S = 1.0
_POLL_S = 0.4
_RETRY_S = 0.5
# New requests are refused as soon as the switch isn't known. What is under way has left already: a
# restart of PostgreSQL needn't end it.
_CUT_AFTER_S = 10.0

_UNKNOWN = Closed("whether local-only mode is on can't be read from PostgreSQL, so it counts as on", "athena status")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LocalOnlyState:
    """`on`: nothing may leave, for `reason`. `known`: it was read within the last second. `forced`: by
    ATHENA_LOCAL_ONLY, and no switch changes it. `changed_at` and `changed_by` as last read."""

    on: bool
    known: bool
    forced: bool
    reason: str | None
    changed_at: datetime | None
    changed_by: str | None


class LocalOnlyMode:
    """`run` follows the database, keeps the home's mirror true and cuts what runs when it is switched on."""

    def __init__(self, database: Database, settings: Settings, gate: Gate = http.gate) -> None:
        self._database = database
        self._mirror = Mirror(settings)
        self._forced = settings.local_only
        self._gate = gate
        self._seen: Noted | None = None
        self._read_at = 0.0
        self._heard = asyncio.Event()
        self._read = asyncio.Event()
        self._complained = False

    def closed(self) -> Closed | None:
        if self._forced:
            return FORCED
        if self._seen is None or not self._is_fresh():
            return _UNKNOWN
        return ON if self._seen.on else None

    async def refreshed(self) -> None:
        """Wait for the next reading if the last one is too old: the loop may just have been busy."""
        if self._forced or self._is_fresh():
            return
        self._read.clear()
        self._heard.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FRESH_S):
                await self._read.wait()

    def state(self) -> LocalOnlyState:
        closed = self.closed()
        # What nobody ever changed, nobody changed.
        seen = self._seen if self._seen is not None and self._seen.changed_at is not None else None
        return LocalOnlyState(
            on=closed is not None,
            known=self._forced or self._is_fresh(),
            forced=self._forced,
            reason=closed.why if closed else None,
            changed_at=seen.changed_at if seen else None,
            changed_by=seen.changed_by if seen else None,
        )

    async def set(self, on: bool, by: str = "") -> LocalOnlyState:
        """Switch it for all replicas; in force here when this returns. Raises `Conflict`, `StoreUnavailable`."""
        if self._forced and not on:
            raise Conflict(
                "local-only mode is held on by ATHENA_LOCAL_ONLY",
                hint="unset it (or local_only in athena.toml), then: athena down; athena up",
            )
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["set"], _NAME, on, by)
            row = await connection.fetchrow(_SQL["read"], _NAME)
        # Dated when it was done: a look that began before may still bring the old word.
        self._take(_noted(row), time.monotonic())
        self._keep_mirror(None)
        return self.state()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                with translated():
                    await self._follow()
            except AthenaError as exc:
                _log.debug("local_only waits for PostgreSQL", error=exc.message)
            except Exception:
                _log.exception("local_only stopped unexpectedly")
            if not self._is_fresh(_CUT_AFTER_S):
                self._gate.cut()
            await asyncio.sleep(_RETRY_S)

    async def _follow(self) -> None:
        await self._database.ensure_ready()
        connection = await self._database.connect()
        try:
            await connection.add_listener(_CHANNEL, self._notified)
            while True:
                self._heard.clear()
                await self._look(connection)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_S):
                        await self._heard.wait()
        finally:
            with contextlib.suppress(Exception):
                await connection.close(timeout=1)

    async def _look(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        wanted = self._noted_here()
        if wanted is not None and wanted.pending:
            since = wanted.changed_at or datetime.now(UTC)
            await connection.execute(
                _SQL["set_unless_newer"], _NAME, wanted.on, since, wanted.changed_by, timeout=_FRESH_S
            )
        asked_at = time.monotonic()
        row = await connection.fetchrow(_SQL["read"], _NAME, timeout=_FRESH_S)
        self._take(_noted(row), asked_at)
        self._keep_mirror(wanted)

    def _take(self, seen: Noted, read_at: float) -> None:
        if read_at < self._read_at:
            return
        before, self._seen, self._read_at = self._seen, seen, read_at
        self._read.set()
        if seen.on and (before is None or not before.on):
            self._gate.cut()
        if before is not None and before.on != seen.on:
            _log.info("local_only", on=seen.on, by=seen.changed_by)

    def _noted_here(self) -> Noted | None:
        try:
            return self._mirror.read()
        except Unreadable:
            return None

    def _keep_mirror(self, pushed: Noted | None) -> None:
        """Make the file say what the database does, unless somebody has just noted a new wish in it."""
        here = self._noted_here()
        if self._seen is None or here == self._seen or (here != pushed and here is not None and here.pending):
            return
        if not self._mirror.path.parent.exists():
            return
        try:
            self._mirror.write(self._seen)
        except StackError as exc:
            if not self._complained:
                _log.warning("local_only.not_noted", why=exc.message)
            self._complained = True

    def _notified(self, *_: object) -> None:
        self._heard.set()

    def _is_fresh(self, seconds: float = _FRESH_S) -> bool:
        return self._seen is not None and time.monotonic() - self._read_at <= seconds


def _noted(row: asyncpg.Record | None) -> Noted:
    if row is None:
        return Noted(on=False)
    return Noted(on=row["is_on"], changed_at=row["changed_at"], changed_by=row["changed_by"])
