"""The pool: connects when first needed, migrates once, comes back by itself.

`Database` is usable before PostgreSQL answers: `acquire` raises `StoreUnavailable`
until it does and works from then on, with nobody having to restart anything.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
from pgvector.asyncpg import register_vector

from athena.errors import AthenaError, StoreUnavailable, TooLarge
from athena.store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import TypeVar

    T = TypeVar("T")
    Connection: TypeAlias = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Prepare: TypeAlias = Callable[[asyncpg.Connection[asyncpg.Record]], Awaitable[None]]

# Given at the start of a session: what is SET later, asyncpg resets when a connection goes back to the pool.
_SERVER_SETTINGS = {
    "application_name": "athena",
    "timezone": "UTC",
    # JIT costs hundreds of milliseconds on statements that run in ten.
    "jit": "off",
    # A generic plan can't know that a filter isn't there.
    "plan_cache_mode": "force_custom_plan",
    # A filter over an approximate index returns too little unless the scan goes on until enough rows pass.
    "hnsw.iterative_scan": "relaxed_order",
    "hnsw.ef_search": "200",
    "hnsw.max_scan_tuples": "40000",
}
_CONNECT_TIMEOUT_S = 5.0
_COMMAND_TIMEOUT_S = 60.0

# Two batches with the same memories in another order, a project that two writers name first, a
# generation given up while a write owes it a vector: one of the two goes first, the other again.
_TRIES = 5
_IN_THE_WAY = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.UniqueViolationError,
    asyncpg.ForeignKeyViolationError,
)

_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientResourcesError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


def is_away(error: BaseException | None) -> bool:
    """Does this say that PostgreSQL can't be reached, in asyncpg's words or in ours?"""
    if isinstance(error, asyncpg.InterfaceError):
        # "connection is closed", "pool is closing"; any other is a mistake of ours.
        return "clos" in str(error)
    return isinstance(error, (StoreUnavailable, *_AWAY))


@contextmanager
def translated() -> Iterator[None]:
    """Turn what asyncpg raises when PostgreSQL is away, full or read-only into `StoreUnavailable`."""
    try:
        yield
    except AthenaError:
        raise
    except asyncpg.DiskFullError as exc:
        raise StoreUnavailable(
            "PostgreSQL's disk is full: nothing was stored", hint="free disk space, then try again", retry_after=30
        ) from exc
    except asyncpg.ReadOnlySQLTransactionError as exc:
        raise StoreUnavailable("PostgreSQL is read-only", hint="connect to the primary") from exc
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as exc:
        raise StoreUnavailable(
            "PostgreSQL refused the credentials", hint="check ATHENA_DATABASE_URL", retry_after=30
        ) from exc
    except (asyncpg.FeatureNotSupportedError, asyncpg.UndefinedFileError, asyncpg.InsufficientPrivilegeError) as exc:
        raise StoreUnavailable(
            f"this PostgreSQL can't be used: {exc}",
            hint="it needs pgvector 0.8 or newer, and a role that may CREATE EXTENSION vector (or has it already)",
            retry_after=30,
        ) from exc
    except asyncpg.ProgramLimitExceededError as exc:
        raise TooLarge("the text has more different words than PostgreSQL can index", hint="split it") from exc
    except asyncpg.InterfaceError as exc:
        if not is_away(exc):
            raise
        raise _away(exc) from exc
    except _AWAY as exc:
        raise _away(exc) from exc


def _away(exc: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"PostgreSQL can't be reached ({type(exc).__name__})", hint="athena status; athena up")


class Database:
    """One pool over one DSN."""

    def __init__(self, dsn: str, *, prepare: Prepare | None = None, max_size: int = 12) -> None:
        """`prepare`: what else has to be in the database before it is used; run once, after the migrations."""
        self._dsn = dsn
        self._prepare = prepare
        self._max_size = max_size
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._starting = asyncio.Lock()

    @property
    def dsn(self) -> str:
        return self._dsn

    async def ensure_ready(self) -> asyncpg.Pool[asyncpg.Record]:
        """The pool, over a migrated schema. Raises `StoreUnavailable`."""
        if self._pool is not None:
            return self._pool
        async with self._starting:
            if self._pool is None:
                with translated():
                    connection = await self.connect()
                    try:
                        await migrate(connection)
                        if self._prepare is not None:
                            await self._prepare(connection)
                    finally:
                        await connection.close(timeout=2)
                    self._pool = await asyncpg.create_pool(
                        self._dsn,
                        min_size=0,
                        max_size=self._max_size,
                        max_inactive_connection_lifetime=300,
                        init=register_vector,
                        # Nothing here leaves anything in a session: asyncpg's reset would be a round trip for each use.
                        reset=_nothing_to_reset,
                        timeout=_CONNECT_TIMEOUT_S,
                        command_timeout=_COMMAND_TIMEOUT_S,
                        server_settings=_SERVER_SETTINGS,
                    )
        return self._pool

    async def connect(self) -> asyncpg.Connection[asyncpg.Record]:
        """A connection of the caller's own, outside the pool (LISTEN, index builds): no codecs, no time-out."""
        return await asyncpg.connect(self._dsn, timeout=_CONNECT_TIMEOUT_S, server_settings=_SERVER_SETTINGS)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """A pooled connection; never hold it across a call to a model."""
        with translated():
            pool = await self.ensure_ready()
            async with pool.acquire(timeout=_CONNECT_TIMEOUT_S) as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A pooled connection inside one transaction, committed when the block ends."""
        async with self.acquire() as connection, connection.transaction():
            yield connection

    async def in_transaction(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """What `work` gives, in one transaction; begun anew when another transaction got in its way.

        Raises `StoreUnavailable` if that happens again and again.
        """
        for attempt in range(_TRIES):
            try:
                async with self.transaction() as connection:
                    return await work(connection)
            except _IN_THE_WAY as exc:
                if attempt == _TRIES - 1:
                    raise StoreUnavailable("others write the same memories just now", retry_after=1) from exc
                await asyncio.sleep(random.uniform(0.5, 1) * 0.02 * 2**attempt)  # noqa: S311 - jitter, not a secret
        raise AssertionError("unreachable")

    async def ping(self) -> float:
        """Round trip in milliseconds. Raises `StoreUnavailable`."""
        started = time.perf_counter()
        async with self.acquire() as connection:
            await connection.fetchval("SELECT 1")
        return (time.perf_counter() - started) * 1e3

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(3):
                    await pool.close()
            except (TimeoutError, *_AWAY):
                pool.terminate()


async def _nothing_to_reset(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    return None
