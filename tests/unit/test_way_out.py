"""Who passes the gate: which hosts are local, and what closes it for the others."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena import config, http
from athena.config import Settings
from athena.errors import InvalidSetting
from athena.http.gate import FORCED, ON, Closed, Gate
from athena.http.gated import GatedTransport
from athena.http.local_hosts import LocalHosts
from athena.http.mirror import Mirror, Noted, Unreadable
from athena.runtime import home
from athena.runtime.environment import environment

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Handle:
    """A switch that a test turns."""

    def __init__(self, closed: Closed | None = None) -> None:
        self.now = self._after = closed

    def closed(self) -> Closed | None:
        return self.now

    async def refreshed(self) -> None:
        self.now = self._after


LOCAL = frozenset({"localhost"})


def gate(switch: Handle) -> Gate:
    return Gate(lambda: (switch, LOCAL))


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "::1", "[::1]", "::ffff:127.0.0.1", "0:0:0:0:0:0:0:1"]
)
def test_loopback_is_local(host: str) -> None:
    assert host in LocalHosts()


@pytest.mark.parametrize(
    "host",
    ["api.anthropic.com", "10.0.0.1", "192.168.1.5", "0.0.0.0", "::", "169.254.169.254", "", "localhost.evil.com",
     "127.0.0.1.nip.io", "127.1", "2130706433", "0x7f000001", "017700000001", "localhost.", "::ffff:8.8.8.8", "pg"],
)  # fmt: skip
def test_nothing_else_is_by_itself(host: str) -> None:
    assert host not in LocalHosts()


@given(st.ip_addresses())
def test_no_address_of_the_world_is_local_unless_declared(address: Address) -> None:
    mapped = getattr(address, "ipv4_mapped", None)
    assert (str(address) in LocalHosts()) == (mapped or address).is_loopback
    assert str(address) in LocalHosts([str(address)])
    assert (str(address) in LocalHosts(services=[f"http://{_in_url(address)}:8001"])) <= (not address.is_global)


def _in_url(address: Address) -> str:
    return f"[{address}]" if address.version == 6 else str(address)


def test_what_is_declared_is_local() -> None:
    hosts = LocalHosts(["gpu-box", "Box.Lan", "192.168.7.0/24", "fd00::/8"])
    assert all(host in hosts for host in ("gpu-box", "GPU-Box", "box.lan", "192.168.7.200", "fd12::1", "[fd12::1]"))
    assert all(host not in hosts for host in ("evil.gpu-box", "gpu-box.com", "192.168.8.1", "fe80::1"))


@pytest.mark.parametrize(
    ("url", "near"),
    [
        ("http://llamacpp-embeddings:8080", True),
        ("http://192.168.1.5:8001", True),
        ("http://[fd00::5]:8001", True),
        ("http://embeddings.example.com", False),
        ("http://203.0.113.9:8001", True),
        ("http://8.8.8.8:8001", False),
        ("https://api.openai.com/v1", False),
    ],
)
def test_a_services_host_counts_where_it_can_only_be_near(url: str, near: bool) -> None:
    host = httpx.URL(url).host
    assert (host in LocalHosts(services=[url])) is near
    assert host in LocalHosts([host], [url])


def test_settings_say_what_is_local(tmp_path: Path) -> None:
    settings = config.load(
        {
            "ATHENA_HOME": str(tmp_path),
            "ATHENA_LOCAL_HOSTS": "gpu-box, 10.1.0.0/16,",
            "LLAMACPP_REASONING_URL": "http://llamacpp-reasoning:8080",
            "ATHENA_ANTHROPIC_URL": "http://anthropic-in-disguise",
        }
    )
    hosts = LocalHosts.of(settings)
    assert all(host in hosts for host in ("gpu-box", "10.1.2.3", "llamacpp-reasoning", "localhost"))
    assert all(host not in hosts for host in ("anthropic-in-disguise", "api.openai.com", "10.2.0.1"))
    # A child process sees the same.
    again = config.load({**environment(settings), "ATHENA_HOME": str(tmp_path)})
    assert again.local_hosts == settings.local_hosts == ("gpu-box", "10.1.0.0/16")


def test_a_provider_that_is_called_local_is(tmp_path: Path) -> None:
    (tmp_path / "athena.toml").write_text(
        'local_hosts = ["a"]\nlocal_only = true\n'
        '[providers.box]\nurl = "http://box.example.com/v1"\nlocal = true\n'
        '[providers.cloud]\nurl = "http://cloud.example.com/v1"\n'
    )
    settings = config.load({"ATHENA_HOME": str(tmp_path)})
    hosts = LocalHosts.of(settings)
    assert ("box.example.com" in hosts, "cloud.example.com" in hosts, "a" in hosts) == (True, False, True)
    assert Mirror(settings).closed() == FORCED


@pytest.mark.parametrize("value", ["http://box", "*.example.com"])
def test_a_declared_host_is_a_host(value: str) -> None:
    with pytest.raises(InvalidSetting, match=r"ATHENA_LOCAL_HOSTS.*host names"):
        config.load({"ATHENA_LOCAL_HOSTS": value})


async def test_a_closed_gate_lets_only_local_hosts_pass() -> None:
    switch = Handle(ON)
    closed = gate(switch)
    await closed.admit("localhost")
    with pytest.raises(http.LocalOnly, match=r"local-only mode is on: api\.example isn't local") as raised:
        await closed.admit("api.example")
    assert (raised.value.status, raised.value.code, raised.value.hint) == (503, "local_only", "athena local-only off")
    switch.now = None
    await closed.admit("api.example")


async def test_what_isnt_known_is_asked_again_before_it_counts_as_on() -> None:
    switch = Handle(ON)
    switch._after = None
    await gate(switch).admit("api.example")


async def test_each_switch_that_is_obeyed_can_close_the_gate() -> None:
    strict, first, second = gate(Handle(ON)), Handle(), Handle()
    with strict.obeying(first, LOCAL), strict.obeying(second, LOCAL):
        # Who is told what to obey doesn't ask the default any more.
        await strict.admit("api.example")
        second.now = second._after = ON
        with pytest.raises(http.LocalOnly):
            await strict.admit("api.example")
    with pytest.raises(http.LocalOnly):
        await strict.admit("api.example")


async def test_an_override_is_for_its_block() -> None:
    closed = gate(Handle(ON))
    with closed.overridden():
        await closed.admit("api.example")
    with pytest.raises(http.LocalOnly):
        await closed.admit("api.example")


async def test_a_client_asks_the_gate_before_each_request_and_redirect() -> None:
    asked: list[str] = []

    def serve(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(302, headers={"location": "http://api.example/"})

    transport = GatedTransport(httpx.MockTransport(serve), gate(Handle(ON)))
    async with httpx.AsyncClient(transport=transport, follow_redirects=True) as client:
        with pytest.raises(http.LocalOnly):
            await client.get("http://api.example/")
        with pytest.raises(http.LocalOnly):
            await client.get("http://localhost/")
    assert asked == ["localhost"]


async def test_a_download_stops_when_the_switch_is_turned() -> None:
    switch = Handle()

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b"x"

    def serve(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Endless())

    transport = GatedTransport(httpx.MockTransport(serve), gate(switch))
    async with (
        httpx.AsyncClient(transport=transport) as client,
        client.stream("GET", "http://hub.example/f") as response,
    ):
        pieces = response.aiter_raw()
        assert await anext(pieces) == b"x"
        switch.now = switch._after = ON
        with pytest.raises(http.LocalOnly):
            await anext(pieces)


def of_home(folder: Path, **more: bool) -> Settings:
    return Settings(home=folder, **more)  # type: ignore[arg-type]


def test_a_home_where_nothing_ran_is_open(tmp_path: Path) -> None:
    assert Mirror(of_home(tmp_path / "none")).closed() is None
    assert Mirror(of_home(tmp_path)).closed() is None
    assert Mirror(of_home(tmp_path, local_only=True)).closed() == FORCED


def test_a_home_remembers(tmp_path: Path) -> None:
    settings = of_home(tmp_path / "home")
    home.prepare(settings)
    mirror = Mirror(settings)
    assert mirror.read() == Noted(on=False)
    mirror.write(Noted(on=True, changed_by="me"))
    assert mirror.closed() == ON
    home.prepare(settings)
    assert mirror.read() == Noted(on=True, changed_by="me")
    assert {each.name for each in settings.home.iterdir()} == {"local-only", "run", "logs"}, "no half file is left"


@pytest.mark.parametrize("damage", ["missing", "empty", "garbage", "folder"])
def test_what_a_home_has_forgotten_counts_as_on(tmp_path: Path, damage: str) -> None:
    settings = of_home(tmp_path / "home")
    home.prepare(settings)
    mirror = Mirror(settings)
    mirror.path.unlink()
    if damage == "folder":
        mirror.path.mkdir()
    elif damage != "missing":
        mirror.path.write_text("" if damage == "empty" else '{"on": "perhaps"}')
    with pytest.raises(Unreadable):
        mirror.read()
    closed = mirror.closed()
    assert closed is not None
    assert "counts as on" in closed.why
    # A later start doesn't take a lost file for a fresh home.
    home.prepare(settings)
    assert mirror.closed() is not None
