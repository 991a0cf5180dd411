"""A provider's bad day: what is tried again, who answers instead, and what the client is told."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.clients.asking import events, text_of
from tests.clients.house import Guest, House
from tests.clients.world import GPT
from tests.fakes.provider.fake import FakeProvider
from tests.fakes.provider.script import HTML_500, Begin, CutJson, Fail, HangUp, Pause, Refuse, Reset, Step, Text

pytest_plugins = ("tests.clients.house_fixtures",)

HAIKU, FLASH, SONNET, PRO = "claude-haiku-5-5", "gemini-3.8-flash", "claude-sonnet-5-5", "gemini-4-argon"
streamed = pytest.mark.parametrize("stream", [False, True])


@dataclass
class Both:
    """A guest with a key of the provider's beside the Athena key: then what is held against an account for minutes is
    held against that one, which no other test has. `left` puts everything right again."""

    guest: Guest
    headers: dict[str, str]

    async def messages(self, said: Any, **body: Any) -> httpx.Response:
        return await self.guest.stranger.messages(said, self.headers, **body)

    async def chat(self, said: Any, **body: Any) -> httpx.Response:
        return await self.guest.stranger.chat(said, self.headers, **body)


@pytest.fixture
async def both(guest: Guest) -> AsyncIterator[Both]:
    headers = {"x-athena-key": guest.key, "x-api-key": f"sk-ant-api03-{secrets.token_hex(8)}"}
    yield Both(guest, headers)
    # A good answer each: no failure of this test is counted together with those of the next.
    for fake in guest.world.fakes:
        fake.forget()
    for model in (f"anthropic/{HAIKU}", f"google/{FLASH}", f"anthropic/{SONNET}", f"google/{PRO}"):
        answer = await guest.asks.messages("Well again", model=model)
        assert answer.headers["x-athena-model"] == model


def tries(fake: FakeProvider, model: str) -> int:
    return sum(1 for seen in fake.calls if seen.body["model"] == model)


@streamed
async def test_overloaded_once_is_tried_again(both: Both, stream: bool) -> None:
    both.guest.world.anthropic.script(Refuse(529))
    answer = await both.messages("Hello", model=HAIKU, stream=stream)
    assert text_of(answer) == "Echo: Hello"
    assert answer.headers["x-athena-model"] == f"anthropic/{HAIKU}"
    assert tries(both.guest.world.anthropic, HAIKU) == 2
    rows = await both.guest.house.used(both.guest.name, 2)
    assert [(row["attempt"], row["final"], row["outcome"], row["status"]) for row in rows] == [
        (1, False, "error", 529),
        (2, True, "ok", 200),
    ]
    assert rows[0]["request_id"] == rows[1]["request_id"] == answer.headers["x-athena-request-id"]


@streamed
@pytest.mark.parametrize("fault", [(Refuse(529),), (Begin(), Fail()), (Reset(),), (Begin(), HangUp()), (HTML_500,)])
async def test_the_next_tier_answers_instead(both: Both, fault: tuple[Step, ...], stream: bool) -> None:
    """Before any content, nothing has been said yet: whatever goes wrong, the client doesn't see it."""
    world = both.guest.world
    world.anthropic.script(*fault, times=3)
    for ask in (both.messages, both.chat):
        answer = await ask("Hello", model=HAIKU, stream=stream)
        assert text_of(answer) == "Echo: Hello"
        if ask == both.messages:
            assert answer.headers["x-athena-model"] == f"google/{FLASH}"
            assert f"fallback from anthropic/{HAIKU}" in answer.headers["x-athena-route"]
        else:
            assert answer.headers["x-athena-model"] == f"anthropic/{HAIKU}"
            assert "fallback" not in answer.headers["x-athena-route"]
    if stream:
        assert "overloaded" not in answer.text


@pytest.mark.parametrize("fault", [Fail(), Reset(), HangUp()])
async def test_after_content_there_is_one_error_and_no_fallback(both: Both, fault: Step) -> None:
    """On either surface, from either kind of provider: the same text isn't said twice."""
    world = both.guest.world
    for ask in (both.messages, both.chat):
        for fake, model in ((world.anthropic, HAIKU), (world.google, f"google/{FLASH}")):
            for each in world.fakes:
                each.forget()
            fake.script(Text("Half of it"), fault)
            answer = await ask("Hello", model=model, stream=True)
            assert answer.status_code == 200
            assert text_of(answer) == "Half of it"
            said = events(answer)
            assert sum(len(each.calls) for each in world.fakes) == 1
            if ask == both.messages:
                assert [event["type"] for event in said].count("error") == 1
                assert said[-1]["type"] == "error"
                assert said[-1]["error"]["message"]
                assert "message_stop" not in [event["type"] for event in said]
            else:
                errors = [event for event in said if isinstance(event, dict) and "error" in event]
                assert len(errors) == 1
                assert errors[0]["error"]["message"]
                assert not [
                    c for e in said if isinstance(e, dict) for c in e.get("choices", ()) if c.get("finish_reason")
                ]
    rows = await both.guest.house.used(both.guest.name, 4)
    assert {row["outcome"] for row in rows} == {"broken"}


@streamed
async def test_a_rate_limit_that_ends_soon_is_waited_for(both: Both, stream: bool) -> None:
    both.guest.world.anthropic.script(Refuse(429, retry_after=1))
    answer = await both.messages("Hello", model=HAIKU, stream=stream)
    assert text_of(answer) == "Echo: Hello"
    assert answer.headers["x-athena-model"] == f"anthropic/{HAIKU}"


