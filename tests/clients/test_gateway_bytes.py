"""What needn't change goes through byte for byte, and where something must, everything else does."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.clients.asking import events
from tests.clients.house import Guest
from tests.clients.texts import log_of
from tests.fakes.provider.fake import Seen
from tests.fakes.provider.script import HTML_500, Raw, Refuse, Text, Think, Tool

pytest_plugins = ("tests.clients.house_fixtures",)

# As no encoder of ours would write it: spaces, line ends, escapes, numbers of every form, keys in any order.
ODD_CLAUDE = (
    b'\n{  "stream":false ,\t"messages" : [ { "content":[{"text":"caf\\u00e9 \xe2\x98\x95 \\/ \\"so\\"",'
    b'"type":"text"}],\r\n'
    b'"role":"user"} ] , "max_tokens":  1024,\n  "temperature" : 1.0, "top_k": 5, "model":"claude-haiku-4-5",'
    b' "tools":[{"input_schema":{"type":"object","properties":{"n":{"minimum":1.50e+02,"maximum":12345678901234567890,'
    b'"default":-0.0,"type":"number"}}},"name":"calc","description":"\\ud83d\\ude00"}],'
    b' "metadata":{"user_id":"\\u0075"}}  \n'
)
ODD_GPT = (
    b'{ "model" : "gpt-4o-mini",\n"temperature":1.0 ,"seed": 1e2,\r\n "messages":[{"content":"caf\\u00e9 \\/",'
    b'"role" :"user"}] ,'
    b'"logit_bias":{"50256":-1.0e2}, "user":"\\u0061" }'
)
MESSAGES, CHAT = "/v1/messages", "/v1/chat/completions"


async def sent(guest: Guest, path: str, raw: bytes, **headers: str) -> tuple[Any, Seen]:
    """The answer, and the request as it reached its provider."""
    fake = guest.world.anthropic if path.startswith(MESSAGES) else guest.world.openai
    named = {"content-type": "application/json", "anthropic-version": "2023-06-01", **headers}
    answer = await guest.asks.http.post(path, content=raw, headers=named)
    return answer, fake.calls[-1]


@pytest.mark.parametrize(("path", "raw"), [(MESSAGES, ODD_CLAUDE), (CHAT, ODD_GPT)])
async def test_an_exact_model_gets_the_very_bytes(guest: Guest, path: str, raw: bytes) -> None:
    answer, seen = await sent(guest, path, raw)
    assert answer.status_code == 200, answer.text
    assert seen.raw == raw


@pytest.mark.parametrize("path", [MESSAGES, CHAT])
async def test_unknown_fields_are_the_providers_business(guest: Guest, path: str) -> None:
    """It refuses these, in its own words; a newer one wouldn't."""
    raw = (ODD_CLAUDE if path == MESSAGES else ODD_GPT).strip()
    raw = raw[:-1] + b', "of_next_year" : {"deep":[1.0,null,  {}]}}'
    answer, seen = await sent(guest, path, raw)
    assert seen.raw == raw
    assert answer.status_code == 400
    assert "of_next_year" in answer.json()["error"]["message"]


async def test_query_betas_and_unknown_headers_arrive(guest: Guest) -> None:
    betas = "interleaved-thinking-2025-05-14,of-next-year-2027-01-01"
    headers = {
        "anthropic-beta": betas,
        "anthropic-version": "2023-06-01",
        "anthropic-of-next-year": "yes",
        "x-stainless-retry-count": "0",
        "user-agent": "claude-cli/9.9.9 (external, cli)",
        "x-claude-code-session-id": "5f0e0d9c-0000-4000-8000-000000000001",
    }
    ours = {"x-athena-compress": "off", "cookie": "a=b", "x-forwarded-proto": "https"}
    _, seen = await sent(guest, f"{MESSAGES}?beta=true&next=%2Fyear", ODD_CLAUDE, **headers, **ours)
    assert seen.query == "beta=true&next=%2Fyear"
    assert {name: seen.headers[name] for name in headers} == headers
    assert not set(seen.headers) & set(ours)
    assert "x-forwarded-for" not in seen.headers


