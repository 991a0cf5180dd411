"""What the client sends to llama-server and how it reads what comes back."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from athena.core.images import Image
from athena.core.llm_client import LocalLLMClient
from athena.errors import (
    AnswerCut,
    DimensionMismatch,
    InvalidAnswer,
    InvalidInput,
    InvalidSetting,
    ModelServerError,
)

PNG = b"\x89PNG\r\n\x1a\n rest"
Answer = Callable[[httpx.Request], httpx.Response]


def client(answer: Answer, **options: Any) -> LocalLLMClient:
    return LocalLLMClient("http://embed", "http://reason", transport=httpx.MockTransport(answer), **options)


def body(request: httpx.Request) -> Any:
    return json.loads(request.content)


def always(payload: Any, status: int = 200) -> Answer:
    return lambda _: httpx.Response(status, json=payload)


def openai_vectors(request: httpx.Request) -> httpx.Response:
    """Each text is a number, and its vector is that number and 1."""
    texts = body(request)["input"]
    data = [{"index": i, "embedding": [float(text), 1.0]} for i, text in enumerate(texts)]
    return httpx.Response(200, json={"model": "m", "data": data, "usage": {"prompt_tokens": 3 * len(texts)}})


def chat(content: str | None, finish: str = "stop", **message: Any) -> Answer:
    choice = {"finish_reason": finish, "message": {"role": "assistant", "content": content, **message}}
    usage = {"prompt_tokens": 7, "completion_tokens": 5}
    timings = {"predicted_per_second": 12.5}
    return always({"model": "/models/q.gguf", "choices": [choice], "usage": usage, "timings": timings})


@pytest.mark.parametrize(
    "payload",
    [
        {"data": [{"index": 0, "embedding": [0.6, 0.8]}], "model": "m"},
        [{"index": 0, "embedding": [[0.6, 0.8]]}],
        [{"index": 0, "embedding": [0.6, 0.8]}],
        {"embedding": [0.6, 0.8]},
        {"embedding": [[0.6, 0.8]]},
        {"results": [{"embedding": [0.6, 0.8]}]},
        [0.6, 0.8],
    ],
)
async def test_every_shape_of_an_embedding_is_read(payload: Any) -> None:
    async with client(always(payload)) as llm:
        result = await llm.embed("x")
    assert result.embedding == [0.6, 0.8]
    assert result.dimension == 2


async def test_vectors_are_put_in_the_order_of_the_texts() -> None:
    shuffled = {"data": [{"index": 1, "embedding": [2.0, 1.0]}, {"index": 0, "embedding": [1.0, 1.0]}]}
    async with client(always(shuffled)) as llm:
        assert (await llm.embed_many(["a", "b"])).embeddings == [[1.0, 1.0], [2.0, 1.0]]


async def test_an_older_server_is_asked_one_text_at_a_time_by_its_own_route() -> None:
    asked: list[str] = []

    def older(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.url.path != "/embedding":
            return httpx.Response(404, json={"error": {"message": "File Not Found", "code": 404}})
        return httpx.Response(200, json={"embedding": [float(body(request)["content"]), 1.0]})

    async with client(older) as llm:
        assert (await llm.embed_many(["1", "2"])).embeddings == [[1.0, 1.0], [2.0, 1.0]]
        assert (await llm.embed("3")).embedding == [3.0, 1.0]
    assert asked == ["/v1/embeddings", "/embedding", "/embedding", "/embedding"]


async def test_many_texts_go_in_bounded_batches_two_at_a_time_and_come_back_in_order() -> None:
    sizes: list[int] = []
    now = most = 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal now, most
        texts = body(request)["input"]
        sizes.append(len(texts))
        now += 1
        most = max(most, now)
        # Earlier batches are answered later, so that order has to be restored.
        await asyncio.sleep(0.02 if texts[0] == "0" else 0.001)
        now -= 1
        return openai_vectors(request)

    llm = LocalLLMClient("http://embed", "http://reason", transport=httpx.MockTransport(answer))
    async with llm:
        batch = await llm.embed_many([str(n) for n in range(100)])
    assert [vector[0] for vector in batch.embeddings] == [float(n) for n in range(100)]
    assert batch.tokens == 300
    assert max(sizes) == 8
    assert most == 2


async def test_long_texts_travel_in_smaller_batches() -> None:
    sizes: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sizes.append(len(body(request)["input"]))
        return openai_vectors(request)

    async with client(answer) as llm:
        await llm.embed_many([" " * 7_000 + "1"] * 4 + [" " * 40_000 + "2", "3"])
    assert sorted(sizes) == [1, 1, 2, 2]


async def test_no_texts_are_no_request() -> None:
    def never(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    async with client(never) as llm:
        assert (await llm.embed_many([])).embeddings == []


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{"index": 0, "embedding": [[0.1, 0.2], [0.3, 0.4]]}], "pool"),
        ([{"index": 0, "embedding": [None, None]}], "NaN"),
        ([{"index": 0, "embedding": [0.0, 0.0]}], "zeros"),
        ([{"index": 0, "embedding": []}], "isn't a vector"),
        ([{"index": 0, "embedding": "AAAA"}], "isn't a vector"),
        ([{"index": 0}], "isn't a vector"),
        ([], "0 vectors for 1 texts"),
        ([{"embedding": [1.0]}, {"embedding": [1.0]}], "2 vectors for 1 texts"),
    ],
)
async def test_what_is_not_a_vector_is_an_error(rows: Any, says: str) -> None:
    async with client(always({"data": rows})) as llm:
        with pytest.raises(ModelServerError, match=says) as caught:
            await llm.embed("x")
    if says == "pool":
        assert "--pooling mean" in (caught.value.hint or "")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
async def test_a_number_that_is_none_is_not_let_through(number: str) -> None:
    content = '{"data": [{"index": 0, "embedding": [0.5, NUMBER]}]}'.replace("NUMBER", number)
    async with client(lambda _: httpx.Response(200, content=content)) as llm:
        with pytest.raises(ModelServerError, match="NaN"):
            await llm.embed("x")


async def test_a_server_without_pooling_is_told_so_by_the_newer_route_too() -> None:
    refusal = {"error": {"code": 400, "message": "Pooling type 'none' is not OAI compatible.", "type": "x"}}
    async with client(always(refusal, 400)) as llm:
        with pytest.raises(ModelServerError) as caught:
            await llm.embed("x")
    assert "--pooling mean" in (caught.value.hint or "")


async def test_the_dimension_that_was_set_is_checked() -> None:
    async with client(openai_vectors, embedding_dim=768) as llm:
        with pytest.raises(DimensionMismatch, match=r"2 dimensions where 768") as caught:
            await llm.embed("1")
    assert "LLAMACPP_EMBEDDING_DIM" in (caught.value.hint or "")


async def test_vectors_of_unequal_length_are_an_error_within_and_between_requests() -> None:
    ragged = {"data": [{"index": 0, "embedding": [1.0, 2.0]}, {"index": 1, "embedding": [1.0]}]}
    async with client(always(ragged)) as llm:
        with pytest.raises(DimensionMismatch):
            await llm.embed_many(["a", "b"])

    def growing(request: httpx.Request) -> httpx.Response:
        texts = body(request)["input"]
        row = [1.0] * len(texts)
        return httpx.Response(200, json={"data": [{"index": i, "embedding": row} for i in range(len(texts))]})

    async with client(growing) as llm:
        with pytest.raises(ModelServerError, match="changed"):
            await llm.embed_many(["x"] * 20)


async def test_a_model_without_an_alias_is_called_by_its_file_name() -> None:
    async with client(chat("4")) as llm:
        result = await llm.reason("2+2?", system="Be brief", max_tokens=9)
    assert (result.text, result.model, result.finish_reason) == ("4", "q.gguf", "stop")
    assert (result.tokens_in, result.tokens_out, result.tokens_per_second) == (7, 5, 12.5)


async def test_reason_sends_system_images_schema_and_temperature(tmp_path: Path) -> None:
    seen: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, request.url.path, body(request)))
        return chat('{"n": 1}')(request)

    picture = tmp_path / "shot.png"
    picture.write_bytes(PNG)
    data_url = "data:image/jpeg;base64,/9j/"
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    async with client(answer) as llm:
        images: list[Image] = [picture, str(picture), PNG, data_url]
        result = await llm.reason("What?", system="Look", images=images, json_schema=schema, temperature=0.0)
    assert result.data == {"n": 1}
    [(host, path, sent)] = seen
    assert (host, path) == ("reason", "/v1/chat/completions")
    assert sent["temperature"] == 0.0
    assert sent["response_format"]["json_schema"]["schema"] == schema
    assert sent["messages"][0] == {"role": "system", "content": "Look"}
    *parts, text = sent["messages"][1]["content"]
    assert text == {"type": "text", "text": "What?"}
    png_url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert [part["image_url"]["url"] for part in parts] == [png_url, png_url, png_url, data_url]


@pytest.mark.parametrize(
    "image",
    ["http://example.test/a.png", "/nowhere/a.png", b"not an image", "data:text/plain;base64,aGk=", "a\0b"],
)
async def test_what_is_not_an_image_is_refused_before_anything_is_sent(image: str | bytes) -> None:
    def never(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    async with client(never) as llm:
        with pytest.raises(InvalidInput):
            await llm.reason("What?", images=[image])


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ("<think>\nhm, 4?\n</think>\n\nFour", "Four"),
        ("hm, 4?\n</think>\n\nFour", "Four"),
        ("Four", "Four"),
        ("The tag <think> opens a thought", "The tag <think> opens a thought"),
        (None, ""),
    ],
)
async def test_thinking_is_not_part_of_the_answer(content: str | None, answer: str) -> None:
    async with client(chat(content, reasoning_content="secret")) as llm:
        assert (await llm.reason("?")).text == answer


@pytest.mark.parametrize("finish", ["stop", "length"])
async def test_json_that_cannot_be_used_is_an_error_that_says_why(finish: str) -> None:
    async with client(chat('{"n": 1', finish)) as llm:
        with pytest.raises(AnswerCut if finish == "length" else InvalidAnswer) as caught:
            await llm.reason("?", json_schema={"type": "object"}, max_tokens=5)
    assert caught.value.source == "reasoning"
    assert ("max_tokens" in (caught.value.hint or "")) == (finish == "length")


async def test_a_text_that_was_cut_comes_back_and_says_so_unless_it_was_all_thinking() -> None:
    async with client(chat("one two", "length")) as llm:
        assert (await llm.reason("?", max_tokens=2)).finish_reason == "length"
    async with client(chat("<think>one two", "length")) as llm:
        with pytest.raises(AnswerCut, match="thinking"):
            await llm.reason("?", max_tokens=2)


async def test_no_tokens_are_refused() -> None:
    async with client(chat("x")) as llm:
        with pytest.raises(InvalidInput, match="max_tokens"):
            await llm.reason("?", max_tokens=0)


async def test_an_answer_without_a_message_is_an_error() -> None:
    async with client(always({"choices": []})) as llm:
        with pytest.raises(ModelServerError) as caught:
            await llm.reason("?")
    assert caught.value.source == "reasoning"


async def test_compression_switched_off_gives_the_original_back() -> None:
    async with client(always({}), enable_compression=False) as llm:
        result = await llm.compress_prompt(context="a context", instruction="keep", compression_ratio=0.5)
    assert result.compressed_prompt == "a context"
    assert (result.engine, result.compression_ratio) == ("none", 1.0)
    assert result.original_tokens == result.compressed_tokens > 0


async def test_compression_needs_no_server_and_says_what_did_the_work() -> None:
    context = "".join(f"Line {n} is about cheese and wine.\n\n" for n in range(200)) + "The key is under the mat.\n"
    async with client(always({}, status=503)) as llm:
        done = await llm.compress_prompt(context, "Where is the key?", compression_ratio=0.2)
        with pytest.raises(InvalidInput, match="compression_ratio"):
            await llm.compress_prompt("a context", "keep", compression_ratio=1.5)
    assert "The key is under the mat." in done.compressed_prompt
    assert done.compressed_tokens < 0.4 * done.original_tokens
    assert done.engine != "none"


@pytest.mark.parametrize("url", ["localhost:8001", "ftp://host", "http://", "http://[::"])
def test_a_wrong_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(InvalidSetting, match="embedding"):
        LocalLLMClient(url, "http://reason")


def test_addresses_that_are_not_given_are_those_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return openai_vectors(request)

    monkeypatch.setenv("ATHENA_HOME", str(tmp_path))
    monkeypatch.setenv("LLAMACPP_EMBEDDINGS_URL", "http://models:8081/base/")
    monkeypatch.setenv("LLAMACPP_EMBEDDING_DIM", "2")
    llm = LocalLLMClient(transport=httpx.MockTransport(answer))
    assert asyncio.run(llm.embed("1")).embedding == [1.0, 1.0]
    assert asked == ["http://models:8081/base/v1/embeddings"]
