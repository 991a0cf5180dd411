"""The ledger: attempts with what they cost, in PostgreSQL."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

from athena.errors import TooLarge
from athena.store.sql import statements
from athena.usage.prices import Prices
from athena.usage.types import Use
from athena.usage.value import Value, value_of

if TYPE_CHECKING:
    from athena.store.pool import Connection, Database

_SQL = statements("usage")
_COLUMNS = tuple(field.name for field in dataclasses.fields(Use))
_VALUES = tuple(field.name for field in dataclasses.fields(Value))
# Clients choose what they call their sessions; a ledger isn't where long texts are kept.
_LONGEST = 256

# PostgreSQL won't take this row, whenever it is tried.
_REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, TooLarge)


class Ledger:
    """Raises `StoreUnavailable` while PostgreSQL is away."""

    def __init__(self, database: Database, prices: Prices) -> None:
        self._database = database
        self._prices = prices

    async def write(self, uses: Sequence[Use]) -> list[Use]:
        """Bring these in; those that are there already stay as they are. Committed when this returns; what it
        returns are rows that can't be stored."""
        try:
            await self._write(uses)
        except _REFUSED:
            if len(uses) == 1:
                return list(uses)
            half = len(uses) // 2
            return await self.write(uses[:half]) + await self.write(uses[half:])
        return []

    async def _write(self, uses: Sequence[Use]) -> None:
        rows = msgspec.json.encode([_row(use, value_of(use, self._prices)) for use in uses]).decode()

        async def once(connection: Connection) -> None:
            await connection.fetchval(_SQL["write"], rows)

        await self._database.in_transaction(once)


def _row(use: Use, value: Value) -> dict[str, Any]:
    row = {name: _storable(getattr(use, name)) for name in _COLUMNS}
    for name in _VALUES:
        row[name] = getattr(value, name)
    return row


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        # The one character that PostgreSQL's texts can't hold.
        return value[:_LONGEST].replace("\x00", "\ufffd")
    if isinstance(value, tuple):
        return [_storable(each) for each in value]
    return value