async def test_the_answer_comes_back_byte_for_byte(guest: Guest) -> None:
    """Body, request id and rate limits are the provider's own."""
    body = b'{ "id":"msg_1", "type" : "message","content":[{"type":"text","text":"\\u00e9"}],"usage":{"n":1.0}}\n'
    limits = {"anthropic-ratelimit-requests-remaining": "7", "request-id": "req_1", "anthropic-next-year": "1"}
    guest.world.anthropic.script(Refuse(200, body=body, headers=limits))
    answer, _ = await sent(guest, MESSAGES, ODD_CLAUDE)
    assert answer.content == body
    assert {name: answer.headers[name] for name in limits} == limits
    assert answer.headers["x-athena-model"] == "anthropic/claude-haiku-4-5"
    assert answer.headers["x-athena-route"] == "asked"
    assert answer.headers["x-athena-request-id"]


@pytest.mark.parametrize(("path", "raw"), [(MESSAGES, ODD_CLAUDE), (CHAT, ODD_GPT)])
async def test_a_stream_comes_back_byte_for_byte(guest: Guest, path: str, raw: bytes) -> None:
    """Compared with what the same provider says to a client that asks it directly."""
    fake = guest.world.anthropic if path == MESSAGES else guest.world.openai
    asked = b'{"stream": true,' if path == MESSAGES else b'{"stream": true, "stream_options":{"include_usage":true},'
    raw = raw.replace(b'"stream":false ,', b"").replace(b"{", asked, 1)
    fake.new_id = lambda prefix: f"{prefix}same"  # type: ignore[method-assign]
    fake.clock = lambda: 1_800_000_000.0
    try:
        fake.script(Text("Forty-two métres."), Tool("calc", {"n": 1}), times=2)
        answer, seen = await sent(guest, path, raw)
        again = {"authorization": f"Bearer {seen.key}", "x-api-key": seen.key}
        plain = {"content-type": "application/json", "anthropic-version": "2023-06-01"}
        url = fake.url + seen.path
        direct = await guest.asks.http.post(url, content=raw, headers={**plain, **again})
    finally:
        del fake.new_id
    assert seen.raw == raw
    assert answer.status_code == 200, answer.text
    assert answer.content == direct.content


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
async def test_usage_that_nobody_asked_for_stays_here(guest: Guest, end: bytes) -> None:
    """Athena asks for it; the client gets all else, whatever line ends the provider has."""
    head = b'data: {"id":"c","object":"chat.completion.chunk",'
    piece = head + b'"choices":[{"index":0,"delta":{"content":" two"}}],"usage":null}'
    bill = head + b'"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}'
    guest.world.openai.script(Text("one", pieces=1), Raw(piece + end + bill + end + piece + end))
    raw = ODD_GPT.replace(b"{", b'{"stream":true,', 1)
    answer, seen = await sent(guest, CHAT, raw)
    assert json.loads(seen.raw)["stream_options"] == {"include_usage": True}
    assert answer.content.count(piece) == 2
    assert bill not in answer.content
    said = [event for event in events(answer) if event != "[DONE]"]
    assert all(event["choices"] and not event.get("usage") for event in said)
    assert events(answer)[-1] == "[DONE]"
    (row,) = await guest.house.used(guest.name, 1)
    assert row["tokens_output"] > 0


async def test_a_providers_error_is_verbatim(guest: Guest) -> None:
    body = b'{"type":"error" , "error":{"type":"invalid_request_error","message":"no \\u00e9"},"request_id":"req_9"}'
    guest.world.anthropic.script(Refuse(400, body=body))
    answer, _ = await sent(guest, MESSAGES, ODD_CLAUDE)
    assert (answer.status_code, answer.content) == (400, body)
    guest.world.anthropic.script(HTML_500, times=3)
    answer, _ = await sent(guest, MESSAGES, ODD_CLAUDE)
    assert (answer.status_code, answer.content) == (500, HTML_500.body)
    assert answer.headers["content-type"] == "text/html"


