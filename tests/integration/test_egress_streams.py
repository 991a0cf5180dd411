"""Streams: nothing is committed too early, nothing is lost, and every end is known."""

from __future__ import annotations

import asyncio
import time

import pytest

from athena.gateway.egress import Trial
from athena.gateway.types import Tokens
from tests.fakes.wire_samples import (
    BLOCK,
    CHAT,
    DONE,
    END,
    ERROR,
    HELLO,
    MESSAGE,
    OVERLOADED,
    PING,
    START,
    STOP,
    chunk,
)
from tests.integration.egress_bench import bench, broken, cancelled, close, model_at, read
from tests.integration.upstream import CLOSE, HANG, RESET, Step, free_address, stream, whole

BYTES = b"".join(MESSAGE)


async def test_every_byte_arrives_in_its_order_and_the_answer_is_accounted_for() -> None:
    async with bench() as it:
        it.one.says(stream(*MESSAGE))
        answer, said = await it.read()
        assert said == BYTES
        assert (answer.status, answer.model.name, answer.headers["content-type"]) == (
            200,
            "one/model",
            "text/event-stream",
        )
        (attempt,) = answer.attempts
        assert isinstance(attempt, Trial)
        assert attempt.outcome == "ok"
        assert attempt.tokens == answer.tap.tokens == Tokens(input=7, cached=5, written=3, output=12)
        assert attempt.first_ms is not None
        assert attempt.total_ms is not None
        assert 0 < attempt.first_ms <= attempt.total_ms
        assert it.failed == []


async def test_the_attempt_is_over_before_the_last_bytes_are_handed_on() -> None:
    async with bench() as it:
        it.one.says(stream(START + BLOCK, 0.02, STOP + END, 0.05))
        answer = await it.send(stream=True)
        (attempt,) = answer.attempts
        assert isinstance(attempt, Trial)
        assert answer.chunks is not None
        assert await anext(answer.chunks) == START + BLOCK
        assert attempt.outcome is None
        assert await anext(answer.chunks) == STOP + END
        assert attempt.outcome == "ok"
        assert attempt.tokens is not None
        await close(answer)


async def test_a_connection_is_used_again_after_a_whole_stream() -> None:
    async with bench() as it:
        it.one.always = stream(*MESSAGE)
        for _ in range(3):
            await it.read()
        assert len(it.one.connections) == 1


@pytest.mark.parametrize(
    "before",
    [
        (START, ERROR),
        (START, PING, ERROR),
        (ERROR,),
        (START, ERROR.rstrip(b"\n")),
        (START, 0.01, RESET),
        (START, CLOSE),
        (START, PING),
        (),
        (START, HANG),
    ],
    ids=repr,
)
async def test_whatever_fails_before_content_is_free_to_be_tried_again(before: tuple[Step, ...]) -> None:
    async with bench() as it:
        it.one.says(stream(*before), stream(*MESSAGE))
        answer, said = await it.read()
        assert (answer.model.name, said) == ("one/model", BYTES)
        assert len(answer.attempts) == 2
        assert len(it.failed) == 1
        assert it.two.requests == []


async def test_then_the_next_model_answers_and_nothing_of_the_first_is_seen() -> None:
    async with bench() as it:
        it.one.always = stream(START, ERROR)
        it.two.says(stream(*MESSAGE))
        answer, said = await it.read()
        assert (answer.model.name, said) == ("two/model", BYTES)
        assert it.kinds() == ["overloaded"] * 3
        assert [attempt.model.name for attempt in answer.attempts] == ["one/model"] * 3 + ["two/model"]


async def test_content_is_the_last_word_for_fallback() -> None:
    async with bench() as it:
        it.one.says(stream(*MESSAGE[:4], 0.01, RESET))
        answer = await it.send(stream=True)
        said, exc = await broken(answer)
        assert said == b"".join(MESSAGE[:4])
        assert exc.failure.kind == "unreachable"
        attempt = answer.attempts[-1]
        assert isinstance(attempt, Trial)
        assert (attempt.outcome, attempt.failure) == ("broken", exc.failure)
        assert attempt.tokens == Tokens(input=7, cached=5, written=3, output=1), "billed so far"
        assert (len(it.one.requests), it.two.requests) == (1, [])


@pytest.mark.parametrize(("end", "kind"), [((HANG,), "timeout"), ((), "server"), ((CLOSE,), "unreachable")], ids=repr)
async def test_after_content_every_end_but_the_right_one_is_broken(end: tuple[Step, ...], kind: str) -> None:
    async with bench() as it:
        it.one.says(stream(START, BLOCK, HELLO, *end))
        said, exc = await broken(await it.send(stream=True))
        assert (said, exc.failure.kind) == (START + BLOCK + HELLO, kind)


async def test_an_error_event_after_content_is_handed_on_once_and_known() -> None:
    async with bench() as it:
        it.one.says(stream(START, BLOCK, ERROR, 30.0))
        began = time.monotonic()
        answer, said = await it.read()
        assert said == START + BLOCK + ERROR
        assert answer.tap.failure is not None
        assert answer.tap.failure.body == OVERLOADED
        attempt = answer.attempts[-1]
        assert isinstance(attempt, Trial)
        assert (attempt.outcome, attempt.failure) == ("broken", answer.tap.failure)
        assert time.monotonic() - began < 2, "after its error a provider isn't waited for"


async def test_after_the_end_mark_the_connection_is_not_waited_for() -> None:
    async with bench(between_bytes_s=30) as it:
        it.one.says(stream(*MESSAGE, HANG))
        answer, said = await it.read()
        assert said == BYTES
        assert answer.tap.done


