"""What providers' errors mean, in their documented shapes."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.gateway import wires
from athena.gateway.types import Tokens, Wire
from athena.gateway.wires import anthropic, faults, openai
from tests.fakes.wire_samples import ANSWER, OVERLOADED, USAGE


def claude(type_: str, message: str = "words", **details: Any) -> bytes:
    error: dict[str, Any] = {"type": type_, "message": message}
    if details:
        error["details"] = details
    return json.dumps({"type": "error", "error": error, "request_id": "req_1"}).encode()


def gpt(code: str | None, message: str = "words", type_: str = "invalid_request_error") -> bytes:
    return json.dumps({"error": {"message": message, "type": type_, "param": None, "code": code}}).encode()


def gemini(code: int, status: str, message: str = "words", *, more: dict[str, Any] | None = None) -> bytes:
    return json.dumps([{"error": {"code": code, "message": message, "status": status, **(more or {})}}]).encode()


RETRY_INFO: dict[str, Any] = {"details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "46.5s"}]}

CASES: list[tuple[Wire, int, dict[str, str], bytes, str]] = [
    ("anthropic", 429, {"retry-after": "30"}, claude("rate_limit_error"), "rate"),
    ("anthropic", 429, {}, claude("rate_limit_error"), "spend"),
    ("anthropic", 429, {}, claude("rate_limit_error", error_code="enforced_spend_limit_reached"), "spend"),
    ("anthropic", 402, {}, claude("billing_error"), "spend"),
    ("anthropic", 400, {}, claude("invalid_request_error", "Your credit balance is too low to access"), "spend"),
    ("anthropic", 400, {}, claude("x", "You have reached your specified workspace API usage limits."), "spend"),
    ("anthropic", 529, {}, OVERLOADED, "overloaded"),
    ("anthropic", 500, {}, claude("api_error"), "server"),
    ("anthropic", 504, {}, claude("timeout_error"), "timeout"),
    ("anthropic", 401, {}, claude("authentication_error", "invalid x-api-key"), "auth"),
    ("anthropic", 403, {}, claude("permission_error"), "auth"),
    ("anthropic", 404, {}, claude("not_found_error", "model: claude-nine"), "missing"),
    ("anthropic", 409, {}, claude("conflict_error"), "overloaded"),
    ("anthropic", 413, {}, claude("request_too_large"), "request"),
    ("anthropic", 400, {}, claude("invalid_request_error", "prompt is too long: 208310 tokens > 200000"), "context"),
    ("anthropic", 400, {}, claude("x", "input length and `max_tokens` exceed context limit: 1 + 2 > 3"), "context"),
    ("anthropic", 400, {}, claude("invalid_request_error", "messages.3: thinking blocks"), "request"),
    ("anthropic", 502, {}, b"<html>bad gateway</html>", "server"),
    ("anthropic", 302, {}, b"", "server"),
    ("openai", 429, {"retry-after": "2"}, gpt("rate_limit_exceeded", type_="requests"), "rate"),
    ("openai", 429, {}, gpt("rate_limit_exceeded", type_="tokens"), "rate"),
    ("openai", 429, {}, gpt("credit_balance_exhausted", type_="insufficient_quota"), "spend"),
    ("openai", 429, {"retry-after": "5"}, gpt("project_spend_limit_exceeded"), "spend"),
    ("openai", 429, {"x-should-retry": "false"}, gpt(None), "spend"),
    ("openai", 400, {}, gpt("context_length_exceeded"), "context"),
    ("openai", 400, {}, gpt(None, "This model's maximum context length is 8192 tokens."), "context"),
    ("openai", 404, {}, gpt("model_not_found"), "missing"),
    ("openai", 403, {}, gpt("model_not_found"), "missing"),
    ("openai", 401, {}, gpt("invalid_api_key"), "auth"),
    ("openai", 422, {}, b'{"detail":"nope"}', "request"),
    ("openai", 503, {}, gpt(None, "overloaded", "server_error"), "overloaded"),
    ("openai", 429, {}, gemini(429, "RESOURCE_EXHAUSTED", more=RETRY_INFO), "rate"),
    ("openai", 402, {}, gemini(402, "FAILED_PRECONDITION"), "spend"),
    ("openai", 400, {}, gemini(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), "auth"),
    ("openai", 400, {}, gemini(400, "X", "input token count (9) exceeds the maximum number of tokens"), "context"),
    ("openai", 503, {}, gemini(503, "UNAVAILABLE"), "overloaded"),
    (
        "openai",
        503,
        {},
        b'{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}',
        "overloaded",
    ),
    (
        "openai",
        400,
        {},
        b'{"error":{"code":400,"message":"request (9 tokens) exceeds the available context size (8 tokens)",'
        b'"type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":8}}',
        "context",
    ),
    ("openai", 404, {}, b'{"error":"model \'qwen\' not found, try pulling it first"}', "missing"),
]


@pytest.mark.parametrize(("wire", "status", "headers", "body", "kind"), CASES)
def test_kinds(wire: Wire, status: int, headers: dict[str, str], body: bytes, kind: str) -> None:
    failure = wires.of(wire).failure(status, headers, body)
    assert failure.kind == kind
    assert (failure.status, failure.body) == (status, body), "the provider's own words, verbatim"
    assert "\n" not in failure.message
    assert failure.message


def test_messages_are_the_providers_words() -> None:
    assert anthropic.failure(401, {}, claude("authentication_error", "invalid\n x-api-key")).message == (
        "invalid x-api-key"
    )
    assert openai.failure(404, {}, b'{"error":"model not found"}').message == "model not found"
    assert openai.failure(502, {}, b"<html>").message == "answered with status 502"


def test_when_to_come_back() -> None:
    assert faults.retry_after_s({"retry-after": "7"}) == 7
    assert faults.retry_after_s({"retry-after": "1", "retry-after-ms": "250"}) == 0.25
    assert faults.retry_after_s({}, gemini(429, "X", more=RETRY_INFO)) == 46.5
    assert faults.retry_after_s({}) is None
    in_a_minute = faults.retry_after_s({"retry-after": formatdate(time.time() + 60, usegmt=True)})
    assert in_a_minute is not None
    assert 55 < in_a_minute <= 61


@given(value=st.text(max_size=30))
def test_no_header_value_is_too_odd(value: str) -> None:
    seconds = faults.retry_after_s({"retry-after": value})
    assert seconds is None or seconds >= 0


@given(body=st.binary(max_size=200), status=st.integers(300, 599))
def test_no_body_is_too_odd(body: bytes, status: int) -> None:
    for wire in (anthropic, openai):
        assert wire.failure(status, {}, body).status == status
        wire.heard(body)


@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error", "type", "code", "message", "details", "usage", "choices", "delta"]), inner
            )
        ),
    )
)
def test_no_json_is_too_odd(body: Any) -> None:
    data = json.dumps(body).encode()
    for wire in (anthropic, openai):
        wire.failure(400, {}, data)
        assert (wire.heard(data) is None) == (not isinstance(body, dict))
        tap = wire.listen()
        tap.feed(b"data: " + data + b"\n\n")


def test_whole_answers() -> None:
    found = anthropic.heard(ANSWER)
    assert found is not None
    assert (found.tokens, found.stop) == (Tokens(input=7, cached=5, written=3, output=2), "end_turn")
    counted = anthropic.heard(b'{"input_tokens":4}')
    assert counted is not None
    assert counted.tokens is None
    body = json.dumps({"choices": [{"message": {"content": "x"}, "finish_reason": "length"}], "usage": USAGE}).encode()
    heard = openai.heard(body)
    assert heard is not None
    assert (heard.tokens, heard.stop) == (Tokens(input=4, cached=16, output=4), "length")
    embedded = openai.heard(b'{"data":[{"embedding":[1]}],"usage":{"prompt_tokens":3,"total_tokens":3}}')
    assert embedded is not None
    assert embedded.tokens == Tokens(3)
    assert openai.heard(b"<html>") is None
    assert anthropic.heard(ANSWER[:-1]) is None


def test_an_error_with_status_200_is_an_error() -> None:
    for wire, body in ((anthropic, OVERLOADED), (openai, gpt(None, type_="server_error"))):
        found = wire.heard(body)
        assert found is not None
        assert found.failure is not None


def test_credentials() -> None:
    assert anthropic.auth("sk-ant-api03-x") == (("x-api-key", "sk-ant-api03-x"),)
    assert anthropic.auth("sk-ant-oat01-x") == (("authorization", "Bearer sk-ant-oat01-x"),)
    assert openai.auth("sk-x") == (("authorization", "Bearer sk-x"),)
    assert openai.auth("") == ()
