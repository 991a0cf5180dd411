"""The gateway's edge: headers that can't be broken, pings between events, clients that leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, cast

import pytest

from athena.api.gateway import Front
from athena.gateway.flow.reply import Reply
from athena.gateway.service import Asked, Gateway

Message = dict[str, Any]


class Answering:
    """A gateway that says what it is told to."""

    def __init__(self, reply: Callable[[], Awaitable[Reply]]) -> None:
        self._reply = reply
        self.asked: list[Asked] = []

    async def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        return await self._reply()


async def served(
    reply: Callable[[], Awaitable[Reply]], *, leave: asyncio.Event | None = None, pulse_s: float = 60
) -> list[Message]:
    """What the client receives. It leaves when `leave` is set."""
    sent: list[Message] = []
    incoming = [{"type": "http.request", "body": b"{}", "more_body": False}]

    async def receive() -> Message:
        if incoming:
            return incoming.pop()
        await (leave or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def nobody(*_: Any) -> None:
        raise AssertionError("not for the framework")

    front = Front(nobody, cast(Gateway, Answering(reply)), pulse_s)
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/messages",
        "query_string": b"",
        "headers": [],
        "athena.request_id": "r1",
        "athena.timings": {},
    }
    async with asyncio.timeout(10):
        await front(scope, receive, send)
    return sent


async def test_what_a_client_named_breaks_no_header() -> None:
    async def reply() -> Reply:
        return Reply(200, [("x-athena-route", "not carried: a\r\nset-cookie: x\x00 \u2028 é")], b"{}")

    headers = dict((await served(reply))[0]["headers"])
    assert headers[b"x-athena-route"] == b"not carried: a set-cookie: x  ? \xe9"


async def test_silence_is_filled_between_events() -> None:
    async def chunks() -> AsyncGenerator[bytes, None]:
        yield b"event: a\n\n"
        await asyncio.sleep(0.25)
        yield b"event: b\n\n"

    async def reply() -> Reply:
        return Reply(200, chunks=chunks(), ping=b"event: ping\n\n")

    sent = await served(reply, pulse_s=0.1)
    bodies = [message["body"] for message in sent if message["type"] == "http.response.body"]
    assert bodies[0] == b"event: a\n\n"
    assert set(bodies[1:-2]) == {b"event: ping\n\n"}
    assert bodies[-2:] == [b"event: b\n\n", b""]
    assert not sent[-1].get("more_body")


@pytest.mark.parametrize("begun", [False, True])
async def test_a_client_that_leaves_ends_what_is_done_for_it(begun: bool) -> None:
    leave, ended = asyncio.Event(), asyncio.Event()

    async def for_ever() -> None:
        asyncio.get_running_loop().call_later(0.05, leave.set)
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def chunks() -> AsyncGenerator[bytes, None]:
        yield b"event: a\n\n"
        await for_ever()

    async def reply() -> Reply:
        if not begun:
            await for_ever()
        return Reply(200, chunks=chunks())

    before = len(asyncio.all_tasks())
    await served(reply, leave=leave)
    assert ended.is_set()
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before


async def test_a_mistake_of_ours_is_an_error_in_the_clients_format() -> None:
    async def reply() -> Reply:
        raise RuntimeError("secret")

    start, body = await served(reply)
    assert start["status"] == 500
    assert b'"type":"api_error"' in body["body"]
    assert b"secret" not in body["body"]