@pytest.mark.parametrize(
    ("path", "raw", "tier"), [(MESSAGES, ODD_CLAUDE, "haiku"), (CHAT, ODD_GPT, "openai/gpt-4o-mini")]
)
async def test_another_name_changes_the_name_alone(guest: Guest, path: str, raw: bytes, tier: str) -> None:
    """Every value is the client's own bytes, in the client's order; only the space between them may go."""
    named = raw.replace(b"claude-haiku-4-5", b"haiku").replace(b'"gpt-4o-mini"', b'"openai/gpt-4o-mini"')
    named = named.replace(b'"temperature" : 1.0, "top_k": 5,', b"")
    _, seen = await sent(guest, path, named)
    exact = "claude-haiku-5-5" if tier == "haiku" else "gpt-4o-mini"
    before, after = json.loads(named), json.loads(seen.raw)
    assert after == {**before, "model": exact}
    assert list(after) == list(before)
    # The value, with whatever space is in it.
    for field in ("messages", "tools", "logit_bias", "metadata", "seed", "user"):
        if field in before:
            value = _value(named, field)
            assert value in seen.raw, field


async def test_what_a_changed_body_leaves_alone(guest: Guest) -> None:
    """A long result is shortened; thinking, the tool's input and all else around it keep their bytes."""
    world = guest.world
    arguments = '{"path": "a.txt", "n": 1.0, "big": 12345678901234567890, "e": 1e5, "s": "caf\\u00e9"}'
    world.anthropic.script(Think("Look first."), Text("I look."), Tool("run", arguments=arguments))
    tools = b'[ {"name":"run","input_schema":{"type":"object","properties":{"n":{"type":"number","minimum":1.0}}}} ]'
    said = b'{"role" : "user", "content":"Why does it fail \\u003f"}'
    head = b'{"model":"claude-opus-5-5", "max_tokens":4096, "thinking" : {"type":"adaptive"},"tools":' + tools
    raw = head + b',"messages":[ ' + said + b" ]}"
    first, seen = await sent(guest, MESSAGES, raw)
    assert seen.raw == raw
    # The answer's blocks go back as they came, as a client would that keeps bytes; but for the tool's input.
    content = first.json()["content"]
    thought, text, call = (json.dumps(block, separators=(" ,", ": ")).encode() for block in content)
    call = b'{"type":"tool_use", "id":"%b","name" :"run","input": %b}' % (content[2]["id"].encode(), arguments.encode())
    answered = b'{"content": [%b, %b , %b],"role":"assistant"}' % (thought, text, call)
    result = json.dumps(log_of(400)).encode()
    told = b'{"role":"user","content":[{"type":"tool_result","tool_use_id":"%b","content":%b}]}'
    told %= (content[2]["id"].encode(), result)
    raw = head + b',"messages":[ ' + said + b"," + answered + b", " + told + b" ]}"
    answer, seen = await sent(guest, MESSAGES, raw)
    assert answer.status_code == 200, answer.text
    assert "compressed" in answer.headers["x-athena-route"]
    assert len(seen.raw) < len(raw)
    for piece in (tools, said, answered, b'{"type":"adaptive"}'):
        assert piece in seen.raw
    assert result not in seen.raw


async def test_a_body_that_comes_compressed_or_in_pieces(guest: Guest) -> None:
    async def pieces() -> Any:
        for at in range(0, len(ODD_CLAUDE), 50):
            yield ODD_CLAUDE[at : at + 50]

    headers = {"content-type": "application/json", "anthropic-version": "2023-06-01"}
    answer = await guest.asks.http.post(MESSAGES, content=pieces(), headers=headers)
    assert answer.status_code == 200, answer.text
    assert guest.world.anthropic.calls[-1].raw == ODD_CLAUDE
    packed = {**headers, "content-encoding": "gzip"}
    answer = await guest.asks.http.post(MESSAGES, content=gzip.compress(ODD_CLAUDE), headers=packed)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def _value(raw: bytes, field: str) -> bytes:
    """The bytes of a top-level field's value."""
    text = raw.decode()
    start = text.index(f'"{field}"') + len(field) + 2
    start = text.index(":", start) + 1
    start += len(text[start:]) - len(text[start:].lstrip())
    _, end = json.JSONDecoder().raw_decode(text, start)
    return text[start:end].encode()
