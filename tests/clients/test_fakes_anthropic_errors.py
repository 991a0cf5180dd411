"""What the fake of the Anthropic API refuses and breaks, as Anthropic's own SDK sees it."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx
import msgspec
import pytest

from tests.clients.asking_claude import HELLO, TOOLS, body, raw
from tests.clients.world import CLAUDE, World, until
from tests.fakes.provider.script import (
    HTML_500,
    Begin,
    CutJson,
    Fail,
    HangUp,
    Pause,
    Refuse,
    Reset,
    Text,
)

PAIRED = [
    {"role": "user", "content": "Go"},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {}}]},
]
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "x"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_tokens": None}, "max_tokens: "),
        ({"messages": []}, "messages: at least one message is required"),
        ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
        ({"context_management": {}}, "context_management: Extra inputs are not permitted"),
        ({"temperature": 0.5}, "`temperature` is deprecated for this model."),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, '"thinking.type.enabled" is not supported'),
        ({"thinking": {"type": "disabled"}}, '"thinking.type.disabled" is not supported'),
        ({"max_tokens": 999_999}, "max_tokens: 999999 > 128000"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role: Input should be 'user'"),
        ({"messages": [{"role": "user", "content": ""}]}, "text content blocks must be non-empty"),
        ({"messages": [{"role": "system", "content": "x"}, *HELLO]}, "must directly follow a user message"),
        ({"messages": [*HELLO, {"role": "assistant", "content": "The"}]}, "does not support assistant message prefill"),
        ({"messages": [*PAIRED, {"role": "user", "content": "?"}]}, "`tool_use` ids were found without `tool_result`"),
        ({"messages": [{"role": "user", "content": [RESULT]}]}, "unexpected `tool_use_id` found in `tool_result`"),
        ({"tools": [TOOLS[0], TOOLS[0]]}, "tools: Tool names must be unique."),
        ({"tool_choice": {"type": "any"}}, "tool_choice may only be specified while providing tools"),
        ({"tools": TOOLS, "tool_choice": {"type": "tool", "name": "no"}}, "Tool 'no' not found in provided tools"),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
            "'additionalProperties' must be explicitly set to false",
        ),
        (
            {"system": [{"type": "text", "text": str(n), "cache_control": {"type": "ephemeral"}} for n in range(5)]},
            "A maximum of 4 blocks with cache_control may be provided. Found 5.",
        ),
    ],
)
async def test_bad_shapes_are_refused_in_the_apis_words(direct: World, change: Any, message: str) -> None:
    sent = {name: value for name, value in {**body(), **change}.items() if value is not None}
    answer = await raw(direct, sent)
    assert answer.status_code == 400
    refusal = answer.json()
    assert refusal["type"] == "error"
    assert refusal["error"]["type"] == "invalid_request_error"
    assert message in refusal["error"]["message"]
    assert refusal["request_id"] == answer.headers["request-id"]


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (Refuse(400, "so not"), anthropic.BadRequestError),
        (Refuse(401), anthropic.AuthenticationError),
        (Refuse(402), anthropic.PaymentRequiredError),
        (Refuse(403), anthropic.PermissionDeniedError),
        (Refuse(404), anthropic.NotFoundError),
        (Refuse(413), anthropic.ContentTooLargeError),
        (Refuse(429, retry_after=7), anthropic.RateLimitError),
        (Refuse(500), anthropic.InternalServerError),
        (Refuse(529), anthropic.OverloadedError),
    ],
)
async def test_the_sdk_knows_every_error(direct: World, step: Refuse, kind: type[anthropic.APIStatusError]) -> None:
    direct.anthropic.script(step)
    with pytest.raises(kind) as raised:
        await direct.claude().messages.create(model=CLAUDE, max_tokens=9, messages=HELLO)
    assert raised.value.request_id
    assert raised.value.type == {429: "rate_limit_error", 529: "overloaded_error"}.get(step.status, raised.value.type)
    assert raised.value.response.headers.get("retry-after") == (str(step.retry_after) if step.retry_after else None)


async def test_a_spending_limit_is_a_429_without_retry_after(direct: World) -> None:
    direct.anthropic.script(Refuse(429))
    with pytest.raises(anthropic.RateLimitError) as raised:
        await direct.claude().messages.create(model=CLAUDE, max_tokens=9, messages=HELLO)
    assert raised.value.error_code == "enforced_spend_limit_reached"
    assert "retry-after" not in raised.value.response.headers


async def test_the_sdk_retries_and_gets_through(direct: World) -> None:
    direct.anthropic.script(Refuse(529))
    direct.anthropic.script(HTML_500)
    answer = await direct.claude(max_retries=2).messages.create(model=CLAUDE, max_tokens=99, messages=HELLO)
    assert answer.content[-1].type == "text"
    assert [seen.status for seen in direct.anthropic.calls] == [529, 500, 200]
    assert [seen.headers["x-stainless-retry-count"] for seen in direct.anthropic.calls] == ["0", "1", "2"]


async def test_errors_inside_a_stream(direct: World) -> None:
    client = direct.claude()
    direct.anthropic.script(Begin(), Fail())
    direct.anthropic.script(Text("Half of"), Fail("api_error", "Lost it"))
    direct.anthropic.script(Text("Half of"), Reset())
    direct.anthropic.script(Text("Half of"), HangUp())
    texts: list[str] = []
    failures: list[BaseException] = []
    for _ in range(4):
        heard = ""
        try:
            async with client.messages.stream(model=CLAUDE, max_tokens=99, messages=HELLO) as stream:
                async for text in stream.text_stream:
                    heard += text
        except Exception as exc:
            failures.append(exc)
        texts.append(heard)
    assert texts == ["", "Half of", "Half of", "Half of"]
    assert "overloaded_error" in str(failures[0])
    assert "Lost it" in str(failures[1])
    assert len(failures) == 4
    assert not any(bill.complete for bill in direct.anthropic.bills)


async def test_an_error_before_anything_is_a_status(direct: World) -> None:
    direct.anthropic.script(Fail())
    with pytest.raises(anthropic.OverloadedError):
        async with direct.claude().messages.stream(model=CLAUDE, max_tokens=9, messages=HELLO):
            pass


@pytest.mark.parametrize("step", [Reset(), HangUp(), CutJson()])
async def test_a_broken_answer_that_is_not_streamed(direct: World, step: Any) -> None:
    direct.anthropic.script(Text("A longer answer than that."), step)
    with pytest.raises((httpx.TransportError, msgspec.DecodeError)):
        msgspec.json.decode((await raw(direct, body())).content)
    assert [bill.complete for bill in direct.anthropic.bills] == [False]


async def test_silence_runs_into_the_clients_time_limit(direct: World) -> None:
    direct.anthropic.script(Pause(5))
    with pytest.raises(anthropic.APITimeoutError):
        await direct.claude(timeout=0.2).messages.create(model=CLAUDE, max_tokens=9, messages=HELLO)
    until(lambda: direct.anthropic.calls[0].left)


async def test_a_server_that_does_not_listen(direct: World) -> None:
    direct.background.call(direct.anthropic.refuse_connections)
    client = direct.claude()
    try:
        with pytest.raises(anthropic.APIConnectionError):
            await client.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO)
    finally:
        direct.background.run(direct.anthropic.accept_connections())
    assert await client.messages.create(model=CLAUDE, max_tokens=99, messages=HELLO)


async def test_a_client_that_leaves_is_noticed_and_billed_for_what_was_said(direct: World) -> None:
    direct.anthropic.script(Text("One two three four", pieces=4), Pause(30), Text("never"))
    async with direct.claude().messages.stream(model=CLAUDE, max_tokens=99, messages=HELLO) as stream:
        async for _ in stream.text_stream:
            break
    until(lambda: direct.anthropic.calls[0].left)
    until(lambda: len(direct.anthropic.bills) == 1)
    assert not direct.anthropic.bills[0].complete
    assert 0 < direct.anthropic.bills[0].output < 30


async def test_credentials(direct: World) -> None:
    direct.anthropic.keys = {"right"}
    try:
        for header in ({"x-api-key": "right"}, {"x-api-key": "", "authorization": "Bearer right"}):
            assert (await raw(direct, body(), **header)).status_code == 200
        wrong = await raw(direct, body(), **{"x-api-key": "wrong"})
        assert (wrong.status_code, wrong.json()["error"]["message"]) == (401, "invalid x-api-key")
        none = await raw(direct, body(), **{"x-api-key": ""})
        assert (none.status_code, none.json()["error"]["type"]) == (401, "authentication_error")
    finally:
        direct.anthropic.keys = None
