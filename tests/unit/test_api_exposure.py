"""Who may come in, with which Host, Origin and key."""

from __future__ import annotations

import httpx
import pytest
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from athena.api.credentials import Credentials
from athena.api.exposure import Exposure
from athena.config import Settings
from athena.errors import StoreUnavailable

KEY = "ath_" + "k" * 43


async def verify(key: str) -> str | None:
    return "ada" if key == KEY else None


async def away(key: str) -> str | None:
    raise StoreUnavailable("PostgreSQL can't be reached")


async def whoami(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(Request(scope).scope["athena.principal"] or "-")(scope, receive, send)


async def ask(
    declared: str, headers: dict[str, str] | None = None, *, path: str = "/tools/list", check: object = verify
) -> httpx.Response:
    app = Exposure(whoami, declared, check)  # type: ignore[arg-type]
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        return await client.get(path, headers=headers)


@pytest.mark.parametrize("declared", ["loopback", "published"])
@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]", "[::1]:9", "LOCALHOST:1"])
async def test_loopback_hosts_are_open(host: str, declared: str) -> None:
    answer = await ask(declared, {"host": host})
    assert (answer.status_code, answer.text) == (200, "-")


@pytest.mark.parametrize("declared", ["loopback", "published"])
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "localhost.evil.example", "athena:8000", "127.0.0.1.evil", "", "[::2]"],
)
async def test_a_name_rebound_to_loopback_is_refused(host: str, declared: str) -> None:
    answer = await ask(declared, {"host": host})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "forbidden"
    assert "athena keys create" in answer.json()["error"]["hint"]


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "http://127.0.0.1:8000", "https://localhost", "http://[::1]:5"]
)
async def test_pages_of_this_machine_may_ask(origin: str) -> None:
    assert (await ask("loopback", {"origin": origin})).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "file://",
        "http://[",
    ],
)
async def test_pages_of_other_sites_may_not(origin: str) -> None:
    assert (await ask("loopback", {"origin": origin})).status_code == 403
    assert (await ask("published", {"origin": origin})).status_code == 403


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded"])
async def test_what_a_proxy_passes_on_is_refused(header: str) -> None:
    """A reverse proxy's own Host is loopback, whoever asked it."""
    assert (await ask("loopback", {header: "203.0.113.9"})).status_code == 403


async def test_cross_site_requests_without_an_origin_are_refused() -> None:
    assert (await ask("loopback", {"sec-fetch-site": "cross-site"})).status_code == 403
    assert (await ask("loopback", {"sec-fetch-site": "same-origin"})).status_code == 200


async def test_a_key_opens_what_a_foreign_host_closes() -> None:
    foreign = {"host": "athena:8000"}
    for credential in ({"authorization": f"Bearer {KEY}"}, {"authorization": f"bearer  {KEY}"}, {"x-api-key": KEY}):
        answer = await ask("loopback", {**foreign, **credential})
        assert (answer.status_code, answer.text) == (200, "ada")


async def test_a_wrong_key_is_refused_even_where_none_is_needed() -> None:
    answer = await ask("loopback", {"x-api-key": "ath_unknown"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_somebody_elses_credential_is_ignored_on_loopback_and_opens_nothing() -> None:
    other = {"authorization": "Bearer sk-ant-something", "x-api-key": "sk-other"}
    assert (await ask("loopback", other)).text == "-"
    assert (await ask("loopback", {**other, "host": "athena"})).status_code == 403
    assert (await ask("network", other)).status_code == 401


async def test_on_the_network_everything_but_liveness_needs_a_key() -> None:
    for path in ("/tools/list", "/health", "/health/ready", "/metrics", "/openapi.json", "/health/live/"):
        assert (await ask("network", path=path)).status_code == 401, path
    assert (await ask("network", path="/health/live", headers={"host": "anything"})).status_code == 200
    assert (await ask("network", {"x-api-key": KEY, "host": "athena.example"})).text == "ada"


async def test_with_the_store_away_a_key_is_a_503_and_health_still_answers() -> None:
    key = {"x-api-key": KEY}
    answer = await ask("network", key, check=away)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert (await ask("loopback", key, path="/health", check=away)).status_code == 200


async def test_a_websocket_of_another_site_is_closed_before_it_opens() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost:8000"), (b"origin", b"https://evil.example")]
    scope = {"type": "websocket", "path": "/live", "headers": headers}
    await Exposure(whoami, "loopback", verify)(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_a_key_is_looked_up_once_and_again_after_a_while() -> None:
    asked: list[str] = []
    now = 0.0

    async def counting(key: str) -> str | None:
        asked.append(key)
        return await verify(key)

    credentials = Credentials(counting, clock=lambda: now)
    assert [await credentials.principal(KEY) for _ in range(3)] == ["ada"] * 3
    assert len(asked) == 1
    now = 11.0
    assert await credentials.principal(KEY) == "ada"
    assert len(asked) == 2


async def test_unknown_keys_are_not_remembered() -> None:
    known = False

    async def later(key: str) -> str | None:
        return "ada" if known else None

    credentials = Credentials(later)
    assert await credentials.principal(KEY) is None
    known = True
    assert await credentials.principal(KEY) == "ada"


def test_published_listens_on_all_addresses_of_its_container_and_loopback_still_on_none() -> None:
    assert Settings(exposure="published").host == "0.0.0.0"
    with pytest.raises(ValidationError, match="published, if this is a container"):
        Settings(host="0.0.0.0")
