"""Whose key is spent where: the client's own at its own provider alone, the operator's for Athena keys alone."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.clients.asking import text_of
from tests.clients.house import OPERATORS, Guest, eventually
from tests.clients.world import CLAUDE, GPT
from tests.fakes.provider.script import Fail, Refuse, Text

pytest_plugins = ("tests.clients.house_fixtures",)

CLOUD = (CLAUDE, GPT, "google/gemini-3.8-flash", "sonnet")


def assert_unauthorized(wire: str, answer: Any) -> None:
    assert answer.status_code == 401, answer.text
    body = answer.json()
    assert body["error"]["type"] == "authentication_error"
    assert body["error"]["source"] == "client"
    if wire == "anthropic":
        assert body["type"] == "error"
        assert body["request_id"] == answer.headers["x-athena-request-id"]
    else:
        assert set(body) == {"error"}
        assert body["error"]["param"] is None


def nobody_was_asked(guest: Guest) -> bool:
    return not any(fake.calls for fake in guest.world.fakes)


@pytest.mark.parametrize("model", CLOUD)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_cloud_model_without_any_key(guest: Guest, model: str, stream: bool) -> None:
    """The operator's key isn't spent for whoever happens to reach the port."""
    assert_unauthorized("anthropic", await guest.stranger.messages("Hello", model=model, stream=stream))
    assert_unauthorized("openai", await guest.stranger.chat("Hello", model=model, stream=stream))
    assert nobody_was_asked(guest)


async def test_a_local_model_is_open_on_loopback(guest: Guest) -> None:
    for model in ("local", "auto"):
        for ask in (guest.stranger.messages, guest.stranger.chat):
            answer = await ask("Hello", model=model, max_tokens=4)
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-athena-model"].startswith("local/")
    assert nobody_was_asked(guest)


async def test_a_page_of_another_site_needs_a_key(guest: Guest) -> None:
    headers = {"origin": "https://evil.example"}
    anthropic = await guest.stranger.messages("Hello", headers, model="local")
    assert (anthropic.status_code, anthropic.json()["error"]["type"]) == (403, "permission_error")
    openai = await guest.stranger.chat("Hello", headers, model="local")
    assert (openai.status_code, openai.json()["error"]["type"]) == (403, "permission_error")


async def test_an_athena_key_that_nobody_made(guest: Guest) -> None:
    for headers in (
        {"x-api-key": "ath_nobody"},
        {"authorization": "Bearer ath_nobody"},
        {"x-athena-key": "ath_nobody"},
    ):
        assert_unauthorized("anthropic", await guest.stranger.messages("Hello", headers))
        assert_unauthorized("openai", await guest.stranger.chat("Hello", headers))
    assert nobody_was_asked(guest)


async def test_the_clients_own_key_passes_as_it_was_sent(guest: Guest) -> None:
    key, token = f"sk-ant-api03-{secrets.token_hex(8)}", f"sk-ant-oat01-{secrets.token_hex(8)}"
    await guest.stranger.messages("Hello", {"x-api-key": key})
    await guest.stranger.messages("Hello", {"authorization": f"Bearer {token}"})
    by_key, by_token = (seen.headers for seen in guest.world.anthropic.calls)
    assert by_key["x-api-key"] == key
    assert "authorization" not in by_key
    assert by_token["authorization"] == f"Bearer {token}"
    assert "x-api-key" not in by_token
    await guest.stranger.chat("Hello", {"authorization": "Bearer sk-proj-own"})
    assert guest.world.openai.calls[-1].headers["authorization"] == "Bearer sk-proj-own"


async def test_the_key_of_another_surface_goes_to_its_own_provider(guest: Guest) -> None:
    """Claude for an OpenAI client that has only Anthropic's key, and Gemini with Google's."""
    assert text_of(await guest.stranger.chat("Hello", {"authorization": "Bearer sk-ant-api03-own"}, model=CLAUDE))
    assert guest.world.anthropic.calls[-1].headers["x-api-key"] == "sk-ant-api03-own"
    flash = "google/gemini-3.8-flash"
    assert text_of(await guest.stranger.chat("Hello", {"authorization": "Bearer AIza-own"}, model=flash))
    assert guest.world.google.calls[-1].key == "AIza-own"


@pytest.mark.parametrize("model", [GPT, "google/gemini-3.8-flash"])
async def test_the_clients_own_key_goes_nowhere_else(guest: Guest, model: str) -> None:
    headers = {"x-api-key": "sk-ant-api03-own"}
    assert_unauthorized("anthropic", await guest.stranger.messages("Hello", headers, model=model))
    assert_unauthorized("openai", await guest.stranger.chat("Hello", headers, model=model))
    assert nobody_was_asked(guest)


async def test_a_tier_means_its_own_providers_part_of_it(guest: Guest) -> None:
    answer = await guest.stranger.messages("Hello", {"x-api-key": "sk-ant-api03-own"}, model="pro")
    assert answer.headers["x-athena-model"] == f"anthropic/{CLAUDE}"
    assert "passed google/gemini-4-argon: no key for google" in answer.headers["x-athena-route"]
    assert not guest.world.google.calls


async def test_an_openai_key_is_none_for_claude(guest: Guest) -> None:
    assert_unauthorized("openai", await guest.stranger.chat("Hi", {"authorization": "Bearer sk-own"}, model=CLAUDE))
    assert nobody_was_asked(guest)


@pytest.mark.parametrize("stream", [False, True])
async def test_the_clients_own_key_has_no_fallback(guest: Guest, stream: bool) -> None:
    """Any string would do for a key that nobody verifies: nothing of the operator's is spent for it."""
    model = "claude-opus-4-8"
    guest.world.anthropic.script(Refuse(529), times=3)
    answer = await guest.stranger.messages("Hello", {"x-api-key": "sk-ant-api03-own"}, model=model, stream=stream)
    assert answer.status_code == 529
    assert answer.json()["error"] == {"type": "overloaded_error", "message": "Overloaded"}
    assert {seen.key for seen in guest.world.anthropic.calls} == {"sk-ant-api03-own"}
    assert not guest.world.google.calls
    assert not guest.world.openai.calls