async def test_a_reset_after_the_end_mark_takes_nothing_away() -> None:
    async with bench() as it:
        it.one.says(stream(*MESSAGE, RESET))
        answer, said = await it.read()
        assert said == BYTES
        assert isinstance(answer.attempts[-1], Trial)
        assert answer.attempts[-1].outcome == "ok"


async def test_cut_at_every_place() -> None:
    async with bench() as it:
        for place in range(1, len(BYTES), 23):
            it.one.says(stream(BYTES[:place], 0.001, BYTES[place:]))
            assert (await it.read())[1] == BYTES


async def test_silence_commits_and_then_content_comes() -> None:
    async with bench(commit_after_s=0.1, between_bytes_s=1) as it:
        it.one.says(stream(START, PING, 0.8, *MESSAGE[2:]))
        began = time.monotonic()
        answer = await it.send(stream=True)
        assert 0.09 < time.monotonic() - began < 0.6
        assert not answer.tap.committed
        assert await read(answer) == BYTES
        assert it.two.requests == []


async def test_silence_commits_even_without_a_header_and_a_late_refusal_is_an_error_of_the_stream() -> None:
    async with bench(commit_after_s=0.1) as it:
        it.one.says((0.3, *whole(529, OVERLOADED)))
        answer = await it.send(stream=True)
        assert (answer.status, dict(answer.headers)) == (200, {})
        said, exc = await broken(answer)
        assert (said, exc.failure.kind, exc.failure.body) == (b"", "overloaded", OVERLOADED)
        assert it.two.requests == []


async def test_the_silence_is_counted_from_the_requests_beginning() -> None:
    async with bench(commit_after_s=0.5) as it:
        it.one.says((0.4, *whole(529, OVERLOADED)), (0.8, *stream(*MESSAGE)))
        began = time.monotonic()
        answer = await it.send(stream=True)
        assert 0.48 < time.monotonic() - began < 0.8
        assert await read(answer) == BYTES


async def test_a_client_that_leaves_before_content_ends_the_request_at_once() -> None:
    async with bench() as it:
        it.one.says(stream(START, HANG))
        task = asyncio.create_task(it.send(stream=True))
        await asyncio.sleep(0.1)
        await cancelled(task)
        await it.one.idle()
        assert it.one.left == 1
        (attempt,) = it.failed
        assert isinstance(attempt, Trial)
        assert (attempt.outcome, attempt.failure) == ("cancelled", None)
        assert attempt.tokens is not None


async def test_a_client_that_leaves_in_the_middle_ends_it_too() -> None:
    async with bench(between_bytes_s=30) as it:
        it.one.says(stream(START, BLOCK, HANG))
        answer = await it.send(stream=True)
        task = asyncio.create_task(read(answer))
        await asyncio.sleep(0.05)
        await cancelled(task)
        await it.one.idle()
        assert it.one.left == 1
        assert isinstance(answer.attempts[-1], Trial)
        assert answer.attempts[-1].outcome == "cancelled"
        assert it.failed == []


@pytest.mark.parametrize("commit_after_s", [0.05, 1.0])
async def test_closed_without_a_single_chunk_read(commit_after_s: float) -> None:
    async with bench(commit_after_s=commit_after_s, between_bytes_s=30) as it:
        it.one.says(stream(START, 0.1, BLOCK, HANG))
        answer = await it.send(stream=True)
        await close(answer)
        await close(answer)
        await it.one.idle()
        assert it.one.left == 1
        assert answer.chunks is not None
        with pytest.raises(StopAsyncIteration):
            await anext(answer.chunks)


async def test_no_stream_where_one_was_asked_for() -> None:
    async with bench() as it:
        it.one.always = whole(200, b"<html>log in</html>", {"content-type": "text/html; charset=utf-8"})
        it.two.says(stream(*MESSAGE))
        answer, _ = await it.read()
        assert (answer.model.name, it.kinds()) == ("two/model", ["server"] * 3)


async def test_the_other_wire() -> None:
    async with bench() as it:
        there = model_at(it.one.url, wire="openai")
        it.one.says(stream(*CHAT), stream(chunk({"content": "x"}), chunk({}, "stop")), stream(chunk({"content": "x"})))
        answer, said = await it.read(there)
        assert (said, answer.tap.stop) == (b"".join(CHAT), "stop")
        assert answer.tap.tokens == Tokens(input=4, cached=16, output=4)
        answer, _ = await it.read(there)
        assert answer.tap.done, "a finish reason is an end, with or without [DONE]"
        _, exc = await broken(await it.send(there, stream=True))
        assert exc.failure.kind == "server"


async def test_an_answer_without_content_is_an_answer() -> None:
    async with bench() as it:
        it.one.says(stream(START, STOP, END), stream(DONE))
        answer, said = await it.read()
        assert (said, len(answer.attempts)) == (START + STOP + END, 1)
        _, said = await it.read(model_at(it.one.url, wire="openai"))
        assert said == DONE


async def test_an_endless_event_is_stopped() -> None:
    async with bench(tries=1) as it:
        it.one.says(stream(START + BLOCK, b"data: ", *([b"x" * 4_000_000] * 20)))
        _, exc = await broken(await it.send(stream=True))
        assert "64 MiB" in exc.failure.message


async def test_nobody_listens() -> None:
    async with bench() as it:
        it.two.says(stream(*MESSAGE))
        answer, _ = await it.read(model_at(free_address(), "gone"), it.models[1])
        assert (answer.model.name, it.kinds()) == ("two/model", ["unreachable"] * 3)
