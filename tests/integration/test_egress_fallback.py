"""Which failure leads where: tried again, to the next model, or straight to the client."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import time
from typing import Any

import httpx
import pytest

from athena import http
from athena.errors import AthenaError, InputTooLong, InvalidInput
from athena.gateway.egress import Trial
from athena.gateway.errors import ContextExceeded
from athena.gateway.translate.errors import CannotCarry
from athena.gateway.types import Model, Outgoing, StreamBroken, Tokens
from athena.http.gate import ON, Closed
from tests.fakes.wire_samples import ANSWER, MESSAGE, OVERLOADED, START
from tests.integration.egress_bench import bench, broken, cancelled, close, model_at, prepared, read
from tests.integration.upstream import HANG, RESET, free_address, stream, whole

OK = whole(200, ANSWER)
SPEND = whole(429, b'{"type":"error","error":{"type":"rate_limit_error","message":"spend limit"}}')


def limited(seconds: str) -> tuple[Any, ...]:
    return whole(
        429, b'{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}', {"retry-after": seconds}
    )


async def test_a_whole_answer() -> None:
    async with bench() as it:
        it.one.says(OK)
        answer = await it.send()
        assert (answer.body, answer.chunks, answer.status) == (ANSWER, None, 200)
        assert answer.tap.tokens == Tokens(input=7, cached=5, written=3, output=2)
        (attempt,) = answer.attempts
        assert isinstance(attempt, Trial)
        assert (attempt.outcome, attempt.status, attempt.first_ms) == ("ok", 200, None)
        (request,) = it.one.requests
        assert request.line == "POST /v1/messages HTTP/1.1"
        assert request.headers["x-api-key"] == "k"
        assert request.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (whole(529, OVERLOADED), "overloaded"),
        (whole(500, b"{}"), "server"),
        (whole(503, b"<html>"), "overloaded"),
        (whole(200, b"<html>welcome</html>"), "server"),
        (whole(200, ANSWER[:-5]), "server"),
        (whole(200, OVERLOADED), "overloaded"),
        ((*whole(200, ANSWER, {"content-length": "9999"}), RESET), "unreachable"),
        ((RESET,), "unreachable"),
        ((b"HTTP/1.1 what\r\n\r\n",), "unreachable"),
        ((whole(200, ANSWER)[0][:-5], HANG), "timeout"),  # type: ignore[index]
    ],
    ids=repr,
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_bad_moment_is_tried_again(answer: tuple[Any, ...], kind: str, streamed: bool) -> None:
    async with bench() as it:
        it.one.says(answer, stream(*MESSAGE) if streamed else OK)
        result = await it.send(stream=streamed)
        assert result.model.name == "one/model"
        assert it.kinds() == [kind] if not streamed else len(it.failed) == 1
        if streamed:
            await read(result)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (SPEND, "spend"),
        (whole(402, b"{}"), "spend"),
        (whole(401, b"{}"), "auth"),
        (whole(403, b"{}"), "auth"),
        (whole(404, b"{}"), "missing"),
    ],
    ids=["429", "402", "401", "403", "404"],
)
async def test_what_would_be_the_same_again_goes_on_at_once(answer: tuple[Any, ...], kind: str) -> None:
    async with bench() as it:
        it.one.says(answer)
        it.two.says(OK)
        result = await it.send()
        assert (result.model.name, it.kinds()) == ("two/model", [kind])


async def test_a_bad_request_is_bad_everywhere_and_verbatim() -> None:
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"messages.3: `thinking` blocks"}}\n'
    async with bench() as it:
        it.one.says(whole(400, body, {"content-type": "application/json; charset=utf-8"}))
        exhausted = await it.exhausted()
        assert exhausted.first.kind == "request"
        assert (exhausted.first.status, exhausted.first.body) == (400, body)
        assert exhausted.first.content_type == "application/json; charset=utf-8"
        assert len(exhausted.attempts) == 1
        assert it.two.requests == []


async def test_a_prompt_that_is_too_long_goes_to_a_larger_model_only() -> None:
    too_long = whole(400, b'{"type":"error","error":{"type":"x","message":"prompt is too long: 9 tokens > 8"}}')
    async with bench() as it:
        it.one.always = too_long
        it.two.says(OK)
        small = model_at(it.one.url, "small", context=8)
        same = model_at(it.one.url, "same", context=8)
        large = model_at(it.two.url, "large", context=64)
        answer = await it.send(small, same, large)
        assert answer.model.name == "large/model"
        assert len(it.one.requests) == 1
        exhausted = await it.exhausted(small, same)
        assert [model.name for model, _ in exhausted.failures] == ["small/model"]


async def test_all_failed_and_the_first_ones_words_are_kept() -> None:
    async with bench() as it:
        it.one.always = whole(529, OVERLOADED)
        it.two.always = whole(500, b"{}")
        exhausted = await it.exhausted(stream=True)
        assert [(model.name, failure.kind) for model, failure in exhausted.failures] == [
            ("one/model", "overloaded"),
            ("two/model", "server"),
        ]
        assert exhausted.first.body == OVERLOADED
        assert len(exhausted.attempts) == len(it.failed) == 6
        assert all(isinstance(attempt, Trial) and attempt.outcome == "error" for attempt in it.failed)


async def test_pinned_means_this_one_or_none() -> None:
    async with bench() as it:
        it.one.always = whole(529, OVERLOADED)
        exhausted = await it.exhausted(pinned=True)
        assert len(exhausted.failures) == 1
        assert it.two.requests == []


class TestRate:
    async def test_a_short_time_is_waited_for(self) -> None:
        async with bench(patience_s=2, deadline_s=5) as it:
            it.one.says(limited("1"), OK)
            began = time.monotonic()
            answer = await it.send()
            assert answer.model.name == "one/model"
            assert time.monotonic() - began >= 1

    async def test_a_long_one_is_not_while_another_is_there(self) -> None:
        async with bench() as it:
            it.one.says(limited("30"))
            it.two.always = OK
            assert (await it.send()).model.name == "two/model"
            assert it.egress.available(it.models[0]) == "rate limited, for 30 s more: slow"
            assert (await it.send()).model.name == "two/model"
            assert len(it.one.requests) == 1, "who said when to come back isn't asked before"

    async def test_alone_its_own_429_is_the_answer(self) -> None:
        async with bench() as it:
            it.one.says(limited("30"))
            first = await it.exhausted(it.models[0])
            assert (first.first.status, first.first.retry_after_s) == (429, 30)
            again = await it.exhausted(it.models[0])
            assert again.first.body == first.first.body
            assert again.first.retry_after_s is not None
            assert 29 < again.first.retry_after_s <= 30
            assert (len(it.one.requests), again.attempts) == (1, [])

    async def test_it_is_the_accounts_own(self) -> None:
        async with bench() as it:
            it.one.says(limited("30"), OK)
            await it.exhausted(it.models[0], account="a")
            assert it.egress.available(it.models[0]) is None
            assert (await it.send(it.models[0], account="b")).model.name == "one/model"

    async def test_within_the_time_that_there_is(self) -> None:
        async with bench(deadline_s=60) as it:
            it.one.says(limited("3"))
            began = time.monotonic()
            await it.exhausted(it.models[0], deadline_s=1)
            await it.exhausted(it.models[0], stream=True)
            assert time.monotonic() - began < 1


async def test_who_wants_money_is_left_alone_unless_nobody_else_is_there() -> None:
    async with bench() as it:
        it.one.says(SPEND)
        it.two.always = OK
        await it.send()
        await it.send()
        assert len(it.one.requests) == 1
        assert it.egress.available(it.models[0]) == "spend limit reached: spend limit"
        it.one.says(OK)
        assert (await it.send(it.models[0])).model.name == "one/model"
        assert it.egress.available(it.models[0]) is None, "somebody has paid"


async def test_the_breaker_opens_fails_fast_and_lets_one_probe_through() -> None:
    async with bench(ill_after=2, cool_s=0.2, tries=1) as it:
        it.one.always = whole(529, OVERLOADED)
        one = it.models[0]
        for _ in range(2):
            await it.exhausted(one)
        fast = await it.exhausted(one)
        assert (fast.attempts, fast.first.body, fast.first.retry_after_s) == ([], OVERLOADED, 1)
        assert it.egress.available(one) == "failing, for 1 s more: Overloaded"
        it.two.always = OK
        assert (await it.send()).model.name == "two/model"
        assert len(it.one.requests) == 2
        await asyncio.sleep(0.25)
        it.one.script.clear()
        it.one.always = (0.1, *OK)
        answers = await asyncio.gather(*(it.send() for _ in range(4)))
        assert sorted(answer.model.name for answer in answers) == ["one/model"] + ["two/model"] * 3
        assert len(it.one.requests) == 3
        it.one.always = OK
        assert (await it.send()).model.name == "one/model"


async def test_a_probe_whose_client_leaves_leaves_the_door_open() -> None:
    async with bench(ill_after=1, cool_s=0.05, tries=1) as it:
        it.one.says(whole(529, OVERLOADED))
        one = it.models[0]
        await it.exhausted(one)
        await asyncio.sleep(0.06)
        for streamed in (False, True):
            it.one.says((HANG,))
            task = asyncio.create_task(it.send(one, stream=streamed))
            await asyncio.sleep(0.05)
            assert it.egress.available(one) is not None
            await cancelled(task)
            assert it.egress.available(one) is None


async def test_those_who_looked_before_the_probe_set_out_do_not_follow_it() -> None:
    async def slowly(model: Model) -> Outgoing:
        await asyncio.sleep(0.02)
        return await prepared(model)

    async with bench(ill_after=1, cool_s=0.05, tries=1) as it:
        it.one.says(whole(529, OVERLOADED))
        await it.exhausted(it.models[0])
        await asyncio.sleep(0.06)
        it.one.always = (0.1, *OK)
        it.two.always = OK
        answers = await asyncio.gather(*(it.send(prepare=slowly) for _ in range(4)))
        assert sorted(answer.model.name for answer in answers) == ["one/model"] + ["two/model"] * 3


async def test_a_probe_that_begins_to_answer_has_shown_enough() -> None:
    async with bench(ill_after=1, cool_s=0.05, tries=1) as it:
        it.one.says(whole(529, OVERLOADED), stream(*MESSAGE[:4], HANG))
        one = it.models[0]
        await it.exhausted(one)
        await asyncio.sleep(0.06)
        answer = await it.send(one, stream=True)
        assert it.egress.available(one) is None
        await close(answer)


async def test_who_is_to_be_left_alone_is_not_paused_for() -> None:
    async with bench(ill_after=1, pause_s=1, longest_pause_s=1, patience_s=60, dice=lambda: 0.9) as it:
        it.one.always = whole(529, OVERLOADED)
        it.two.always = OK
        began = time.monotonic()
        assert (await it.send()).model.name == "two/model"
        assert time.monotonic() - began < 0.5


async def test_streams_that_break_off_count_against_their_model() -> None:
    async with bench(ill_after=3, cool_s=5) as it:
        (one, _), breaking = it.models, stream(*MESSAGE[:4], 0.01, RESET)
        it.one.says(breaking, breaking, stream(*MESSAGE), breaking, breaking)
        for _ in range(5):
            with contextlib.suppress(StreamBroken):
                await read(await it.send(one, stream=True))
        assert it.egress.available(one) is None, "never three in a row"
        it.one.says(breaking)
        await broken(await it.send(one, stream=True))
        assert it.egress.available(one) is not None


class TestOurOwnErrors:
    async def test_what_one_model_cannot_carry_another_one_may(self) -> None:
        async def prepare(model: Model) -> Outgoing:
            if model.provider.name == "one":
                raise CannotCarry("messages.0.content.1", "documents can't be sent to it")
            return await prepared(model)

        async with bench() as it:
            it.two.says(OK)
            answer = await it.send(prepare=prepare)
            assert (answer.model.name, len(answer.attempts), it.one.requests) == ("two/model", 1, [])

    async def test_alone_it_is_raised_as_it_was(self) -> None:
        async def prepare(model: Model) -> Outgoing:
            raise CannotCarry("tools.2", f"not to {model.name}")

        async with bench() as it:
            with pytest.raises(CannotCarry, match=r"tools\.2: not to one/model"):
                await it.send(prepare=prepare)

    async def test_beside_a_providers_failure_it_is_one_of_them(self) -> None:
        async def prepare(model: Model) -> Outgoing:
            if model.provider.name == "two":
                raise InvalidInput("not this one")
            return await prepared(model)

        async with bench(tries=1) as it:
            it.one.always = whole(529, OVERLOADED)
            exhausted = await it.exhausted(prepare=prepare)
            assert [failure.kind for _, failure in exhausted.failures] == ["overloaded", "request"]

    @pytest.mark.parametrize("error", [InputTooLong("9 tokens", tokens=9, limit=8), ContextExceeded("9 tokens > 8")])
    async def test_too_long_is_about_the_window(self, error: AthenaError) -> None:
        async def prepare(model: Model) -> Outgoing:
            if model.context == 8:
                raise error
            return await prepared(model)

        async with bench() as it:
            it.two.says(OK)
            small, large = model_at(it.one.url, "a", context=8), model_at(it.two.url, "b", context=64)
            assert (await it.send(small, small, large, prepare=prepare)).model is large

    async def test_a_mistake_of_ours_is_not_swallowed_and_leaves_nothing_behind(self) -> None:
        async def prepare(model: Model) -> Outgoing:
            raise ZeroDivisionError

        async with bench() as it:
            with pytest.raises(ZeroDivisionError):
                await it.send(prepare=prepare)

    async def test_prepared_once_per_model_however_often_it_is_tried(self) -> None:
        asked: list[str] = []

        async def prepare(model: Model) -> Outgoing:
            asked.append(model.name)
            return await prepared(model)

        async with bench() as it:
            it.one.always = whole(529, OVERLOADED)
            it.two.says(OK)
            await it.send(prepare=prepare)
            assert asked == ["one/model", "two/model"]


class _Switch:
    def __init__(self) -> None:
        self.on = True

    def closed(self) -> Closed | None:
        return ON if self.on else None

    async def refreshed(self) -> None:
        return


class _Nothing:
    def __contains__(self, host: str) -> bool:
        return False


class TestLocalOnly:
    """The gate is in `athena.http`; here it counts what becomes of its word."""

    async def test_alone_it_is_raised_and_nobody_is_held_ill(self) -> None:
        async with bench(ill_after=1) as it:
            with http.gate.obeying(_Switch(), _Nothing()):
                for streamed in (False, True):
                    with pytest.raises(http.LocalOnly):
                        await it.send(stream=streamed)
            assert it.one.requests == []
            assert it.egress.available(it.models[0]) is None

    async def test_a_stream_that_is_cut_is_a_refusal(self) -> None:
        switch = _Switch()
        switch.on = False
        async with bench(ill_after=1, between_bytes_s=30) as it:
            it.one.says(stream(*MESSAGE[:4], HANG))
            with http.gate.obeying(switch, _Nothing()):
                answer = await it.send(stream=True)
                asyncio.get_running_loop().call_later(0.05, http.gate.cut)
                with pytest.raises(Exception, match="local-only") as raised:
                    await read(answer)
            assert raised.value.failure.kind == "refused"  # type: ignore[attr-defined]
            assert it.egress.available(it.models[0]) is None


async def test_nothing_begins_after_the_deadline() -> None:
    async with bench(deadline_s=0.3, pause_s=1, longest_pause_s=1, tries=50, dice=lambda: 0.1) as it:
        it.one.always = whole(529, OVERLOADED)
        it.two.always = whole(529, OVERLOADED)
        began = time.monotonic()
        await it.exhausted()
        assert time.monotonic() - began < 2, "fifty tries would take five seconds"


async def test_an_answer_that_does_not_come_in_time() -> None:
    async with bench(whole_s=0.2, tries=1) as it:
        it.one.says((HANG,))
        it.two.says(OK)
        assert (await it.send()).model.name == "two/model"
        assert it.kinds() == ["timeout"]
        await it.one.idle()
        assert it.one.left == 1


async def test_cancelled_while_it_pauses() -> None:
    async with bench(pause_s=30, longest_pause_s=30, deadline_s=60, dice=lambda: 0.9, patience_s=60) as it:
        it.one.always = whole(529, OVERLOADED)
        task = asyncio.create_task(it.send())
        await asyncio.sleep(0.1)
        await cancelled(task)
        assert len(it.failed) == 1


async def test_encoded_answers_are_decoded() -> None:
    async with bench() as it:
        packed = gzip.compress(ANSWER)
        it.one.says(whole(200, packed, {"content-encoding": "gzip"}))
        answer = await it.send()
        assert answer.body == ANSWER
        assert isinstance(answer.headers, httpx.Headers)


async def test_a_storm_leaves_nothing_behind() -> None:
    """Two hundred streams, faults of every sort, half of the clients leaving."""
    faults: list[tuple[Any, ...]] = [
        stream(*MESSAGE),
        stream(*MESSAGE[:4], 0.002, RESET),
        whole(529, OVERLOADED),
        stream(START, 0.01, RESET),
        stream(*MESSAGE, HANG),
        limited("0"),
    ]
    async with bench(tries=2) as it:
        for place in range(400):
            it.one.says(faults[place % 6])
            it.two.says(faults[place % 5])

        async def client(number: int) -> None:
            answer = await it.send(stream=True)
            await read(answer)

        tasks = []
        for number in range(200):
            tasks.append(asyncio.create_task(client(number)))
            if number % 8 == 7:
                await asyncio.sleep(0.01)
                for task in tasks[-8::2]:
                    task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(result is None for result in results) > 20
        assert any(isinstance(result, asyncio.CancelledError) for result in results)


async def test_unreachable_local_model_gives_way() -> None:
    async with bench(ill_after=3) as it:
        gone = model_at(free_address(), "local", local=True)
        it.two.always = OK
        assert (await it.send(gone, it.models[1])).model.name == "two/model"
        assert len(it.failed) == 3
        assert (await it.send(gone, it.models[1])).model.name == "two/model"
        assert len(it.failed) == 3, "known to be gone, it costs nothing"
