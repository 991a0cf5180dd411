"""The compressor service's client, over a transport that plays the service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest

from athena.compression import Segment, compress
from athena.compression.client import CompressorClient
from athena.errors import AthenaError, InvalidInput, ModelServerError, ModelServerUnavailable, TooLarge

Answer = Callable[[httpx.Request], httpx.Response]
TEXT = " ".join(f"People walked through the park number-{i} and had a pleasant afternoon together." for i in range(60))


def client(answer: Answer) -> CompressorClient:
    return CompressorClient("http://compressor", transport=httpx.MockTransport(answer))


def refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused", request=request)


def stall(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("slow", request=request)


def says(status: int, body: object, **headers: str) -> Answer:
    return lambda _: httpx.Response(status, json=body, headers=headers)


def error(status: int, **headers: str) -> Answer:
    return says(
        status, {"error": {"code": "x", "message": "so it is", "source": "compressor", "hint": None}}, **headers
    )


async def test_the_contract() -> None:
    asked: list[dict[str, object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        return httpx.Response(
            200, json={"segments": [{"text": "a c", "kept": [[0, 2], [4, 5]], "tokens_before": 3, "tokens_after": 2}]}
        )

    found = await client(answer).squeeze([Segment("a b c", ((0, 1),))], target_tokens=2, deadline_ms=900)
    assert asked == [{"segments": [{"text": "a b c", "protected": [[0, 1]]}], "target_tokens": 2, "deadline_ms": 900}]
    assert [(each.text, each.kept) for each in found] == [("a c", ((0, 2), (4, 5)))]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (refuse, ModelServerUnavailable, "can't be reached"),
        (stall, ModelServerUnavailable, "too long"),
        (error(503, **{"retry-after": "7"}), ModelServerUnavailable, "so it is"),
        (error(413), TooLarge, "so it is"),
        (error(400), InvalidInput, "so it is"),
        (error(500), ModelServerError, "500"),
        (lambda _: httpx.Response(200, text="<html>"), ModelServerError, "isn't the compressor"),
        (says(200, {"segments": [{"kept": 1}]}), ModelServerError, "another form"),
        (says(200, []), ModelServerError, "another form"),
    ],
)
async def test_failures_are_translated(answer: Answer, kind: type[AthenaError], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        await client(answer).squeeze([Segment("a")], target_tokens=1, deadline_ms=100)
    assert caught.value.source == "compressor"


async def test_when_to_come_back() -> None:
    with pytest.raises(ModelServerUnavailable) as caught:
        await client(error(503, **{"retry-after": "7"})).squeeze([Segment("a")], target_tokens=1, deadline_ms=100)
    assert caught.value.retry_after == 7


async def test_half_a_surrogate_pair_is_the_callers_fault() -> None:
    with pytest.raises(InvalidInput):
        await client(says(200, {})).squeeze([Segment("\ud800")], target_tokens=1, deadline_ms=100)


@pytest.mark.parametrize("answer", [refuse, stall, error(503), says(200, {"segments": []}), says(200, 1)])
async def test_the_caller_of_compress_never_sees_it(answer: Answer) -> None:
    found = await compress(TEXT, ratio=0.9, squeezer=client(answer), budget_ms=3000)
    assert "llmlingua" not in found.engines
    assert found.degraded[0].startswith("compressor: ")


async def test_what_hangs_is_left_after_the_budget() -> None:
    class Hanging(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(60)
            raise AssertionError

    hanging = CompressorClient("http://compressor", transport=Hanging())
    async with asyncio.timeout(5):
        found = await compress(TEXT, ratio=0.5, squeezer=hanging, budget_ms=200)
    assert found.degraded == ("compressor: not in time",)


async def test_health() -> None:
    models = [{"model": "xlmr", "engine": "llmlingua"}, {"model": "mbert", "engine": "fast", "precision": "int8"}]
    service = client(says(200, {"status": "ok", "models": models, "engine": "fast", "version": "0.1.0"}))
    said = await service.health()
    assert (said.version, said.engine, said.model) == ("0.1.0", "fast", "mbert")
    await service.aclose()
    for other in (says(200, ["x"]), says(200, {"models": "many"})):
        with pytest.raises(ModelServerError, match="isn't the compressor"):
            await client(other).health()


def test_one_client_serves_loop_after_loop() -> None:
    service = client(says(200, {"status": "up"}))
    assert asyncio.run(service.health()) == asyncio.run(service.health())
