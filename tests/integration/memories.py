"""Short words for what the tests of the memory do all the time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from athena.bootstrap import Athena
from athena.memory.types import Filter, Hit, NewMemory, Scope

WAIT_S = 30.0
EVERYTHING = Filter()


def day(year: int, month: int = 1, date: int = 1) -> datetime:
    return datetime(year, month, date, 12, tzinfo=UTC)


def within(**scope: str) -> Filter:
    return Filter(Scope(**scope))


async def told(athena: Athena, *contents: str, wait_s: float = WAIT_S, **more: Any) -> list[str]:
    """The ids of these, remembered and embedded."""
    receipts = await athena.memory.remember([NewMemory(c, **more) for c in contents], wait_s=wait_s)
    assert wait_s == 0 or {receipt.embedding for receipt in receipts} == {"ready"}
    return [receipt.id for receipt in receipts]


async def recalled(athena: Athena, query: str, where: Filter = EVERYTHING, limit: int = 10) -> list[str]:
    return [hit.memory.content for hit in (await athena.memory.recall(query, where, limit=limit)).hits]


async def hits_by_content(athena: Athena, query: str, where: Filter = EVERYTHING, limit: int = 100) -> dict[str, Hit]:
    return {hit.memory.content: hit for hit in (await athena.memory.recall(query, where, limit=limit)).hits}


async def value(athena: Athena, sql: str, *parameters: Any) -> Any:
    """One value, asked of the database behind Athena's back."""
    async with athena.database.acquire() as connection:
        return await connection.fetchval(sql, *parameters)
