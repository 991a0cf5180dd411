"""Values remembered for a moment: one read for all who ask, and what was known while the store is away."""

from __future__ import annotations

import asyncio

import pytest

from athena.errors import StoreUnavailable
from athena.store.fresh import Fresh


class Shelf:
    """A store that counts, waits and fails as told."""

    def __init__(self) -> None:
        self.reads = 0
        self.away = False
        self.value = 1
        self.gate = asyncio.Event()
        self.gate.set()
        self.now = 0.0

    async def read(self, key: str) -> int:
        self.reads += 1
        value = self.value
        await self.gate.wait()
        if self.away:
            raise StoreUnavailable("away")
        return value

    def fresh(self, most: int = 100) -> Fresh[str, int]:
        return Fresh(self.read, for_s=3, most=most, clock=lambda: self.now)


async def test_it_is_read_again_when_it_is_old() -> None:
    shelf = Shelf()
    fresh = shelf.fresh()
    assert [await fresh.get("a") for _ in range(3)] == [1, 1, 1]
    shelf.value, shelf.now = 2, 2.9
    assert await fresh.get("a") == 1
    shelf.now = 3.1
    assert await fresh.get("a") == 2
    assert shelf.reads == 2


async def test_what_is_amended_is_read_again_when_it_would_have_been() -> None:
    shelf = Shelf()
    fresh = shelf.fresh()
    fresh.amend("a", 7)
    assert fresh.known("a") is None
    assert await fresh.get("a") == 1
    shelf.now = 2.9
    fresh.amend("a", 7)
    assert await fresh.get("a") == 7
    shelf.value, shelf.now = 2, 3.1
    assert await fresh.get("a") == 2


async def test_all_who_ask_at_once_share_one_read() -> None:
    shelf = Shelf()
    fresh = shelf.fresh()
    shelf.gate.clear()
    asking = [asyncio.create_task(fresh.get("a")) for _ in range(5)]
    await asyncio.sleep(0)
    asking[0].cancel()
    await asyncio.sleep(0)
    shelf.gate.set()
    assert await asyncio.gather(*asking[1:]) == [1, 1, 1, 1]
    assert shelf.reads == 1


async def test_while_the_store_is_away_what_was_known_holds() -> None:
    shelf = Shelf()
    fresh = shelf.fresh()
    await fresh.get("a")
    shelf.away, shelf.now = True, 10.0
    assert await fresh.get("a") == 1
    reads = shelf.reads
    assert await fresh.get("a") == 1
    with pytest.raises(StoreUnavailable):
        await fresh.get("never seen")
    assert shelf.reads == reads, "an outage costs one read a second, not one each"
    shelf.away, shelf.value, shelf.now = False, 2, 11.5
    assert await fresh.get("a") == 2


async def test_a_read_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("athena.store.fresh._PATIENCE_S", 0.05)
    shelf = Shelf()
    shelf.gate.clear()
    with pytest.raises(StoreUnavailable):
        await asyncio.wait_for(shelf.fresh().get("a"), 5)


async def test_what_is_put_during_a_read_is_newer_than_the_read() -> None:
    shelf = Shelf()
    fresh = shelf.fresh()
    shelf.gate.clear()
    asking = asyncio.create_task(fresh.get("a"))
    await asyncio.sleep(0)
    fresh.put("a", 7)
    shelf.gate.set()
    assert await asking == 7
    assert await fresh.get("a") == 7


async def test_outdated_is_read_again_and_the_oldest_goes_first() -> None:
    shelf = Shelf()
    fresh = shelf.fresh(most=2)
    for key in ("a", "b"):
        await fresh.get(key)
    shelf.value = 2
    fresh.outdate("b")
    assert await fresh.get("b") == 2
    await fresh.get("c")
    assert [fresh.known(key) for key in ("a", "b", "c")] == [None, 2, 2]


async def test_other_errors_reach_whoever_asks() -> None:
    async def broken(key: str) -> int:
        raise KeyError(key)

    with pytest.raises(KeyError):
        await Fresh(broken, for_s=1).get("a")
