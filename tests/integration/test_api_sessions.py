"""Sessions and preferences over HTTP, and the tool that pins a model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from athena.bootstrap import Athena
from athena.gateway.sessions.types import Passed
from athena.gateway.types import Tokens
from tests.integration.api_server import client_of
from tests.integration.conftest import until

SESSIONS, PREFERENCES = "/api/v1/sessions", "/api/v1/preferences"
OPUS = Passed("anthropic/claude-opus-5-5", ("asked for",), Tokens(10, 500, 40, 7), "p", "ada")


@pytest.fixture
async def http(athena: Athena) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(athena) as client:
        yield client


@pytest.fixture
async def ada(athena: Athena) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever has the key named ada."""
    async with client_of(athena, authorization=f"Bearer {await athena.keys.create('ada')}") as client:
        yield client


def ok(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["error"]["message"])


async def status(http: httpx.AsyncClient, **arguments: Any) -> Any:
    return ok(await http.post("/tools/session_status/execute", json=arguments))["result"]


async def test_a_session_is_listed_shown_pinned_and_unpinned(http: httpx.AsyncClient, athena: Athena) -> None:
    assert ok(await http.get(SESSIONS)) == {"sessions": []}
    athena.sessions.note("", "c-1/with slash", OPUS)
    [listed] = ok(await http.get(SESSIONS))["sessions"]
    path = f"{SESSIONS}/c-1%2Fwith%20slash"
    refused(await http.get(path), 400)  # a space is in no id
    athena.sessions.note("", "c-1/a", OPUS)
    path = f"{SESSIONS}/c-1%2Fa"
    shown = ok(await http.get(path))
    assert {name for name in shown if shown[name] != listed[name]} == {"id", "started_at", "last_used_at"}
    assert shown["tokens"] == {"input": 10, "cached": 500, "written": 40, "output": 7}
    assert (shown["model"], shown["reasons"], shown["pinned"]) == (OPUS.model, ["asked for"], None)
    assert ok(await http.put(path, json={"model": "haiku"}))["pinned"] == "haiku"
    assert (await athena.sessions.get("", "c-1/a")).pinned == "haiku"
    assert ok(await http.put(path, json={"model": None}))["pinned"] is None
    assert ok(await http.put(f"{SESSIONS}/new", json={"model": "auto"}))["requests"] == 0
    refused(await http.get(f"{SESSIONS}/never"), 404)


@pytest.mark.parametrize(
    "body", [{}, {"model": ""}, {"model": 3}, {"model": "a\nb"}, {"model": "x" * 257}, {"modell": "x"}]
)
async def test_what_is_no_model_is_refused(http: httpx.AsyncClient, body: Any) -> None:
    refused(await http.put(f"{SESSIONS}/s", json=body), 400)


async def test_a_key_sees_its_own_sessions_and_this_machine_all(
    http: httpx.AsyncClient, ada: httpx.AsyncClient, athena: Athena
) -> None:
    for principal in ("", "ada", "bob"):
        athena.sessions.note(principal, "s", OPUS)
    athena.sessions.note("bob", "b", OPUS)
    assert {each["key"] for each in ok(await ada.get(SESSIONS))["sessions"]} == {"ada"}
    assert len(ok(await http.get(SESSIONS))["sessions"]) == 4
    assert len(ok(await http.get(SESSIONS, params={"key": "bob"}))["sessions"]) == 2
    assert ok(await ada.put(f"{SESSIONS}/s", json={"model": "haiku"}))["key"] == "ada"
    assert "several keys" in refused(await http.get(f"{SESSIONS}/s"), 409)
    assert ok(await http.get(f"{SESSIONS}/s", params={"key": "ada"}))["pinned"] == "haiku"
    assert ok(await http.put(f"{SESSIONS}/b", json={"model": "opus"}))["key"] == "bob"
    refused(await ada.get(f"{SESSIONS}/b"), 404)
    for answer in (
        await ada.get(SESSIONS, params={"key": "bob"}),
        await ada.put(f"{SESSIONS}/b", params={"key": "bob"}, json={"model": "x"}),
        await ada.post("/tools/session_status/execute", json={"key": "bob"}),
    ):
        refused(answer, 403)


