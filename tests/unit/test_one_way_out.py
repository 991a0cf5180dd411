"""Nobody but `athena.http` opens a connection to anywhere: otherwise the gate would stand beside the road."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import athena

PACKAGE = Path(athena.__file__).parent
# What opens a connection, or is a client that does.
OPENING = {
    "AsyncClient", "Client", "AsyncHTTPTransport", "HTTPTransport", "open_connection", "create_connection", "urlopen",
    "sock_connect", "connect_ex", "ClientSession", "HTTPConnection", "HTTPSConnection", "create_datagram_endpoint",
}  # fmt: skip
MODULES = {"httpcore", "h11", "urllib.request", "http.client", "websockets", "smtplib", "ftplib", "httpx_aiohttp"}
SHORTCUTS = {"get", "post", "put", "patch", "delete", "head", "options", "request", "stream"}
# A transport without certificates, which it hands to `athena.http.client`.
KNOWN = {("runtime/probe.py", "AsyncHTTPTransport")}


def ways_out(path: Path) -> Iterator[tuple[str, str]]:
    where = str(path.relative_to(PACKAGE))
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((where, each.name) for each in node.names if each.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            yield where, node.module
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called, owner = node.func.attr, node.func.value
            of_httpx = isinstance(owner, ast.Name) and owner.id == "httpx" and called in SHORTCUTS
            if called in OPENING or of_httpx:
                yield where, called


def test_there_is_one_way_out() -> None:
    found = {
        way for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "http" for way in ways_out(path)
    }
    assert found == KNOWN


def test_the_search_finds_what_it_looks_for() -> None:
    found = {way for path in (PACKAGE / "http").rglob("*.py") for way in ways_out(path)}
    assert {("http/__init__.py", "AsyncClient"), ("http/channel.py", "create_connection")} <= found
