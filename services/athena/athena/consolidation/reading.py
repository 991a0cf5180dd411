"""A project's memories as columns. Bounded: the newest `MOST` of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from athena.consolidation.finding import Owner
from athena.consolidation.types import Events
from athena.store.sql import statements, with_generation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from athena.store.pool import Connection

MOST = 100_000
_PAGE = 5_000
_SQL = statements("consolidation")


async def read(connection: Connection, project: int) -> tuple[Events, list[Owner]]:
    """The events, and whose each scope code is."""
    serving = await connection.fetchrow(_SQL["serving"])
    sql = with_generation(_SQL["read_events"], *((serving["id"], serving["dim"]) if serving else (0, 1)))
    rows = _Rows(serving["dim"] if serving else 0)
    place = await connection.fetchval(_SQL["oldest_read"], project, MOST)
    while page := await connection.fetch(sql, project, place, _PAGE):
        rows.add(page)
        place = page[-1]["place"] + 1
    return rows.events(), list(rows.owners)


class _Rows:
    def __init__(self, dim: int) -> None:
        self._dim = dim
        self.owners: dict[Owner, int] = {}
        self._ids: list[str] = []
        self._texts: list[str] = []
        self._kinds: list[str] = []
        self._at: list[float] = []
        self._sessions: list[int] = []
        self._scopes: list[int] = []
        # Half as wide as they are compared in, and a page in one piece: all of them are held twice for a moment.
        self._vectors: list[NDArray[np.float16]] = []

    def add(self, page: Sequence[Mapping[str, Any]]) -> None:
        vectors = np.zeros((len(page), self._dim), np.float16)
        for place, row in enumerate(page):
            self._add(row)
            if row["vec"] is not None:
                vectors[place] = row["vec"].to_numpy()
        self._vectors.append(vectors)

    def _add(self, row: Mapping[str, Any]) -> None:
        self._ids.append(str(row["uid"]))
        self._texts.append(row["content"])
        self._kinds.append(row["kind"])
        self._at.append(row["at"])
        self._sessions.append(-1 if row["session_no"] is None else row["session_no"])
        self._scopes.append(self.owners.setdefault((row["user_id"], row["agent_id"]), len(self.owners)))

    def events(self) -> Events:
        order = sorted(range(len(self._ids)), key=lambda i: (self._at[i], self._ids[i]))
        vectors = self._sorted(order)
        sessions = np.array([self._sessions[i] for i in order], np.int64)
        return Events(
            ids=tuple(self._ids[i] for i in order),
            texts=tuple(self._texts[i] for i in order),
            kinds=tuple(self._kinds[i] for i in order),
            at=np.array([self._at[i] for i in order], np.float64),
            # Codes, not the store's numbers, which may be larger than the column.
            sessions=np.where(sessions < 0, -1, np.unique(sessions, return_inverse=True)[1]).astype(np.int32),
            scopes=np.array([self._scopes[i] for i in order], np.int32),
            vectors=vectors,
        )

    def _sorted(self, order: list[int]) -> NDArray[np.float32]:
        """The vectors in this order, of length 1. Takes them: a page goes when it has been copied."""
        places = np.empty(len(order), np.intp)
        places[order] = np.arange(len(order))
        vectors = np.empty((len(order), self._dim), np.float32)
        end = len(order)
        while self._vectors:
            page = self._vectors.pop().astype(np.float32)
            lengths = np.linalg.norm(page, axis=1, keepdims=True)
            np.divide(page, lengths, out=page, where=lengths > 0)
            vectors[places[end - len(page) : end]] = page
            end -= len(page)
        return vectors