async def test_an_athena_key_beside_the_clients_own(guest: Guest) -> None:
    """The own key is spent where it belongs; what the Athena key allows goes on with the operator's."""
    headers = {"x-athena-key": guest.key, "x-api-key": f"sk-ant-api03-{secrets.token_hex(8)}"}
    assert text_of(await guest.stranger.messages("Hello", headers, model="claude-sonnet-5-5"))
    assert guest.world.anthropic.calls[-1].key == headers["x-api-key"]
    guest.world.anthropic.script(Refuse(529), times=3)
    answer = await guest.stranger.messages("Hello again", headers, model="claude-sonnet-5-5")
    assert text_of(answer)
    assert answer.headers["x-athena-model"] == "google/gemini-4-argon"
    assert {seen.key for seen in guest.world.anthropic.calls} == {headers["x-api-key"]}
    assert {seen.key for seen in guest.world.google.calls} == {OPERATORS["GEMINI_API_KEY"]}
    for fake in guest.world.fakes:
        assert not [seen for seen in fake.calls if "x-athena-key" in seen.headers]
    rows = await guest.house.used(guest.name, 5)
    assert [row["outcome"] for row in rows] == ["ok", "error", "error", "error", "ok"]


async def test_the_operators_keys_for_an_athena_key(guest: Guest) -> None:
    for send in ({"x-api-key": guest.key}, {"authorization": f"Bearer {guest.key}"}, {"x-athena-key": guest.key}):
        assert text_of(await guest.stranger.messages("Hello", send))
        assert guest.world.anthropic.calls[-1].key == OPERATORS["ANTHROPIC_API_KEY"]
        assert text_of(await guest.stranger.chat("Hello", send))
        assert guest.world.openai.calls[-1].key == OPERATORS["OPENAI_API_KEY"]
    for fake in guest.world.fakes:
        for seen in fake.calls:
            assert guest.key not in str(seen.headers)


async def test_no_key_is_ever_written_down(guest: Guest) -> None:
    """Not in the log, not in any table, not in any file of the home; nor what was said, in the log."""
    mark, said = secrets.token_hex(12), f"a secret matter {secrets.token_hex(12)}"
    own = {"x-api-key": f"sk-ant-api03-{mark}"}
    world, ask = guest.world, guest.stranger
    world.anthropic.script(Text("It is so."))
    world.anthropic.script(Refuse(400, "The harbour is closed."))
    world.anthropic.script(Text("half"), Fail())
    for stream in (False, False, True, True):
        await ask.messages(said, own, model="claude-opus-4-8", stream=stream)
        await ask.chat(said, {"authorization": f"Bearer sk-{mark}"}, stream=stream)
        await ask.messages(said, own, model=GPT, stream=stream)
    await ask.messages(said, {**own, "x-athena-key": guest.key}, model="claude-opus-4-8")
    await ask.http.post("/v1/embeddings", json={"model": "text-embedding-3-small", "input": "x"}, headers=own)
    await guest.house.used(guest.name, 1)
    await eventually(lambda: not list((guest.house.home / "athena" / "spool").glob("*.jsonl")))
    tables = await guest.house.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert len(tables) > 10
    for table in tables:
        rows = await guest.house.rows(f'SELECT t::text AS row FROM "{table["tablename"]}" t')
        dumped = "\n".join(str(row["row"]) for row in rows)
        for form in (mark, mark.encode().hex(), guest.key):
            assert form not in dumped, table
    for path in (guest.house.home).rglob("*"):
        if path.is_file() and path.suffix != ".gguf":
            content = path.read_bytes()
            assert mark.encode() not in content, path
            assert guest.key.encode() not in content, path
    for secret in (said, *OPERATORS.values()):
        assert secret not in guest.house.log
