"""One house for all test modules that name this plugin, and a guest for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.clients.asking import Asking
from tests.clients.conftest import fresh
from tests.clients.house import Guest, House, numbers, open_house
from tests.clients.world import World
from tests.fakes.provider.background import Background


@pytest.fixture(scope="session")
def house(background: Background, providers: World) -> Iterator[House]:
    opened = open_house(providers)
    house = background.run(opened.__aenter__(), timeout_s=150)
    try:
        yield house
    finally:
        background.run(opened.__aexit__(None, None, None), timeout_s=60)


@pytest.fixture
async def guest(house: House) -> AsyncIterator[Guest]:
    name = f"guest-{next(numbers)}"
    key = house.key(name)
    guest = Guest(house, name, key, Asking(house.url, {"authorization": f"Bearer {key}"}), Asking(house.url, {}))
    async with fresh(house.world):
        yield guest
        await guest.close()
