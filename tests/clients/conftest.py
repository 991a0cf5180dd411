"""What a client of the outside world needs: a base URL, a key, and the providers it ends at.

Each test that takes `world` runs once for every place in `PLACES`: a client that works with a provider
itself has to work with the gateway in front of it, unchanged.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace

import pytest

from tests.clients import gateway_place
from tests.clients.world import World
from tests.fakes.anthropic_api import FakeAnthropic
from tests.fakes.openai_api import FakeOpenAI
from tests.fakes.provider.background import Background
from tests.fakes.provider.fake import FakeProvider

PLACES = ("fakes", "gateway")


@pytest.fixture(scope="session")
def background() -> Iterator[Background]:
    with Background() as background:
        yield background


@contextmanager
def listening(background: Background, fake: FakeProvider) -> Iterator[None]:
    background.run(fake.server.listen())
    yield
    background.run(fake.server.stop())
    assert not fake.broken, fake.broken


@pytest.fixture(scope="session")
def providers(background: Background) -> Iterator[World]:
    """All fakes, reached directly."""
    world = World(
        anthropic=FakeAnthropic(),
        openai=FakeOpenAI("openai"),
        google=FakeOpenAI("google"),
        ollama=FakeOpenAI("ollama"),
        background=background,
    )
    with ExitStack() as stack:
        for fake in world.fakes:
            stack.enter_context(listening(background, fake))
        yield world


@pytest.fixture(scope="session")
def gateway(background: Background, providers: World) -> Iterator[World]:
    """Athena in front of all of them, as a process of its own, with a real local model behind it."""
    opened = gateway_place.gateway(providers)
    place = background.run(opened.__aenter__(), timeout_s=120)
    try:
        yield replace(
            providers, gateway=place.url, key=place.key, embedder="text-embedding-3-small", local="local", clients=[]
        )
    finally:
        background.run(opened.__aexit__(None, None, None), timeout_s=60)


@pytest.fixture(params=PLACES)
async def world(request: pytest.FixtureRequest, providers: World) -> AsyncIterator[World]:
    """A place for one test: nothing scripted, nothing seen yet."""
    place = providers if request.param == "fakes" else request.getfixturevalue(request.param)
    assert isinstance(place, World)
    async with fresh(place):
        yield place


@pytest.fixture
async def across(gateway: World) -> AsyncIterator[World]:
    """The gateway alone, for what no provider does by itself."""
    async with fresh(gateway):
        yield gateway


@pytest.fixture
async def direct(providers: World) -> AsyncIterator[World]:
    """The fakes alone, for what is about them."""
    async with fresh(providers):
        yield providers


@asynccontextmanager
async def fresh(place: World) -> AsyncIterator[None]:
    for fake in place.fakes:
        fake.forget()
    yield
    await place.close()
    assert not [fake.broken for fake in place.fakes if fake.broken]
