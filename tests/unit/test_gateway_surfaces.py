"""Paths, requests and errors as clients know them."""

from __future__ import annotations

import json

import pytest

from athena.errors import InvalidInput, Unavailable
from athena.gateway.surfaces import errors, headers
from athena.gateway.surfaces.parse import own_key, own_provider, parsed
from athena.gateway.surfaces.paths import find, is_surface


@pytest.mark.parametrize(
    ("method", "path", "operation", "wire", "project"),
    [
        ("POST", "/v1/messages", "generate", "anthropic", None),
        ("POST", "/p/blog/v1/messages", "generate", "anthropic", "blog"),
        ("POST", "/p/a b/v1/chat/completions", "generate", "openai", "a b"),
        ("POST", "/v1/messages/count_tokens", "count_tokens", "anthropic", None),
        ("POST", "/v1/embeddings", "embeddings", "openai", None),
        ("GET", "/v1/models", "models", "openai", None),
        ("GET", "/v1/responses", "unknown", "openai", None),
        ("POST", "/v1/messages/batches", "unknown", "anthropic", None),
        ("HEAD", "/", "probe", "anthropic", None),
        ("HEAD", "/p/blog", "probe", "anthropic", "blog"),
    ],
)
def test_paths(method: str, path: str, operation: str, wire: str, project: str | None) -> None:
    found = find(method, path, {})
    assert found is not None
    assert (found.operation, found.wire, found.project) == (operation, wire, project)


@pytest.mark.parametrize("path", ["/", "/health", "/tools/list", "/api/v1/memories", "/v11/x", "/p/", "/p/x/api/v1/y"])
def test_the_rest_is_not_the_gateways(path: str) -> None:
    assert find("GET", path, {}) is None
    assert not is_surface(path)


def test_models_are_listed_in_the_callers_format() -> None:
    found = find("GET", "/v1/models/claude-opus-5-5", {"anthropic-version": "2023-06-01"})
    assert found is not None
    assert (found.wire, found.argument) == ("anthropic", "claude-opus-5-5")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "not JSON"),
        (b"[]", "must be a JSON object"),
        (b"{}", "model"),
        (b'{"model":"m"}', "messages"),
        (b'{"model":"m","messages":[]}', "messages"),
        (b'{"model":"m","messages":["x"]}', "messages.0"),
        (b'{"model":"m","messages":[{"role":"user"},{"content":"x"}]}', "messages.1"),
        (b'{"model":"m","messages":[{"role":"user"}],"stream":"yes"}', "stream"),
        (b"\xff", "UTF-8"),
        (b'{"a":' + b"[" * 100_000, "nested too deep"),
    ],
)
def test_what_cannot_be_read_is_said(raw: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        parsed(raw)


def test_errors_in_both_formats() -> None:
    error = Unavailable("the local model is busy", hint="athena status", source="reasoning", retry_after=3)
    anthropic = json.loads(errors.encoded(error, "anthropic", "r1"))
    assert anthropic["type"] == "error"
    assert anthropic["request_id"] == "r1"
    assert anthropic["error"]["type"] == "overloaded_error"
    assert anthropic["error"]["message"] == "the local model is busy (athena status)"
    assert anthropic["error"]["source"] == "reasoning"
    openai = json.loads(errors.encoded(error, "openai", "r1"))
    assert openai["error"]["type"] == "server_error"
    assert openai["error"]["code"] == "unavailable"
    assert ("retry-after", "3") in errors.headers(error)


def test_keys_and_whose_they_are() -> None:
    assert own_key({"authorization": "Bearer ath_abc"}) is None
    assert own_key({"x-api-key": "ath_abc", "authorization": "Bearer sk-ant-oat01-x"}) == "sk-ant-oat01-x"
    assert own_key({"authorization": "Basic eA=="}) is None
    assert own_provider("sk-ant-api03-x", "openai") == "anthropic"
    assert own_provider("AIzaSy", "openai") == "google"
    assert own_provider("anything", "openai") == "openai"
    assert own_provider("anything", "anthropic") == "anthropic"
    assert own_provider(None, "anthropic") is None


def test_headers_on_their_way() -> None:
    sent = headers.lowered(
        [
            (b"Anthropic-Beta".lower(), b"a"),
            (b"anthropic-beta", b"b"),
            (b"x-api-key", b"secret"),
            (b"authorization", b"Bearer secret"),
            (b"cookie", b"secret"),
            (b"x-athena-project", b"blog"),
            (b"x-new-thing", b"1"),
            (b"host", b"localhost"),
        ]
    )
    assert headers.upward(sent, own=True) == [("anthropic-beta", "a, b"), ("x-new-thing", "1")]
    assert headers.upward(sent, own=False) == [("anthropic-beta", "a, b")]
    back = headers.downward({"request-id": "r", "set-cookie": "x", "anthropic-ratelimit-tokens-limit": "5"})
    assert back == [("request-id", "r"), ("anthropic-ratelimit-tokens-limit", "5")]
