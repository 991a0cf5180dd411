"""What the fakes of OpenAI's kind refuse and break, as OpenAI's own SDK sees it."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.clients.asking_gpt import HELLO, body, raw
from tests.clients.world import GPT, World, until
from tests.fakes.provider.script import (
    HTML_500,
    Begin,
    Fail,
    HangUp,
    Pause,
    Refuse,
    Reset,
    Text,
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"surprise": 1}, "Unrecognized request argument supplied: surprise"),
        ({"messages": []}, "Missing required parameter: 'messages'."),
        ({"max_tokens": 5}, "Use 'max_completion_tokens' instead."),
        ({"temperature": 0.2}, "'temperature' does not support 0.2 with this model"),
        ({"stop": ["x"]}, "'stop' is not supported with this model"),
        ({"stream_options": {"include_usage": True}}, "only allowed when 'stream' is enabled"),
        ({"tools": []}, "Invalid 'tools': empty array"),
        ({"tool_choice": "required"}, "'tool_choice' is only allowed when 'tools' are specified"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "Invalid value: 'robot'"),
        ({"messages": [{"role": "tool", "tool_call_id": "c", "content": "x"}]}, "must be a response to a preceeding"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "url": "x"}]}]}, "Invalid value: 'image'"),
        (
            {
                "messages": [
                    {
                        "role": "assistant",
                        "tool_calls": [
                            {"id": "c" * 41, "type": "function", "function": {"name": "look", "arguments": "{}"}}
                        ],
                    }
                ]
            },
            "maximum length 40",
        ),
        ({"response_format": {"type": "json_object"}}, "must contain the word 'json'"),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "strict": True, "schema": {"type": "object"}},
                }
            },
            "'additionalProperties' is required to be supplied and to be false",
        ),
    ],
)
async def test_bad_shapes_are_refused_in_openais_words(direct: World, change: Any, message: str) -> None:
    answer = await raw(direct.openai, {**body(), **change})
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("step", "kind", "code"),
    [
        (Refuse(400, "so not"), openai.BadRequestError, None),
        (Refuse(401), openai.AuthenticationError, "invalid_api_key"),
        (Refuse(403), openai.PermissionDeniedError, "unsupported_country"),
        (Refuse(404), openai.NotFoundError, "model_not_found"),
        (Refuse(429, retry_after=7), openai.RateLimitError, "rate_limit_exceeded"),
        (Refuse(429), openai.RateLimitError, "credit_balance_exhausted"),
        (Refuse(503), openai.InternalServerError, "slow_down"),
    ],
)
async def test_the_sdk_knows_every_error(direct: World, step: Refuse, kind: type[Any], code: str | None) -> None:
    direct.openai.script(step)
    with pytest.raises(kind) as raised:
        await direct.gpt(direct.openai).chat.completions.create(model=GPT, messages=HELLO)
    assert raised.value.code == code
    assert raised.value.request_id
    assert raised.value.response.headers.get("retry-after") == (str(step.retry_after) if step.retry_after else None)


async def test_google_tells_of_limits_inside_the_error(direct: World) -> None:
    direct.google.script(Refuse(429, retry_after=3))
    answer = await raw(direct.google, body("google"))
    error = answer.json()[0]["error"]
    assert (answer.status_code, error["code"], error["status"]) == (429, 429, "RESOURCE_EXHAUSTED")
    assert error["details"][0]["retryDelay"] == "3s"
    assert "retry-after" not in answer.headers


async def test_the_sdk_retries_and_gets_through(direct: World) -> None:
    direct.openai.script(Refuse(503))
    direct.openai.script(HTML_500)
    client = direct.gpt(direct.openai, max_retries=2)
    answer = await client.chat.completions.create(model=GPT, messages=HELLO)
    assert answer.choices[0].message.content == "Echo: Hello there"
    assert [seen.status for seen in direct.openai.calls] == [503, 500, 200]


async def test_errors_inside_a_stream(direct: World) -> None:
    direct.openai.script(Begin(), Fail())
    direct.openai.script(Text("Half of"), Fail("api_error"))
    direct.openai.script(Text("Half of"), Reset())
    direct.openai.script(Text("Half of"), HangUp())
    client, heard, failures = direct.gpt(direct.openai), list[str](), list[BaseException]()
    for _ in range(4):
        text = ""
        try:
            async for chunk in await client.chat.completions.create(model=GPT, messages=HELLO, stream=True):
                text += chunk.choices[0].delta.content or ""
        except openai.APIError as exc:
            failures.append(exc)
        heard.append(text)
    assert heard == ["", "Half of", "Half of", "Half of"]
    assert "overloaded" in str(failures[0])
    assert len(failures) == 4
    assert not any(bill.complete for bill in direct.openai.bills)


async def test_silence_refusal_and_leaving(direct: World) -> None:
    direct.openai.script(Pause(5))
    with pytest.raises(openai.APITimeoutError):
        await direct.gpt(direct.openai, timeout=0.2).chat.completions.create(model=GPT, messages=HELLO)
    until(lambda: direct.openai.calls[0].left)
    direct.background.call(direct.openai.refuse_connections)
    try:
        with pytest.raises(openai.APIConnectionError):
            await direct.gpt(direct.openai).chat.completions.create(model=GPT, messages=HELLO)
    finally:
        direct.background.run(direct.openai.accept_connections())
    direct.openai.script(Text("One two three four"), Pause(30), Text("never"))
    stream = await direct.gpt(direct.openai).chat.completions.create(model=GPT, messages=HELLO, stream=True)
    async for _ in stream:
        break
    await stream.close()
    until(lambda: [bill.complete for bill in direct.openai.bills] == [False])


async def test_credentials(direct: World) -> None:
    direct.openai.keys, direct.google.keys = {"right"}, {"right"}
    try:
        assert (await raw(direct.openai, body(), authorization="Bearer right")).status_code == 200
        wrong = await raw(direct.openai, body(), authorization="Bearer wrong")
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "invalid_api_key")
        assert (await raw(direct.openai, body(), authorization="")).status_code == 401
        google = await raw(direct.google, body("google"), authorization="Bearer wrong")
        assert "API key not valid" in google.json()[0]["error"]["message"]
    finally:
        direct.openai.keys = direct.google.keys = None
