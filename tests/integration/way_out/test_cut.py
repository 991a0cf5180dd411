"""What runs to a host that isn't local ends when the gate closes; here no host is local, not even this one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator

import httpx
import pytest

from athena.http import Channel, LocalOnly
from athena.http.gate import ON, Closed, Gate
from athena.http.gated import GatedTransport
from tests.integration.way_out.raw_server import Peer, answer, raw_server

SOON = 5.0
NOWHERE: frozenset[str] = frozenset()
STREAM = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n"


class Handle:
    def __init__(self) -> None:
        self.now: Closed | None = None

    def closed(self) -> Closed | None:
        return self.now

    async def refreshed(self) -> None:
        return None


class World:
    def __init__(self) -> None:
        self.switch = Handle()
        self.gate = Gate(lambda: (self.switch, NOWHERE))
        self.channel = Channel(self.gate, ssl.create_default_context, max_connections=8)
        inner = httpx.AsyncHTTPTransport(trust_env=False)
        self.client = httpx.AsyncClient(transport=GatedTransport(inner, self.gate), trust_env=False)

    def close(self) -> None:
        self.switch.now = ON
        self.gate.cut()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.client.aclose()
    await world.channel.aclose()
    assert not world.gate._watched, "whoever watched has gone"


async def silent(peer: Peer) -> None:
    await peer.until_left()


async def endless(peer: Peer) -> None:
    await peer.request()
    await peer.say(STREAM)
    await peer.until_left()


async def whole(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.say(answer(b"hello"))


async def asked_and_silent(peer: Peer) -> None:
    await peer.request()
    await peer.until_left()


async def test_a_stream_over_the_channel(world: World) -> None:
    async with raw_server(endless) as server:
        response = await world.channel.open("POST", server.url, [], b"{}")
        pieces = aiter(response.stream)
        assert await anext(pieces) == b"one"
        waiting = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0.02)
        world.close()
        with pytest.raises(httpx.ReadError, match="local-only mode was switched on"):
            await waiting
        await asyncio.wait_for(server.ended.get(), SOON)
        await response.aclose()
        with pytest.raises(LocalOnly):
            await world.channel.open("POST", server.url, [], b"{}")
        assert len(server.peers) == 1


async def test_a_request_over_the_channel_that_has_no_answer_yet(world: World) -> None:
    async with raw_server(asked_and_silent) as server:
        waiting = asyncio.create_task(world.channel.open("POST", server.url, [], b"{}"))
        await asyncio.sleep(0.05)
        world.close()
        with pytest.raises(LocalOnly):
            await asyncio.wait_for(waiting, SOON)
        await asyncio.wait_for(server.ended.get(), SOON)


async def test_a_handshake(world: World) -> None:
    async with raw_server(silent) as server:
        url = server.url.replace("http:", "https:")
        waiting = asyncio.create_task(world.channel.open("POST", url, [], b"{}", connect_s=60))
        await asyncio.sleep(0.05)
        world.close()
        with pytest.raises(LocalOnly):
            await asyncio.wait_for(waiting, SOON)
        await asyncio.wait_for(server.ended.get(), SOON)


async def test_an_idle_connection(world: World) -> None:
    async with raw_server(whole) as server:
        response = await world.channel.open("POST", server.url, [], b"{}")
        assert await response.aread() == b"hello"
        await response.aclose()
        assert server.ended.empty()
        world.close()
        await asyncio.wait_for(server.ended.get(), SOON)


async def test_a_download(world: World) -> None:
    async with raw_server(endless) as server, world.client.stream("GET", server.url) as response:
        pieces = response.aiter_raw()
        assert await anext(pieces) == b"one"
        waiting = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0.02)
        world.close()
        with pytest.raises(LocalOnly):
            await asyncio.wait_for(waiting, SOON)


async def test_a_clients_request_that_has_no_answer_yet(world: World) -> None:
    async with raw_server(asked_and_silent) as server:
        waiting = asyncio.create_task(world.client.post(server.url, content=b"{}"))
        await asyncio.sleep(0.05)
        world.close()
        with pytest.raises(LocalOnly):
            await asyncio.wait_for(waiting, SOON)
        await asyncio.wait_for(server.ended.get(), SOON)


async def test_what_was_let_through_by_an_override_goes_on(world: World) -> None:
    async with raw_server(whole) as server:
        world.close()
        with world.gate.overridden():
            world.gate.cut()
            assert (await world.client.get(server.url)).text == "hello"


async def test_local_hosts_are_never_cut(world: World) -> None:
    async with raw_server(endless) as server:
        with world.gate.obeying(world.switch, frozenset({"127.0.0.1"})):
            response = await world.channel.open("POST", server.url, [], b"{}")
            world.close()
            assert await anext(aiter(response.stream)) == b"one"
            await response.aclose()
