"""What a container may do, and what of it can be seen: asked of the engine and of the containers themselves."""

from __future__ import annotations

import re

import pytest

from tests.stack.stack import SERVING, Stack, network_gateway, run

_USERS = {
    "postgres": 999,
    "llamacpp-embeddings": 10002,
    "llamacpp-reasoning": 10002,
    "compressor": 10001,
    "athena": 10001,
}
_NO_WAY_OUT = ("postgres", "llamacpp-embeddings", "llamacpp-reasoning", "compressor")
_KEY = "sk-ant-nobody-may-see-this-0123456789"
# bash opens a connection itself; the compressor's image has no curl.
_CONNECT = "timeout 2 bash -c 'exec 3<>/dev/tcp/{host}/{port}' 2>/dev/null && echo open || echo closed"


def reach(stack: Stack, service: str, host: str, port: int) -> str:
    return stack.exec(service, "bash", "-c", _CONNECT.format(host=host, port=port)).strip()


def outside(stack: Stack) -> str:
    """A host that everybody may reach who may reach any: where the image's own packages came from."""
    sources = stack.exec("athena", "sh", "-c", "cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null; true")
    found = re.search(r"https?://([^/:\s]+)", sources)
    assert found, sources
    return found.group(1)


def test_nothing_listens_beyond_loopback(stack: Stack) -> None:
    for service in SERVING:
        published = stack.inspect(service)["NetworkSettings"]["Ports"]
        bound = [where["HostIp"] for ports in published.values() for where in ports or []]
        assert bound
        assert set(bound) == {"127.0.0.1"}
    listening = run(["ss", "-ltnH"])
    for name, port in stack.settings.items():
        if name.endswith("_PORT"):
            (local,) = {line.split()[3] for line in listening.splitlines() if line.split()[3].endswith(f":{port}")}
            assert local == f"127.0.0.1:{port}"


@pytest.mark.parametrize("service", SERVING)
def test_no_root_no_capabilities_no_writable_root(stack: Stack, service: str) -> None:
    host = stack.inspect(service)["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert not host["Privileged"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    status = stack.exec(service, "cat", "/proc/1/status")
    assert re.findall(r"^[UG]id:\s+(.*)$", status, re.M) == ["\t".join([str(_USERS[service])] * 4)] * 2
    assert set(re.findall(r"^Cap\w+:\s+(\w+)$", status, re.M)) == {"0" * 16}
    assert re.findall(r"^NoNewPrivs:\s+(\d)$", status, re.M) == ["1"]
    written = stack.exec(service, "sh", "-c", "touch /here 2>&1; touch /usr/here 2>&1; touch /tmp/here && echo tmp")
    assert written.count("Read-only file system") == 2
    assert written.strip().endswith("tmp")


@pytest.mark.parametrize("service", _NO_WAY_OUT)
def test_model_servers_and_database_have_no_way_out(stack: Stack, service: str) -> None:
    for host, port in (("1.1.1.1", 443), ("8.8.8.8", 53)):
        assert reach(stack, service, host, port) == "closed"
    assert stack.exec(service, "getent", "hosts", outside(stack), check=False).strip() == ""


def test_athena_has_a_way_out(stack: Stack) -> None:
    """Otherwise the test above would prove nothing about the others."""
    host = outside(stack)
    assert stack.exec("athena", "getent", "hosts", host).strip()
    assert reach(stack, "athena", host, 80) == "open"


@pytest.mark.parametrize("service", ["llamacpp-embeddings", "llamacpp-reasoning", "compressor"])
def test_model_servers_reach_neither_the_database_nor_the_hosts_ports(stack: Stack, service: str) -> None:
    address = stack.inspect("postgres")["NetworkSettings"]["Networks"][f"{stack.project}_data"]["IPAddress"]
    assert reach(stack, "athena", address, 5432) == "open"
    assert reach(stack, service, address, 5432) == "closed"
    assert reach(stack, service, "postgres", 5432) == "closed"
    for host in (network_gateway(stack, "models"), network_gateway(stack, "data")):
        for name in ("POSTGRES_PORT", "ATHENA_PORT"):
            assert reach(stack, service, host, int(stack.settings[name])) == "closed"


def test_a_foreign_name_or_site_is_refused(stack: Stack) -> None:
    status = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"]
    assert run([*status, f"{stack.url}/tools/list"]) == "200"
    assert run([*status, "-H", "Host: evil.example", f"{stack.url}/tools/list"]) == "403"
    assert run([*status, "-H", "Origin: https://evil.example", f"{stack.url}/tools/list"]) == "403"


def test_secrets_are_in_no_layer_log_or_inspect(stack: Stack) -> None:
    stack.compose("run", "--rm", "-T", "key", "ANTHROPIC_API_KEY", stdin=f"{_KEY}\n")
    stack.compose("restart", "athena")
    stack.wait_healthy("athena")
    password = stack.exec("postgres", "cat", "/run/athena/postgres_password").strip()
    assert re.fullmatch("[0-9a-f]{64}", password)
    assert _KEY in stack.exec("athena", "cat", "/proc/1/environ"), "it reached Athena"
    seen = stack.compose("logs", "--no-color") + stack.compose("config")
    for name in stack.compose("ps", "--all", "--quiet").split():
        seen += run(["docker", "inspect", name])
    for image in stack.compose("config", "--images").split():
        seen += run(["docker", "image", "inspect", image]) + run(["docker", "history", "--no-trunc", image])
    assert password not in seen
    assert _KEY not in seen
    # Another user of the same volume's group doesn't read what only Athena needs.
    assert "denied" in stack.exec("postgres", "sh", "-c", "cat /run/athena/keys/ANTHROPIC_API_KEY 2>&1", check=False)


def test_the_database_asks_for_its_password(stack: Stack) -> None:
    address = stack.inspect("postgres")["NetworkSettings"]["Networks"][f"{stack.project}_data"]["IPAddress"]
    refused = stack.exec(
        *("postgres", "sh", "-c", f"PGPASSWORD=wrong psql -h {address} -U athena -d athena -c 'SELECT 1' 2>&1"),
        check=False,
    )
    assert "password authentication failed" in refused
