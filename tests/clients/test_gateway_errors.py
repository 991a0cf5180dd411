"""Athena's own errors in each surface's words, and what else of a surface is there: listings, probes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.clients.asking import text_of
from tests.clients.house import Guest
from tests.clients.world import CLAUDE, GPT
from tests.fakes.provider.fake import Rejected, Seen
from tests.fakes.provider.http import Reply

pytest_plugins = ("tests.clients.house_fixtures",)

MESSAGES, CHAT = "/v1/messages", "/v1/chat/completions"
VERSION = {"anthropic-version": "2023-06-01"}
paths = pytest.mark.parametrize("path", [MESSAGES, CHAT])


def error_of(answer: Any, status: int, path: str) -> dict[str, Any]:
    """The error, in the format of `path`'s surface."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-athena-request-id"]
    body = answer.json()
    if path.startswith(MESSAGES):
        assert set(body) == {"type", "error", "request_id"}
        assert body["type"] == "error"
        assert body["request_id"] == answer.headers["x-athena-request-id"]
    else:
        assert set(body) == {"error"}
        assert body["error"]["param"] is None
    error: dict[str, Any] = body["error"]
    assert error["message"]
    assert error["code"]
    assert error["source"] in ("client", "gateway", "api", "athena")
    return error


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", [f"{MESSAGES}/batches", "/v1/responses", "/v1/files", "/v1", "/p/mill/v1/responses"])
async def test_a_path_that_isnt_served(guest: Guest, path: str, method: str) -> None:
    """In the format of the surface it looks like, with a list of what is."""
    error = error_of(await guest.asks.http.request(method, path), 404, path)
    for served in ("POST /v1/messages", "POST /v1/chat/completions", "GET /v1/models", "POST /v1/embeddings"):
        assert served in error["message"]
    anthropic = await guest.asks.http.request(method, path, headers=VERSION)
    assert error_of(anthropic, 404, MESSAGES)["type"] == "not_found_error"


@pytest.mark.parametrize(("path", "allowed"), [(MESSAGES, "POST"), (CHAT, "POST"), ("/v1/models", "GET")])
async def test_a_method_that_isnt_possible(guest: Guest, path: str, allowed: str) -> None:
    answer = await guest.asks.http.request("DELETE", path)
    error = error_of(answer, 405, path)
    assert allowed in error["message"]
    assert allowed in answer.headers["allow"]


@paths
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large(guest: Guest, path: str, chunked: bool) -> None:
    async def pieces() -> Any:
        for _ in range(40):
            yield b"x" * 1024

    async with guest.house.replica(ATHENA_MAX_BODY_BYTES="4096") as url:
        asks = guest.asking(url, authorization=f"Bearer {guest.key}")
        error = error_of(await asks.http.post(path, content=pieces() if chunked else b"x" * 40_000), 413, path)
        assert "4096 bytes" in error["message"]
        if path == MESSAGES:
            assert error["type"] == "request_too_large"
        await asks.close()


@paths
@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "UTF-8"),
        (b'"text"', "JSON object"),
        (b"[" * 100_000, "nested"),
        (b"{}", "model"),
        (b'{"model": 3, "messages": []}', "model"),
        (b'{"model": "auto"}', "messages"),
        (b'{"model": "auto", "messages": []}', "messages"),
        (b'{"model": "auto", "messages": ["x"]}', "messages.0"),
        (b'{"model": "auto", "stream": "yes", "messages": [{"role": "user", "content": "x"}]}', "stream"),
    ],
)
async def test_a_body_that_is_none(guest: Guest, path: str, raw: bytes, word: str) -> None:
    answer = await guest.asks.http.post(path, content=raw, headers={"content-type": "application/json"})
    error = error_of(answer, 400, path)
    assert error["type"] == "invalid_request_error"
    assert word in error["message"]


@paths
@pytest.mark.parametrize("depth", [700, 900])
async def test_a_body_that_is_nested_too_deep_for_the_rewriting(guest: Guest, path: str, depth: int) -> None:
    """It can be read, but not walked through."""
    deep = '{"a":' * depth + "1" + "}" * depth
    raw = f'{{"model": "auto", "messages": [{{"role": "user", "content": [{deep}]}}]}}'
    error = error_of(await guest.asks.http.post(path, content=raw), 400, path)
    assert "nested too deep" in error["message"]


