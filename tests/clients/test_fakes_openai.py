"""The fakes of OpenAI's kind, checked with OpenAI's own SDK and against the documented streams."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import msgspec
import openai
import pytest

from tests.clients.asking_gpt import FACES, GEMINI, HELLO, LLAMA, MODELS, TOOLS, body, chunks_of, fake_of, raw
from tests.clients.world import GPT, PNG, World, until
from tests.fakes.provider.script import (
    Ping,
    Stop,
    Text,
    Think,
    Tool,
)


async def test_a_stream_of_openai_has_the_documented_chunks(direct: World) -> None:
    direct.openai.script(Think("Hm."), Text("I look."), Ping(), Tool("look", {"at": "A"}), Tool("look", {"at": "B"}))
    answer = await raw(direct.openai, body(stream=True, tools=TOOLS, stream_options={"include_usage": True}))
    assert b": keep-alive\n\n" in answer.content
    chunks = chunks_of(answer)
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0
    assert all(chunk["usage"] is None for chunk in chunks[:-1])
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]][-2:] == [None, "tool_calls"]
    calls = [call for chunk in chunks[:-1] for call in chunk["choices"][0]["delta"].get("tool_calls", [])]
    assert [call["index"] for call in calls if "id" in call] == [0, 1]
    arguments = "".join(call["function"]["arguments"] for call in calls if call["index"] == 1)
    assert msgspec.json.decode(arguments) == {"at": "B"}
    without = chunks_of(await raw(direct.openai, body(stream=True)))
    assert all("usage" not in chunk for chunk in without)


@FACES
async def test_streamed_and_whole_are_the_same_message(direct: World, face: str) -> None:
    fake = fake_of(direct, face)
    steps = (Text("Here you are."), Tool("look", {"at": "A"}), Tool("look", {"at": "B"}))
    fake.script(*steps, times=2)
    client = direct.gpt(fake)
    whole = await client.chat.completions.create(model=MODELS[face], messages=HELLO, tools=TOOLS)
    async with client.chat.completions.stream(
        model=MODELS[face], messages=HELLO, tools=TOOLS, stream_options={"include_usage": True}
    ) as stream:
        streamed = await stream.get_final_completion()

    def meaning(answer: Any) -> Any:
        choice = answer.choices[0]
        calls = [
            (call.function.name, msgspec.json.decode(call.function.arguments)) for call in choice.message.tool_calls
        ]
        return choice.message.content, calls, choice.finish_reason, answer.usage.to_dict()

    assert meaning(whole) == meaning(streamed)
    assert whole.choices[0].finish_reason == "tool_calls"


async def converse(client: openai.AsyncOpenAI, model: str) -> list[Any]:
    """A conversation up to the results of two parallel calls."""
    answer = await client.chat.completions.create(model=model, messages=HELLO, tools=TOOLS)
    message = answer.choices[0].message
    assert message.tool_calls
    results = [{"role": "tool", "tool_call_id": call.id, "content": "ships"} for call in message.tool_calls]
    return [*HELLO, message.to_dict(), *results]


@FACES
async def test_a_tool_loop_goes_round(direct: World, face: str) -> None:
    fake, client = fake_of(direct, face), direct.gpt(fake_of(direct, face))
    fake.script(Tool("look", {"at": "A"}), Tool("look", {"at": "B"}))
    messages = await converse(client, MODELS[face])
    answer = await client.chat.completions.create(model=MODELS[face], messages=messages, tools=TOOLS)
    assert answer.choices[0].finish_reason == "stop"
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(model=MODELS[face], messages=messages[:-1], tools=TOOLS)
    assert "did not have response messages" in refused.value.response.text


async def test_google_wants_its_signature_back_in_the_current_turn(direct: World) -> None:
    client = direct.gpt(direct.google)
    direct.google.script(Tool("look", {"at": "A"}), Tool("look", {"at": "B"}))
    messages = await converse(client, GEMINI)
    calls = messages[1]["tool_calls"]
    assert calls[0]["extra_content"]["google"]["thought_signature"]
    assert "extra_content" not in calls[1], "only the first call of a step is signed"
    signed = calls[0].pop("extra_content")

    async def go_on() -> Any:
        return await client.chat.completions.create(model=GEMINI, messages=messages, tools=TOOLS)

    with pytest.raises(openai.BadRequestError) as refused:
        await go_on()
    (entry,) = refused.value.response.json()  # a list: the SDK finds no message in it
    assert entry["error"]["status"] == "INVALID_ARGUMENT"
    assert "missing a thought_signature in functionCall parts" in entry["error"]["message"]
    calls[0]["extra_content"] = {"google": {"thought_signature": "c29tZXRoaW5nIGVsc2U="}}
    with pytest.raises(openai.BadRequestError) as refused:
        await go_on()
    assert "Corrupted thought signature" in refused.value.response.text
    calls[0]["extra_content"] = signed
    assert await go_on()
    # A turn that is over isn't checked any more.
    del calls[0]["extra_content"]
    messages += [{"role": "assistant", "content": "Ships."}, {"role": "user", "content": "Thanks"}]
    assert await go_on()


async def test_google_streams_a_call_whole_and_usage_unasked(direct: World) -> None:
    direct.google.script(Tool("look", {"at": "A"}))
    chunks = chunks_of(await raw(direct.google, body("google", stream=True, tools=TOOLS)))
    calls = [call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", [])]
    assert len(calls) == 1
    assert calls[0]["extra_content"]["google"]["thought_signature"]
    assert all(chunk["usage"]["prompt_tokens"] for chunk in chunks)


async def test_ollama_takes_images_as_data_and_lists_what_it_has(direct: World) -> None:
    direct.ollama.models["llava"] = direct.google.models[GEMINI]  # one that sees
    part = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    sent = body("ollama", model="llava", messages=[{"role": "user", "content": [part]}])
    assert (await raw(direct.ollama, sent)).json()["error"]["message"] == "invalid image input"
    part["image_url"] = {"url": f"data:image/png;base64,{PNG}"}
    assert (await raw(direct.ollama, sent, authorization="")).status_code == 200
    direct.ollama.bills.clear()
    del direct.ollama.models["llava"]
    blind = await raw(direct.ollama, {**sent, "model": LLAMA})
    assert "does not support images" in blind.json()["error"]["message"]
    async with httpx.AsyncClient(trust_env=False, base_url=direct.ollama.url) as http:
        tags = (await http.get("/api/tags")).json()["models"]
        assert [tag["name"] for tag in tags if "remote_host" in tag] == ["gpt-oss:120b-cloud"]
        shown = (await http.post("/api/show", json={"model": LLAMA})).json()
        assert shown["model_info"]["llama.context_length"] == 128_000
        assert (await http.get("/api/ps")).json()["models"] == []
        await direct.gpt(direct.ollama).chat.completions.create(model=LLAMA, messages=HELLO)
        (loaded,) = (await http.get("/api/ps")).json()["models"]
        assert (loaded["name"], loaded["context_length"]) == (LLAMA, 4096)
        wide = (await http.post("/api/show", json={"model": "qwen2.5-coder:32b"})).json()
        assert wide["parameters"].split() == ["num_ctx", "65536"]
        missing = await http.post("/api/show", json={"model": "none"})
        assert missing.status_code == 404


async def test_ollama_shows_its_reasoning(direct: World) -> None:
    direct.ollama.script(Think("Let me see."), Text("Four."))
    chunks = chunks_of(await raw(direct.ollama, body("ollama", stream=True)))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    assert "".join(delta.get("reasoning", "") for delta in deltas) == "Let me see."


async def test_limits_cut_what_is_said(direct: World) -> None:
    client = direct.gpt(direct.openai)
    direct.openai.default = lambda _: [Text("alpha beta gamma delta epsilon")]
    cut = await client.chat.completions.create(model=GPT, messages=HELLO, max_completion_tokens=3)
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage is not None
    assert cut.usage.completion_tokens == 3
    stopped = await client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, stop=[" gamma"])
    assert stopped.choices[0].message.content == "alpha beta"
    direct.openai.script(Text("No."), Stop("content_filter"))
    filtered = await client.chat.completions.create(model=GPT, messages=HELLO)
    assert filtered.choices[0].finish_reason == "content_filter"
    direct.openai.windows[GPT] = 10
    with pytest.raises(openai.BadRequestError) as raised:
        await client.chat.completions.create(model=GPT, messages=[{"role": "user", "content": "word " * 99}])
    assert raised.value.code == "context_length_exceeded"


async def test_the_same_beginning_is_cached_by_itself(direct: World) -> None:
    client = direct.gpt(direct.openai)
    long: Any = {"role": "system", "content": f"{id(client)} " + "The harbour was quiet. " * 400}
    first = await client.chat.completions.create(model=GPT, messages=[long, *HELLO])
    second = await client.chat.completions.create(model=GPT, messages=[long, {"role": "user", "content": "Other"}])
    assert first.usage is not None
    assert second.usage is not None
    assert first.usage.prompt_tokens_details is not None
    assert second.usage.prompt_tokens_details is not None
    assert first.usage.prompt_tokens_details.cached_tokens == 0
    cached = second.usage.prompt_tokens_details.cached_tokens or 0
    assert cached >= 1024
    assert cached % 128 == 0
    totals = direct.openai.totals()[GPT]
    assert (totals.answers, totals.cached) == (2, cached)
    assert totals.input + totals.cached == first.usage.prompt_tokens + second.usage.prompt_tokens


async def test_what_is_asked_for_by_form_is_given(direct: World) -> None:
    client = direct.gpt(direct.openai)
    forced = await client.chat.completions.create(model=GPT, messages=HELLO, tools=TOOLS, tool_choice="required")
    assert forced.choices[0].finish_reason == "tool_calls"
    named = await client.chat.completions.create(
        model=GPT, messages=HELLO, tools=TOOLS, tool_choice={"type": "function", "function": {"name": "look"}}
    )
    assert named.choices[0].finish_reason == "stop"
    assert named.choices[0].message.tool_calls
    schema = {
        "type": "object",
        "properties": {"mood": {"enum": ["good", "bad"]}},
        "required": ["mood"],
        "additionalProperties": False,
    }
    formed = await client.chat.completions.create(
        model=GPT,
        messages=HELLO,
        response_format={"type": "json_schema", "json_schema": {"name": "mood", "strict": True, "schema": schema}},
    )
    assert msgspec.json.decode(formed.choices[0].message.content or "") == {"mood": "good"}


@FACES
async def test_embeddings_and_models(direct: World, face: str) -> None:
    client = direct.gpt(fake_of(direct, face))
    embedder = {"openai": "text-embedding-3-small", "google": "gemini-embedding-001"}.get(face, "nomic-embed-text")
    answer = await client.embeddings.create(model=embedder, input=["one", "two", "one"])
    vectors = [entry.embedding for entry in answer.data]
    assert vectors[0] == vectors[2] != vectors[1]
    floats = await client.embeddings.create(model=embedder, input="one", encoding_format="float")
    assert floats.data[0].embedding == pytest.approx(vectors[0], abs=1e-6)
    listed = [model.id async for model in client.models.list()]
    shown = f"models/{GEMINI}" if face == "google" else MODELS[face]
    assert shown in listed
    assert (await client.models.retrieve(MODELS[face])).id == shown
    with pytest.raises(openai.NotFoundError):
        await client.chat.completions.create(model="none", messages=HELLO)


async def test_many_at_once_leave_nothing_behind(direct: World) -> None:
    before = len(direct.openai.server.connections)
    async with httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=16)) as http:

        async def one(number: int) -> str:
            sent = body(stream=True, messages=[{"role": "user", "content": f"number {number}"}])
            url = f"{direct.openai.base_url}/chat/completions"
            return (await http.post(url, json=sent, headers={"authorization": "Bearer k"})).text

        answers = await asyncio.gather(*(one(number) for number in range(400)))
    assert all(answer.endswith("data: [DONE]\n\n") for answer in answers)
    assert len({bill.id for bill in direct.openai.bills if bill.complete}) == 400
    # Others may keep connections of their own.
    until(lambda: len(direct.openai.server.connections) <= before)
