"""OpenAI's own client, talking to Claude through the translation: what its SDK reads, and what Anthropic checks.

The client's transport is the translation and nothing else; behind it stands the fake of Anthropic's API, which
refuses wrong shapes, thinking that comes back after something else than it was made for, and bills by exact prefix.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from athena.errors import AthenaError
from athena.gateway.sse import Parser
from athena.gateway.translate import to_anthropic
from tests.fakes.anthropic_api import FakeAnthropic
from tests.fakes.provider.script import Fail, HangUp, Refuse, Text, Think, Tool
from tests.unit.openai_talk import PIXEL, claude

Json = Any
TOOLS: list[ChatCompletionToolParam] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]
LONG = "You are a careful assistant. " * 400


class Through(httpx2.AsyncBaseTransport):
    """From the client's bytes to Anthropic's and back."""

    def __init__(self, fake: FakeAnthropic) -> None:
        self.signatures: dict[str, Json] = {}
        self._up = httpx.AsyncClient(base_url=fake.url, headers={"x-api-key": "k", "anthropic-version": "2023-06-01"})

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(await request.aread())
        model = claude(body["model"], output=128_000)
        try:
            sent = to_anthropic.request(body, model, self.signatures)
        except AthenaError as refused:
            return httpx2.Response(refused.status, json=refused.body())
        response = await self._up.send(self._up.build_request("POST", "/v1/messages", json=sent), stream=True)
        if response.status_code != 200 or not body.get("stream"):
            return self._whole(body, model, response.status_code, await response.aread())
        return httpx2.Response(
            200, headers={"content-type": "text/event-stream"}, content=self._streamed(body, model, response)
        )

    def _whole(self, body: Json, model: Json, status: int, raw: bytes) -> httpx2.Response:
        if status != 200:
            status, told = to_anthropic.error(status, raw)
            return httpx2.Response(status, content=told, headers={"content-type": "application/json"})
        told, kept = to_anthropic.answer(json.loads(raw), model, body["model"], to_anthropic.Wants.of(body))
        self.signatures |= kept
        return httpx2.Response(200, json=told)

    async def _streamed(self, body: Json, model: Json, response: httpx.Response) -> AsyncIterator[bytes]:
        stream, parser = to_anthropic.Stream(model, body["model"], to_anthropic.Wants.of(body)), Parser()
        try:
            async for chunk in response.aiter_raw(7):
                for event in parser.feed(chunk):
                    told = stream.feed(event.data)
                    self.signatures |= stream.signatures  # first: whoever has the end reads no further
                    if told:
                        yield told
        except httpx.RemoteProtocolError:
            pass  # whatever broke, the client is told by the stream's end
        yield stream.end()

    async def aclose(self) -> None:
        await self._up.aclose()


@pytest.fixture
async def fake() -> AsyncIterator[FakeAnthropic]:
    async with FakeAnthropic() as fake:
        yield fake


@pytest.fixture
async def client(fake: FakeAnthropic) -> AsyncIterator[openai.AsyncOpenAI]:
    http = httpx2.AsyncClient(transport=Through(fake))
    async with openai.AsyncOpenAI(api_key="x", base_url="http://athena/v1", http_client=http, max_retries=0) as client:
        yield client


async def test_words(fake: FakeAnthropic, client: openai.AsyncOpenAI):
    fake.script(Text("Hello there."))
    completion = await client.chat.completions.create(
        model="claude-haiku-5-5",
        messages=[{"role": "developer", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
    )
    assert completion.choices[0].message.content == "Hello there."
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage is not None
    bill = fake.bills[-1]
    assert completion.usage.prompt_tokens == bill.input + bill.cached + bill.written
    assert completion.usage.completion_tokens == bill.output


async def ask(
    client: openai.AsyncOpenAI, model: str, messages: list[ChatCompletionMessageParam], streamed: bool, **more: Json
) -> ChatCompletion:
    """One answer, added to `messages` as any client does it."""
    asking = {"model": model, "messages": messages, "tools": TOOLS, **more}
    if not streamed:
        completion: ChatCompletion = await client.chat.completions.create(**asking)
    else:
        usage = {"stream_options": {"include_usage": True}}
        async with client.chat.completions.stream(**asking, **usage) as stream:
            async for _ in stream:
                pass
            completion = await stream.get_final_completion()
    reply = completion.choices[0].message
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.function.name, "arguments": call.function.arguments},
        }
        for call in reply.tool_calls or []
    ]
    messages.append({"role": "assistant", "content": reply.content, **({"tool_calls": calls} if calls else {})})  # type: ignore[misc, typeddict-item]
    messages += [
        {"role": "tool", "tool_call_id": call["id"], "content": f"It is sunny, {n}."} for n, call in enumerate(calls)
    ]
    return completion


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-4-8"])
async def test_a_talk_with_tools_keeps_its_thinking_and_finds_its_cache(
    fake: FakeAnthropic, client: openai.AsyncOpenAI, model: str, streamed: bool
):
    paris, rome = Tool("get_weather", {"city": "Paris"}), Tool("get_weather", {"city": "Rome"})
    fake.script(Think("Which city?"), Text("Let me look."), Think("Both."), paris, rome)
    fake.script(Think("And now?"), Tool("get_weather", {"city": "Oslo"}))
    fake.script(Think("Enough."), Text("Sunny everywhere."))
    fake.script(Think("Polite."), Text("You're welcome."))
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": LONG},
        {"role": "user", "content": "How is the weather?"},
    ]
    more = {"reasoning_effort": "high"}
    first = await ask(client, model, messages, streamed, **more)
    assert [json.loads(arguments) for arguments in _arguments(first)] == [{"city": "Paris"}, {"city": "Rome"}]
    assert first.choices[0].finish_reason == "tool_calls"
    messages.append({"role": "system", "content": "Answer briefly."})
    await ask(client, model, messages, streamed, **more)
    last = await ask(client, model, messages, streamed, **more)
    assert last.choices[0].message.content == "Sunny everywhere."
    messages.append({"role": "user", "content": "Thanks."})
    assert (await ask(client, model, messages, streamed, **more)).choices[0].message.content == "You're welcome."

    thoughts = [
        [block["type"] for block in message["content"]]
        for message in fake.calls[-1].body["messages"]
        if message["role"] == "assistant"
    ]
    assert thoughts == [
        ["thinking", "text", "thinking", "tool_use", "tool_use"],
        ["thinking", "tool_use"],
        ["text"],
    ]
    assert all(seen.status == 200 for seen in fake.calls)
    assert all(bill.cached > 0 for bill in fake.bills[1:]), "each request finds what the one before wrote"
    assert all(bill.input < 40 for bill in fake.bills), "and hardly anything is paid in full"


def _arguments(completion: ChatCompletion) -> list[str]:
    return [
        call.function.arguments for call in completion.choices[0].message.tool_calls or [] if call.type == "function"
    ]


async def test_another_model_goes_on_without_the_first_ones_thinking(fake: FakeAnthropic, client: openai.AsyncOpenAI):
    fake.script(Think("Hm."), Tool("get_weather", {"city": "Paris"}))
    fake.script(Text("Sunny."))
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "How is the weather?"}]
    await ask(client, "claude-sonnet-5-5", messages, False)
    await ask(client, "claude-opus-5-5", messages, False)
    assert [block["type"] for block in fake.calls[-1].body["messages"][1]["content"]] == ["tool_use"]


async def test_thinking_can_be_read(fake: FakeAnthropic, client: openai.AsyncOpenAI):
    fake.script(Think("Because."), Text("Yes."), where=lambda body: body["thinking"]["display"] == "summarized")
    completion = await client.chat.completions.create(
        model="claude-sonnet-5-5", messages=[{"role": "user", "content": "Why?"}], reasoning_effort="high"
    )
    assert completion.choices[0].message.model_extra == {"reasoning_content": "Because."}


class City(BaseModel):
    name: str
    people: int


async def test_structured_answers(fake: FakeAnthropic, client: openai.AsyncOpenAI):
    fake.script(Text('{"name": "Oslo", "people": 700000}'))
    completion = await client.chat.completions.parse(
        model="claude-sonnet-5-5", messages=[{"role": "user", "content": "A city?"}], response_format=City
    )
    assert completion.choices[0].message.parsed == City(name="Oslo", people=700_000)
    sent = fake.calls[-1].body["output_config"]["format"]
    assert sent["schema"]["additionalProperties"] is False


async def test_pictures(fake: FakeAnthropic, client: openai.AsyncOpenAI):
    fake.script(Text("A pixel."))
    await client.chat.completions.create(
        model="claude-haiku-5-5",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
                ],
            }
        ],
    )
    assert fake.calls[-1].body["messages"][0]["content"][1]["source"]["data"] == PIXEL


@pytest.mark.parametrize(
    ("refusal", "error", "code"),
    [
        (Refuse(401), openai.AuthenticationError, "authentication_error"),
        (Refuse(404), openai.NotFoundError, "not_found_error"),
        (Refuse(429, retry_after=3), openai.RateLimitError, "rate_limit_error"),
        (Refuse(429), openai.RateLimitError, "insufficient_quota"),
        (Refuse(529), openai.InternalServerError, "overloaded_error"),
    ],
)
async def test_errors_are_openais_with_anthropics_words(
    fake: FakeAnthropic, client: openai.AsyncOpenAI, refusal: Refuse, error: type[openai.APIStatusError], code: str
):
    fake.script(refusal)
    with pytest.raises(error) as raised:
        await client.chat.completions.create(model="claude-haiku-5-5", messages=[{"role": "user", "content": "Hi"}])
    assert raised.value.code == code
    assert isinstance(raised.value.body, dict)
    assert raised.value.body["message"], "as the provider said it"


async def test_what_cannot_be_carried_is_a_bad_request(client: openai.AsyncOpenAI):
    with pytest.raises(openai.BadRequestError, match="n: Anthropic gives one answer"):
        await client.chat.completions.create(
            model="claude-haiku-5-5", messages=[{"role": "user", "content": "Hi"}], n=2
        )


@pytest.mark.parametrize("end", [Fail("overloaded_error", "Overloaded"), HangUp()], ids=["error event", "hung up"])
async def test_a_stream_that_breaks_is_an_error_for_the_client(
    fake: FakeAnthropic, client: openai.AsyncOpenAI, end: Fail | HangUp
):
    fake.script(Text("half of it"), end)
    stream = await client.chat.completions.create(
        model="claude-haiku-5-5", messages=[{"role": "user", "content": "Hi"}], stream=True
    )
    said: list[str] = []
    with pytest.raises(openai.APIError):
        await _read(stream, said)
    assert "".join(said) == "half of it"


async def _read(stream: openai.AsyncStream[ChatCompletionChunk], said: list[str]) -> None:
    async for chunk in stream:
        said.append(chunk.choices[0].delta.content or "")
