"""What the client does when a model server is down, busy, loading or strange."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from athena.core.llm_client import LocalLLMClient
from athena.errors import InputTooLong, InvalidInput, ModelServerError, ModelServerUnavailable

VECTOR = {"model": "m", "data": [{"index": 0, "embedding": [1.0, 2.0]}]}
Step = httpx.Response | Exception


class Script:
    """Answers one step after the other, the last one for ever."""

    def __init__(self, *steps: Callable[[], Step]) -> None:
        self.steps = list(steps)
        self.calls = 0

    def __call__(self, _: httpx.Request) -> httpx.Response:
        step = self.steps[min(self.calls, len(self.steps) - 1)]()
        self.calls += 1
        if isinstance(step, Exception):
            raise step
        return step

    def client(self, **options: Any) -> LocalLLMClient:
        return LocalLLMClient("http://embed", "http://reason", transport=httpx.MockTransport(self), **options)


def reply(status: int, message: str = "no", headers: dict[str, str] | None = None, **extra: Any) -> Callable[[], Step]:
    error = {"error": {"code": status, "message": message, **extra}}
    return lambda: httpx.Response(status, json=error, headers=headers)


def good() -> Step:
    return httpx.Response(200, json=VECTOR)


def refused() -> Step:
    return httpx.ConnectError("connection refused")


LOADING = reply(503, "Loading model", type="unavailable_error")


@pytest.mark.parametrize(
    "fault",
    [
        refused,
        lambda: httpx.ReadError("reset"),
        lambda: httpx.RemoteProtocolError("Server disconnected without sending a response."),
        LOADING,
        reply(429, "slow down", {"retry-after": "0"}),
    ],
)
async def test_what_passes_is_tried_again(fault: Callable[[], Step]) -> None:
    script = Script(fault, fault, good)
    async with script.client() as llm:
        assert (await llm.embed("x")).embedding == [1.0, 2.0]
    assert script.calls == 3


@pytest.mark.parametrize(
    "fault",
    [
        reply(400),
        reply(401),
        reply(413),
        reply(422),
        reply(500),
        reply(501),
        reply(429, "slow down"),
        lambda: httpx.Response(200, text="<html>not llama-server</html>"),
        lambda: httpx.Response(302, headers={"location": "http://elsewhere"}),
        lambda: httpx.TooManyRedirects("round and round"),
    ],
)
async def test_what_stays_is_not_tried_again(fault: Callable[[], Step]) -> None:
    script = Script(fault, good)
    async with script.client() as llm:
        with pytest.raises(ModelServerError):
            await llm.embed("x")
    assert script.calls == 1


async def test_a_server_at_work_is_not_asked_the_same_again() -> None:
    script = Script(lambda: httpx.ReadTimeout("slow"), good)
    async with script.client() as llm:
        with pytest.raises(ModelServerUnavailable, match="took too long") as caught:
            await llm.reason("x")
    assert script.calls == 1
    assert caught.value.source == "reasoning"


async def test_retrying_ends_at_the_deadline_and_says_who_failed_and_what_mends_it() -> None:
    script = Script(refused)
    started = time.monotonic()
    async with script.client(retry_for_s=0.4) as llm:
        with pytest.raises(ModelServerUnavailable) as caught:
            await llm.embed("x")
    assert time.monotonic() - started < 0.8
    assert script.calls > 2
    assert caught.value.source == "embedding"
    assert "http://embed" in caught.value.message
    assert "athena up" in (caught.value.hint or "")
    assert isinstance(caught.value.__cause__, Exception)


async def test_a_server_known_to_be_down_costs_the_next_caller_one_attempt_until_it_is_back() -> None:
    script = Script(refused)
    async with script.client(retry_for_s=0.1) as llm:
        with pytest.raises(ModelServerUnavailable):
            await llm.embed("x")
        before = script.calls
        with pytest.raises(ModelServerUnavailable):
            await llm.embed("x")
        assert script.calls == before + 1
        script.steps = [good, refused, good]
        script.calls = 0
        await llm.embed("x")
        await llm.embed("x")
        assert script.calls == 3


async def test_retry_after_is_waited_for_or_handed_on_when_it_is_too_long() -> None:
    script = Script(reply(429, "slow down", {"retry-after": "1"}), good)
    async with script.client() as llm:
        started = time.monotonic()
        await llm.embed("x")
        assert time.monotonic() - started >= 1
    script = Script(reply(429, "slow down", {"retry-after": "30"}), good)
    async with script.client() as llm:
        with pytest.raises(ModelServerUnavailable) as caught:
            await llm.embed("x")
    assert (script.calls, caught.value.retry_after) == (1, 30)


async def test_a_loading_server_is_said_to_load() -> None:
    async with Script(LOADING).client(retry_for_s=0) as llm:
        with pytest.raises(ModelServerUnavailable, match="is loading its model"):
            await llm.embed("x")


@pytest.mark.parametrize(
    "fault",
    [
        reply(400, "too long", type="exceed_context_size_error", n_prompt_tokens=602, n_ctx=512),
        reply(500, "input (602 tokens) is too large to process. increase the physical batch size "
              "(current batch size: 512)", type="server_error"),
    ],
)  # fmt: skip
async def test_a_text_over_a_limit_is_too_long_with_the_numbers(fault: Callable[[], Step]) -> None:
    script = Script(fault)
    async with script.client() as llm:
        with pytest.raises(InputTooLong) as caught:
            await llm.embed("x")
    assert (caught.value.tokens, caught.value.limit, caught.value.index) == (602, 512, 0)
    assert script.calls == 1


async def test_a_prompt_over_the_context_is_the_reasoning_servers() -> None:
    fault = reply(400, "too long", type="exceed_context_size_error", n_prompt_tokens=9000, n_ctx=8192)
    async with Script(fault).client() as llm:
        with pytest.raises(InputTooLong) as caught:
            await llm.reason("x")
    assert caught.value.source == "reasoning"


@pytest.mark.parametrize(
    ("fault", "hint"),
    [
        (reply(401, "Invalid API Key"), "--api-key"),
        (reply(501, "This server does not support embeddings. Start it with `--embeddings`"), "--embeddings"),
        (reply(500, "image input is not supported - hint: you may need to provide the mmproj"), "--mmproj"),
        (lambda: httpx.Response(200, text="hello"), "another program"),
    ],
)
async def test_a_known_mistake_comes_with_what_mends_it(fault: Callable[[], Step], hint: str) -> None:
    async with Script(fault).client() as llm:
        with pytest.raises(ModelServerError) as caught:
            await llm.reason("x")
    assert hint in (caught.value.hint or "")
    assert caught.value.source == "reasoning"


@pytest.mark.parametrize("fault", [refused, reply(400), LOADING, lambda: httpx.Response(200, text="x")])
async def test_credentials_in_an_address_are_never_shown(fault: Callable[[], Step]) -> None:
    url = "http://user:s3cret@embed:8001"
    transport = httpx.MockTransport(Script(fault))
    async with LocalLLMClient(url, "http://reason", retry_for_s=0, transport=transport) as llm:
        with pytest.raises((ModelServerError, ModelServerUnavailable)) as caught:
            await llm.embed("x")
        health = await llm.health()
    assert "s3cret" not in f"{caught.value} {caught.value.hint} {health}"
    assert health["embedding"].url == "http://embed:8001"


async def test_half_a_surrogate_pair_is_the_callers_mistake() -> None:
    async with Script(good).client() as llm:
        with pytest.raises(InvalidInput, match="Unicode"):
            await llm.embed("\ud83d")


async def test_health_tells_up_loading_down_and_somebody_else_apart() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "reason":
            return httpx.Response(503, json={"error": {"message": "Loading model", "code": 503}})
        if request.url.path == "/health":
            return httpx.Response(200, json={"status": "ok"})
        if request.url.path == "/props":
            return httpx.Response(200, json={"build_info": "b11176-9d34231"})
        return httpx.Response(200, json={"data": [{"id": "nomic"}]})

    async with LocalLLMClient("http://embed", "http://reason", transport=httpx.MockTransport(answer)) as llm:
        health = await llm.health()
    embedding, reasoning = health["embedding"], health["reasoning"]
    assert (embedding.state, embedding.model, embedding.version) == ("up", "nomic", "b11176-9d34231")
    assert (reasoning.state, reasoning.model, reasoning.version) == ("loading", None, None)
    async with Script(refused).client() as llm:
        down = (await llm.health())["embedding"]
    assert down.state == "down"
    assert "connection refused" in (down.detail or "")
    async with Script(lambda: httpx.Response(200, json=[])).client() as llm:
        assert (await llm.health())["reasoning"].state == "down"


@pytest.mark.parametrize("props", [httpx.Response(404, json={}), httpx.Response(200, json=[]), httpx.Response(200)])
async def test_a_server_that_says_no_version_is_up_all_the_same(props: httpx.Response) -> None:
    """vLLM, say, has no /props."""

    def answer(request: httpx.Request) -> httpx.Response:
        known = {"/health": {"status": "ok"}, "/v1/models": {"data": [{"id": "nomic"}]}}
        return httpx.Response(200, json=known[request.url.path]) if request.url.path in known else props

    async with LocalLLMClient("http://embed", "http://reason", transport=httpx.MockTransport(answer)) as llm:
        found = (await llm.health())["reasoning"]
    assert (found.state, found.model, found.version) == ("up", "nomic", None)


async def test_health_does_not_wait_behind_requests_at_work() -> None:
    release = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"status": "ok"})
        await release.wait()
        return httpx.Response(200, json=VECTOR)

    async with LocalLLMClient("http://embed", "http://reason", transport=httpx.MockTransport(answer)) as llm:
        work = [asyncio.create_task(llm.embed("x")) for _ in range(20)]
        await asyncio.sleep(0.02)
        async with asyncio.timeout(1):
            assert (await llm.health())["embedding"].state == "up"
        release.set()
        await asyncio.gather(*work)


async def test_requests_in_flight_are_bounded_and_cancelled_ones_make_room() -> None:
    now = most = 0
    release = asyncio.Event()

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        try:
            await release.wait()
        finally:
            now -= 1
        return httpx.Response(200, json=VECTOR)

    async with LocalLLMClient("http://embed", "http://reason", transport=httpx.MockTransport(answer)) as llm:
        stuck = [asyncio.create_task(llm.embed("x")) for _ in range(50)]
        await asyncio.sleep(0.05)
        assert now == most == 8
        for task in stuck:
            task.cancel()
        results = await asyncio.gather(*stuck, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)
        assert now == 0
        release.set()
        async with asyncio.timeout(1):
            assert (await llm.embed("x")).embedding == [1.0, 2.0]


async def test_the_first_failure_ends_a_batch_and_stops_the_rest() -> None:
    script = Script(reply(500, "broken"))
    async with script.client() as llm:
        with pytest.raises(ModelServerError, match="broken"):
            await llm.embed_many(["x"] * 1000)
    assert script.calls <= 2


async def test_a_closed_client_says_so() -> None:
    llm = Script(good).client()
    await llm.embed("x")
    await llm.aclose()
    await llm.aclose()
    with pytest.raises(ModelServerUnavailable, match="closed"):
        await llm.embed("x")


def test_a_client_outlives_the_event_loop_that_it_was_first_used_in() -> None:
    llm = Script(good).client()
    assert asyncio.run(llm.embed("x")).embedding == asyncio.run(llm.embed("x")).embedding