async def refused(seen: Seen, reply: Reply) -> None:
    """What these providers do with what they can't read: the fakes can't either."""
    raise Rejected(400, "invalid_request_error", "Invalid request.")


@paths
@pytest.mark.parametrize("model", [CLAUDE, "gpt-4o-mini", "local"])
@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": True},
        {"role": "user", "content": [{"type": {}}]},
        {"role": "user", "content": [{"type": "text", "text": None}, 3]},
        {"role": "assistant", "tool_calls": True},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": {}, "content": [[]]}]},
        {"role": "\ud83d", "content": "x"},
    ],
)
async def test_messages_that_are_none(guest: Guest, path: str, model: str, message: dict[str, Any]) -> None:
    """Ours or the provider's word, but the client's fault; and nobody else is asked the same again."""
    fakes = guest.world.fakes
    for fake in fakes:
        fake.route = refused  # type: ignore[method-assign]
    body = {"model": model, "max_tokens": 20, "messages": [message, {"role": "user", "content": "x"}]}
    try:
        answer = await guest.asks.http.post(path, content=json.dumps(body).encode(), headers=VERSION)
    finally:
        for fake in fakes:
            del fake.route
    # Of a local server's own words there is no saying.
    assert answer.status_code == 400 or model == "local", answer.text
    assert "went wrong inside" not in answer.text
    assert sum(len(fake.calls) for fake in fakes) <= 1


@paths
async def test_half_of_a_surrogate_pair_goes_through(guest: Guest, path: str) -> None:
    """Cut text has them, and providers know what to do with it."""
    raw = b'{"model": "%s", "max_tokens": 50, "messages": [{"role": "user", "content": "cut \\ud83d"}]}'
    raw %= CLAUDE.encode() if path == MESSAGES else b"gpt-4o-mini"
    answer = await guest.asks.http.post(path, content=raw, headers=VERSION)
    fake = guest.world.anthropic if path == MESSAGES else guest.world.openai
    assert fake.calls[-1].raw == raw
    assert answer.status_code == fake.calls[-1].status


@pytest.mark.parametrize(("name", "near"), [("sonett", "sonnet"), ("local-fastt", "local-fast"), ("haik", "haiku")])
async def test_a_model_that_isnt_known(guest: Guest, name: str, near: str) -> None:
    for path, ask in ((MESSAGES, guest.asks.messages), (CHAT, guest.asks.chat)):
        error = error_of(await ask("Hello", model=name), 400, path)
        assert error["code"] == "unknown_model"
        assert name in error["message"]
        assert near in error["message"]


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ({"x-athena-session": "has space"}, "x-athena-session"),
        ({"x-athena-compress": "maybe"}, "x-athena-compress"),
        ({"x-athena-task": "gardening"}, "x-athena-task"),
        ({"x-athena-agent": "../etc"}, "x-athena-agent"),
        ({"x-athena-project": ""}, "x-athena-project"),
        ({"x-athena-model": "no-such"}, "x-athena-model"),
    ],
)
async def test_a_header_of_ours_that_is_wrong(guest: Guest, headers: dict[str, str], word: str) -> None:
    for path, ask in ((MESSAGES, guest.asks.messages), (CHAT, guest.asks.chat)):
        assert word in error_of(await ask("Hello", headers), 400, path)["message"]


@paths
@pytest.mark.parametrize(
    "name", ["claude-" + "x" * 100_000, "claude-x\r\nset-cookie: a=b", "claude-\ud83d", "gpt-\x00"]
)
async def test_a_name_that_no_model_can_have(guest: Guest, path: str, name: str) -> None:
    """It would end up in a header."""
    body = {"model": name, "max_tokens": 20, "messages": [{"role": "user", "content": "x"}]}
    answer = await guest.asks.http.post(path, content=json.dumps(body).encode(), headers=VERSION)
    assert error_of(answer, 400, path)["code"] == "unknown_model"
    assert "set-cookie" not in answer.headers
    assert len(answer.content) < 1000


async def test_what_cannot_be_carried_is_said(guest: Guest) -> None:
    """Rather than left out: a document for a provider that reads none."""
    source = {"type": "url", "url": "https://example.org/kiln.pdf"}
    talk = [{"role": "user", "content": [{"type": "document", "source": source}, {"type": "text", "text": "Read it"}]}]
    own = {"x-api-key": "sk-proj-own"}
    error = error_of(await guest.stranger.messages(talk, own, model=GPT), 400, MESSAGES)
    assert error["code"] == "cannot_carry"
    assert "document" in error["message"]
    error = error_of(await guest.asks.chat("Hello", model=CLAUDE, n=2), 400, CHAT)
    assert error["code"] == "cannot_carry"
    assert not guest.world.openai.calls
    assert not guest.world.anthropic.calls