async def test_the_tool_reports_and_pins(http: httpx.AsyncClient, ada: httpx.AsyncClient, athena: Athena) -> None:
    assert await status(http) == {"session": None, "changed": False}
    assert "no session yet" in refused(await http.post("/tools/session_status/execute", json={"model": "haiku"}), 404)
    athena.sessions.note("ada", "first", OPUS)
    await athena.sessions.write()
    athena.sessions.note("bob", "second", OPUS)
    report = await status(ada)
    assert (report["session"]["id"], report["session"]["model"], report["changed"]) == ("first", OPUS.model, False)
    assert (await status(http))["session"]["id"] == "second"
    pinned = await status(ada, model="google/gemini-4-argon")
    assert (pinned["session"]["pinned"], pinned["changed"]) == ("google/gemini-4-argon", True)
    assert (await athena.sessions.get("ada", "first")).pinned == "google/gemini-4-argon"
    assert (await status(ada, unpin=True))["session"]["pinned"] is None
    assert (await status(ada, session_id="not-yet", model="haiku"))["session"]["id"] == "not-yet"
    assert "not both" in refused(
        await ada.post("/tools/session_status/execute", json={"model": "haiku", "unpin": True}), 400
    )


async def test_preferences_of_projects(http: httpx.AsyncClient, ada: httpx.AsyncClient) -> None:
    nothing = {"compress": None, "memory": None, "memory_tokens": None, "capture": None}
    path = f"{PREFERENCES}/projects/my%20house%2Froof"
    assert ok(await http.get(path)) == {"project": "my house/roof"} | nothing
    changed = ok(await ada.patch(path, json={"capture": True, "memory_tokens": 300}))
    assert changed == {"project": "my house/roof"} | nothing | {"capture": True, "memory_tokens": 300}
    assert ok(await http.patch(path, json={"memory_tokens": None}))["memory_tokens"] is None
    assert ok(await http.get(PREFERENCES))["projects"] == [{"project": "my house/roof"} | nothing | {"capture": True}]
    assert ok(await http.delete(path)) == {"project": "my house/roof"} | nothing
    refused(await http.delete(path), 404)


async def test_preferences_of_keys(http: httpx.AsyncClient, ada: httpx.AsyncClient, athena: Athena) -> None:
    await athena.keys.create("bob")
    assert ok(await ada.patch(f"{PREFERENCES}/keys/ada", json={"project": "p"}))["project"] == "p"
    assert ok(await http.patch(f"{PREFERENCES}/keys/bob", json={"compress": False}))["compress"] is False
    assert {each["key"] for each in ok(await http.get(PREFERENCES))["keys"]} == {"ada", "bob"}
    assert {each["key"] for each in ok(await ada.get(PREFERENCES))["keys"]} == {"ada"}
    assert ok(await http.get(f"{PREFERENCES}/keys/ada"))["project"] == "p"
    refused(await ada.get(f"{PREFERENCES}/keys/bob"), 403)
    refused(await ada.patch(f"{PREFERENCES}/keys/bob", json={"compress": True}), 403)
    refused(await http.get(f"{PREFERENCES}/keys/eve"), 404)
    refused(await http.patch(f"{PREFERENCES}/keys/eve", json={"compress": True}), 404)


@pytest.mark.parametrize(
    "body",
    [
        {"memory_tokens": 49},
        {"memory_tokens": 20_001},
        {"memory_tokens": True},
        {"memory_tokens": 1.5},
        {"capture": "yes"},
        {"compress": 1},
        {"project": "x"},
        {"colour": "red"},
        [],
    ],
)
async def test_wrong_choices_are_refused_and_named(http: httpx.AsyncClient, body: Any) -> None:
    message = refused(await http.patch(f"{PREFERENCES}/projects/p", json=body), 400)
    assert not body or next(iter(body)) in message


async def test_health_says_who_is_captured(http: httpx.AsyncClient, athena: Athena) -> None:
    assert ok(await http.get("/health"))["capture"] == {"keys": [], "projects": []}
    await athena.preferences.change_project("house", {"capture": True})

    async def told() -> bool:
        capture = ok(await http.get("/health"))["capture"]
        return bool(capture == {"keys": [], "projects": ["house"]})

    await until(told, 10)