async def test_a_rate_limit_that_lasts_is_gone_around(both: Both) -> None:
    both.guest.world.anthropic.script(Refuse(429, retry_after=60))
    for _ in range(2):
        answer = await both.messages("Hello", model=HAIKU)
        assert answer.headers["x-athena-model"] == f"google/{FLASH}"
    # The second time it wasn't even asked.
    assert tries(both.guest.world.anthropic, HAIKU) == 1


async def test_a_rate_limit_with_nowhere_else_to_go_is_the_clients(guest: Guest) -> None:
    guest.world.anthropic.script(Refuse(429, retry_after=3600))
    own = {"x-api-key": f"sk-ant-api03-{secrets.token_hex(8)}"}
    answer = await guest.stranger.messages("Hello", own, model=HAIKU)
    assert answer.status_code == 429
    assert answer.headers["retry-after"].isdigit()
    assert int(answer.headers["retry-after"]) >= 3599
    assert answer.json()["error"]["type"] == "rate_limit_error"
    assert "rate limit of 50 requests per minute" in answer.json()["error"]["message"]


@streamed
async def test_a_spend_limit_is_not_tried_again(both: Both, stream: bool) -> None:
    both.guest.world.anthropic.script(Refuse(429))
    answer = await both.messages("Hello", model=HAIKU, stream=stream)
    assert text_of(answer) == "Echo: Hello"
    assert answer.headers["x-athena-model"] == f"google/{FLASH}"
    assert tries(both.guest.world.anthropic, HAIKU) == 1


async def test_a_spend_limit_of_the_clients_own_is_verbatim(guest: Guest) -> None:
    guest.world.anthropic.script(Refuse(429))
    own = {"x-api-key": f"sk-ant-api03-{secrets.token_hex(8)}"}
    answer = await guest.stranger.messages("Hello", own, model=HAIKU)
    assert answer.status_code == 429
    # Clients try again where this header is.
    assert "retry-after" not in answer.headers
    assert answer.json()["error"]["details"] == {"error_code": "enforced_spend_limit_reached"}
    assert len(guest.world.anthropic.calls) == 1


async def test_a_provider_that_refuses_connections(both: Both) -> None:
    world = both.guest.world
    world.background.call(world.google.refuse_connections)
    try:
        answer = await both.messages("Hello", model=f"google/{FLASH}")
        assert answer.headers["x-athena-model"] == f"anthropic/{SONNET}"
        own = {"authorization": "Bearer AIza-own"}
        only = await both.guest.stranger.chat("Hello", own, model="google/gemini-2.5-flash")
    finally:
        world.background.run(world.google.accept_connections())
    assert only.status_code == 502, only.text
    assert only.json()["error"]["code"] == "upstream_unreachable"
    assert only.json()["error"]["source"] == "provider"
    assert "google/gemini-2.5-flash" in only.json()["error"]["message"]


async def test_answers_that_are_none(both: Both) -> None:
    """Half of its JSON, or a page of HTML, of status 200: nobody gets to read that."""
    both.guest.world.anthropic.script(CutJson(), times=3)
    assert (await both.messages("Hello", model=HAIKU)).headers["x-athena-model"] == f"google/{FLASH}"
    assert text_of(await both.guest.asks.messages("Well again", model=HAIKU))
    page = Refuse(200, body=b"<html>Welcome to the hotel</html>", content_type="text/html")
    both.guest.world.anthropic.script(page, times=3)
    answer = await both.messages("Hello", model=HAIKU, stream=True)
    assert text_of(answer) == "Echo: Hello"
    assert answer.headers["x-athena-model"] == f"google/{FLASH}"


async def test_a_page_of_html_in_the_other_surfaces_format(guest: Guest) -> None:
    guest.world.openai.script(HTML_500, times=3)
    own = {"x-api-key": "sk-proj-own"}
    answer = await guest.stranger.messages("Hello", own, model=GPT)
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["type"] == "error"
    assert answer.json()["error"]["type"] == "api_error"
    assert text_of(await guest.stranger.messages("Hello", own, model=GPT))


async def test_a_request_that_is_wrong_is_wrong_everywhere(both: Both) -> None:
    both.guest.world.anthropic.script(Refuse(400, "tools.0: wrong"))
    answer = await both.messages("Hello", model=HAIKU)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "tools.0: wrong")
    assert sum(len(fake.calls) for fake in both.guest.world.fakes) == 1


@pytest.mark.parametrize(("model", "wire"), [(HAIKU, "same"), (GPT, "other")])
async def test_silence_is_filled_with_pings(house: House, guest: Guest, model: str, wire: str) -> None:
    fake = guest.world.anthropic if model == HAIKU else guest.world.openai
    fake.script(Text("Wait", pieces=1), Pause(0.9), Text(" for it", pieces=1), times=2)
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    async with house.replica(pulse_s=0.2) as url:
        asks = guest.asking(url, authorization=f"Bearer {guest.key}")
        async with asks.streaming("/v1/messages", {**body, "max_tokens": 100}) as stream:
            said = await stream.rest()
            pings = [at for at, data in enumerate(said) if '"ping"' in data]
            waited = next(at for at, data in enumerate(said) if '"Wait"' in data)
            assert 2 <= sum(1 for at in pings if at > waited) <= 5
            assert "message_stop" in said[-1]
        async with asks.streaming("/v1/chat/completions", body) as stream:
            said = await stream.rest()
            assert 2 <= sum(1 for data in said if data.startswith(":")) <= 5
            assert said[-1] == "[DONE]"
        await asks.close()
