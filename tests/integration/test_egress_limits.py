"""What stands before a provider of one's own: a pace, a number of places, a queue with an end, or the next model."""

from __future__ import annotations

import asyncio
import time

import pytest

from athena.gateway.egress import Exhausted, Limit
from tests.fakes.wire_samples import ANSWER, MESSAGE, OVERLOADED
from tests.integration.egress_bench import Bench, bench, cancelled, close, model_at, read
from tests.integration.upstream import HANG, stream, whole

OK = whole(200, ANSWER)


async def send(it: Bench, number: int, **more: object) -> list[str]:
    """Who answered `number` requests made together; a refusal as its kind."""

    async def one() -> str:
        try:
            return (await it.send(**more)).model.provider.name  # type: ignore[arg-type]
        except Exhausted as exc:
            return exc.first.kind

    return sorted(await asyncio.gather(*(one() for _ in range(number))))


async def test_no_more_at_once_than_there_are_places() -> None:
    limit = Limit(per_minute=None, at_once=2, queue=10, when_full="queue")
    async with bench(limits={"one": limit}) as it:
        it.one.always = (0.02, *OK)
        assert await send(it, 8) == ["one"] * 8
        assert it.one.most == 2


async def test_the_pace_is_kept_after_the_burst() -> None:
    limit = Limit(per_minute=1200, burst=3, at_once=10, queue=10, when_full="queue")
    async with bench(limits={"one": limit}) as it:
        it.one.always = OK
        began = time.monotonic()
        assert await send(it, 3) == ["one"] * 3
        assert time.monotonic() - began < 0.1
        assert await send(it, 4) == ["one"] * 4
        assert time.monotonic() - began > 4 * 60 / 1200 - 0.01


async def test_full_it_spills_where_there_is_another_model() -> None:
    async with bench(limits={"one": Limit(per_minute=None, at_once=1)}) as it:
        it.one.always = (0.1, *OK)
        it.two.always = OK
        assert await send(it, 3) == ["one", "two", "two"]


async def test_alone_it_queues_even_if_it_would_spill() -> None:
    async with bench(limits={"one": Limit(per_minute=None, at_once=1)}) as it:
        it.one.always = (0.02, *OK)
        assert await send(it, 3, pinned=True) == ["one"] * 3


async def test_a_full_queue_is_a_429_with_a_whole_number_of_seconds() -> None:
    limit = Limit(per_minute=30, burst=1, at_once=1, queue=2)
    async with bench(limits={"one": limit}, deadline_s=0.2) as it:
        it.one.always = OK
        assert await send(it, 1) == ["one"]
        exhausted = await asyncio.gather(*(it.exhausted(it.models[0]) for _ in range(3)))
        assert {(each.first.kind, each.first.status) for each in exhausted} == {("rate", 429)}
        # Two waited and found no token in time: the first to give up still sees the other one before it.
        # The third was turned away with both of them before it.
        assert sorted(each.first.retry_after_s or 0 for each in exhausted) == [2, 4, 6]
        assert len(it.one.requests) == 1


async def test_a_full_queue_goes_on_to_the_next_model() -> None:
    limit = Limit(per_minute=None, at_once=1, queue=1, when_full="queue")
    async with bench(limits={"one": limit}) as it:
        it.one.always = (0.05, *OK)
        it.two.always = OK
        assert await send(it, 4) == ["one", "one", "two", "two"]


async def test_a_place_is_kept_until_the_stream_was_read() -> None:
    async with bench(limits={"one": Limit(per_minute=None, at_once=1)}) as it:
        it.one.says(stream(*MESSAGE), stream(*MESSAGE))
        it.one.always = it.two.always = OK
        answer = await it.send(stream=True)
        assert (await it.send()).model.name == "two/model"
        await read(answer)
        unread = await it.send(stream=True)
        assert unread.model.name == "one/model"
        assert (await it.send()).model.name == "two/model"
        await close(unread)
        assert (await it.send()).model.name == "one/model"


async def test_whoever_leaves_while_waiting_for_a_token_keeps_nobody_up() -> None:
    limit = Limit(per_minute=120, burst=1, at_once=1, queue=5)
    async with bench(limits={"one": limit}) as it:
        it.one.always = OK
        one = it.models[0]
        await it.send(one)
        waiting = asyncio.create_task(it.send(one))
        await asyncio.sleep(0.02)
        await cancelled(waiting)
        assert (await it.send(one)).model.name == "one/model"
        assert len(it.one.requests) == 2


@pytest.mark.parametrize("streamed", [False, True])
async def test_whoever_fails_or_leaves_gives_the_place_back(streamed: bool) -> None:
    async with bench(limits={"one": Limit(per_minute=None, at_once=1)}, tries=1, ill_after=100) as it:
        one = it.models[0]
        it.one.says(whole(529, OVERLOADED))
        await it.exhausted(one, stream=streamed)
        it.one.says((HANG,))
        task = asyncio.create_task(it.send(one, stream=streamed))
        await asyncio.sleep(0.05)
        waiting = asyncio.create_task(it.send(one, stream=streamed))
        await asyncio.sleep(0.02)
        await cancelled(waiting)
        await cancelled(task)
        it.one.says(OK)
        assert (await it.send(one)).model.name == "one/model"


async def test_a_model_elsewhere_is_not_limited() -> None:
    async with bench(limits={"one": Limit(per_minute=1, burst=1, at_once=1)}) as it:
        it.two.always = OK
        there = model_at(it.two.url, "two")
        answers = await asyncio.gather(*(it.send(there) for _ in range(5)))
        assert [answer.model.name for answer in answers] == ["two/model"] * 5