async def test_what_is_only_a_hint_is_left_out_aloud(guest: Guest) -> None:
    answer = await guest.asks.messages("Hello", model=GPT, top_k=5, metadata={"user_id": "u"})
    assert text_of(answer)
    assert "top_k" not in guest.world.openai.calls[-1].body


async def test_probes(guest: Guest) -> None:
    """Claude Code asks whether anything is there; so do people, with a browser."""
    for path in ("/", "/p/mill", "/p/mill/"):
        answer = await guest.stranger.http.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
    assert (await guest.stranger.http.head("/v1/models")).status_code == 200
    assert (await guest.stranger.get("/")).status_code in (200, 404)


async def test_models_in_openais_form(guest: Guest) -> None:
    body = (await guest.asks.get("/v1/models")).json()
    assert body["object"] == "list"
    names = [each["id"] for each in body["data"]]
    assert len(names) == len(set(names))
    assert {"auto", "local", "haiku", "sonnet", "local-fast", "ollama/llama3.1:8b", "google/gemini-3.8-flash"} <= set(
        names
    )
    assert has_claude(names)
    assert all(set(each) >= {"id", "object", "created", "owned_by"} for each in body["data"])
    # Without a key: what can be had without one.
    open_to_all = [each["id"] for each in (await guest.stranger.get("/v1/models")).json()["data"]]
    assert not has_claude(open_to_all)
    assert "ollama/llama3.1:8b" in open_to_all
    # With the client's own: what that one can be spent on.
    own = await guest.stranger.get("/v1/models?limit=1000", {**VERSION, "x-api-key": "sk-ant-api03-own"})
    names = [each["id"] for each in own.json()["data"]]
    assert has_claude(names)
    assert "google/gemini-3.8-flash" not in names


def has_claude(names: list[str]) -> bool:
    return any(name.removeprefix("anthropic/") == CLAUDE for name in names)


async def test_models_in_anthropics_form(guest: Guest) -> None:
    whole = (await guest.asks.get("/v1/models?limit=1000", VERSION)).json()
    assert not whole["has_more"]
    assert all(each["type"] == "model" and each["display_name"] and each["created_at"] for each in whole["data"])
    names, after = [], ""
    while True:
        page = (await guest.asks.get(f"/v1/models?limit=3{after}", VERSION)).json()
        assert len(page["data"]) <= 3
        names += [each["id"] for each in page["data"]]
        if not page["has_more"]:
            break
        after = f"&after_id={page['last_id']}"
    assert names == [each["id"] for each in whole["data"]]
    error_of(await guest.asks.get("/v1/models?limit=0", VERSION), 400, MESSAGES)


async def test_one_model(guest: Guest) -> None:
    for name in (f"anthropic/{CLAUDE}", CLAUDE, "sonnet", "auto", "local-fast"):
        openai = (await guest.asks.get(f"/v1/models/{name}")).json()
        assert (openai["id"], openai["object"]) == (name, "model")
        anthropic = (await guest.asks.get(f"/v1/models/{name}", VERSION)).json()
        assert (anthropic["id"], anthropic["type"]) == (name, "model")
    error = error_of(await guest.asks.get("/v1/models/sonett"), 404, CHAT)
    assert "sonnet" in error["message"]
    assert error_of(await guest.asks.get("/v1/models/sonett", VERSION), 404, MESSAGES)["type"] == "not_found_error"


async def test_headers_of_every_answer(guest: Guest) -> None:
    """Model, reasons, request id; and the id that a caller gives is taken over."""
    for ask in (guest.asks.messages, guest.asks.chat):
        for stream in (False, True):
            answer = await ask("Hello", {"x-request-id": "mine-1"}, model="sonnet", stream=stream)
            assert answer.headers["x-athena-model"] == "anthropic/claude-sonnet-5-5"
            assert "tier=sonnet" in answer.headers["x-athena-route"]
            assert answer.headers["x-athena-request-id"] == answer.headers["x-request-id"] == "mine-1"
    answer = await guest.asks.messages("Hello", model="sonnet")
    assert json.loads(answer.content)["model"] == "claude-sonnet-5-5"
