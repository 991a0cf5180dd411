"""The gateway's channel against a server that says what a test wants, faults included."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from athena import http
from athena.http import Channel
from tests.integration.way_out.raw_server import Peer, Script, answer, raw_server

HELLO = answer(b"hello")
STREAM = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: text/event-stream\r\n\r\n"
SOON = 5.0


@pytest.fixture
async def channel() -> AsyncIterator[Channel]:
    """At the end nothing may be left open: each answer was closed, by its end or by a failure."""
    channel = http.channel()
    yield channel
    await channel.aclose()
    await asyncio.sleep(0.01)
    assert not channel._open


async def ask(
    channel: Channel,
    url: str,
    content: bytes = b"{}",
    *,
    connect_s: float = 5,
    read_s: float = 60,
    first_s: float | None = None,
) -> tuple[int, bytes]:
    target, fields = f"{url}/v1/messages?beta=true", [("x-a", "b")]
    response = await channel.open("POST", target, fields, content, connect_s=connect_s, read_s=read_s, first_s=first_s)
    try:
        return response.status_code, b"".join([piece async for piece in response.stream])
    finally:
        await response.aclose()


def saying(*pieces: bytes, pause_s: float = 0.0, stay: bool = True) -> Script:
    """The same answer to each request of a connection."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.say(*pieces, pause_s=pause_s)
            if not stay:
                return

    return script


async def test_a_request_goes_out_as_given_and_its_answer_comes_back(channel: Channel) -> None:
    async with raw_server(saying(answer(b'{"a":1}', "Content-Type: application/json", "x-id: 7"))) as server:
        response = await channel.open(
            "POST", f"{server.url}/v1/messages?beta=true", [("x-api-key", "k"), ("x-two", "1"), ("x-two", "2")], b"body"
        )
        assert (response.status_code, response.headers["x-id"]) == (200, "7")
        assert await response.aread() == b'{"a":1}'
        assert response.json() == {"a": 1}
        await response.aclose()
        sent = server.peers[0].requests[0]
    assert sent == (
        b"POST /v1/messages?beta=true HTTP/1.1\r\nhost: 127.0.0.1:%d\r\n" % server.port
        + b"x-api-key: k\r\nx-two: 1\r\nx-two: 2\r\ncontent-length: 4\r\n\r\nbody"
    )


async def test_pieces_come_as_they_are_sent(channel: Channel) -> None:
    first_read = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(STREAM + b"3\r\none\r\n")
        await first_read.wait()
        await peer.say(b"3\r\ntwo\r\n0\r\n\r\n")
        await peer.until_left()

    async with raw_server(script) as server:
        response = await channel.open("POST", server.url, [], b"{}")
        pieces = aiter(response.stream)
        assert await anext(pieces) == b"one"
        first_read.set()
        assert [piece async for piece in pieces] == [b"two"]
        await response.aclose()


ANSWERS = {
    "length": HELLO,
    "no body": b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "304": b"HTTP/1.1 304 Not Modified\r\netag: 1\r\n\r\n",
    "chunks": STREAM + b"2\r\nab\r\n1;ext=1\r\nc\r\n0\r\n\r\n",
    "trailers": STREAM + b"2\r\nab\r\n0\r\nx-sum: 1\r\n\r\n",
    "continue first": b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO,
    "hints first": b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + HELLO,
    "error with body": answer(b'{"error":1}', status="529 Overloaded"),
    "until it closes": b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall there is",
    "1.0": b"HTTP/1.0 200 OK\r\n\r\nold",
    "cut in its body": b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this",
    "cut in its chunks": STREAM + b"5\r\nab",
    "cut in its head": b"HTTP/1.1 200 OK\r\ncontent-le",
    "nothing": b"",
    "not HTTP": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "bad length": b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
    "bad chunk": STREAM + b"zz\r\n",
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_it_understands_what_httpx_understands(channel: Channel, name: str) -> None:
    """Two implementations, one server: the same status, header fields and body, or a transport error from both."""

    async def through_client(url: str) -> object:
        async with http.client() as client:
            try:
                response = await client.post(url, content=b"{}")
            except httpx.TransportError:
                return httpx.TransportError
            return response.status_code, response.headers.multi_items(), response.content

    async def through_channel(url: str) -> object:
        try:
            response = await channel.open("POST", url, [], b"{}")
            try:
                return response.status_code, response.headers.multi_items(), await response.aread()
            finally:
                await response.aclose()
        except httpx.TransportError:
            return httpx.TransportError

    async with raw_server(saying(ANSWERS[name], stay=False)) as server:
        assert await through_channel(server.url) == await through_client(server.url)


@pytest.mark.parametrize("name", ["chunks", "trailers", "continue first", "error with body"])
async def test_an_answer_may_be_cut_anywhere(channel: Channel, name: str) -> None:
    whole = ANSWERS[name]
    async with raw_server(saying(whole)) as server:
        expected = await ask(channel, server.url)
    at = 0

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.say(whole[:at], whole[at:], pause_s=0.001)

    async with raw_server(script) as server:
        for at in range(1, len(whole)):
            assert await ask(channel, server.url) == expected, at
        assert len(server.peers) == 1


async def test_a_connection_serves_again(channel: Channel) -> None:
    async with raw_server(saying(HELLO)) as server:
        for _ in range(5):
            assert await ask(channel, server.url) == (200, b"hello")
        await asyncio.gather(*(ask(channel, server.url) for _ in range(4)))
        assert len(server.peers) == 4
        await asyncio.gather(*(ask(channel, server.url) for _ in range(4)))
        assert len(server.peers) == 4


@pytest.mark.parametrize(
    "said",
    [
        answer(b"x", "connection: close"),
        b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx",
        answer(b"x", "keep-alive: timeout=1"),
        HELLO + HELLO,
        HELLO + b"garbage",
    ],
)
async def test_a_connection_that_cant_serve_again_isnt_asked(channel: Channel, said: bytes) -> None:
    async with raw_server(saying(said)) as server:
        first, second = await ask(channel, server.url), await ask(channel, server.url)
        assert first == second
        assert len(server.peers) == 2


async def test_a_late_word_on_an_idle_connection_is_nobodys_answer(channel: Channel) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(HELLO)
        await peer.say(answer(b"for somebody else"))
        await peer.until_left()

    async with raw_server(script) as server:
        assert await ask(channel, server.url) == (200, b"hello")
        await asyncio.wait_for(server.ended.get(), SOON)
        assert await ask(channel, server.url) == (200, b"hello")


async def test_a_connection_that_its_server_closed_is_not_asked(channel: Channel) -> None:
    async with raw_server(saying(HELLO, stay=False)) as server:
        for _ in range(3):
            assert await ask(channel, server.url) == (200, b"hello")
            await asyncio.wait_for(server.ended.get(), SOON)
            await asyncio.sleep(0.02)


async def test_an_answer_before_the_request_was_read(channel: Channel) -> None:
    """The rest of the first request must not be taken for the second."""

    async def script(peer: Peer) -> None:
        await peer.reader.read(1000)
        await peer.say(answer(b"too large", status="413 Too Large"))
        await asyncio.sleep(SOON)

    async with raw_server(script) as server:
        for _ in range(2):
            assert await ask(channel, server.url, b"x" * 30_000_000) == (413, b"too large")
        assert len(server.peers) == 2


async def test_head_has_no_body(channel: Channel) -> None:
    async with raw_server(saying(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")) as server:
        response = await channel.open("HEAD", server.url, [])
        assert (response.status_code, await response.aread()) == (200, b"")
        await response.aclose()
        assert b"content-length" not in server.peers[0].requests[0]


async def test_nobody_listens(channel: Channel) -> None:
    async with raw_server(saying(HELLO)) as server:
        pass
    with pytest.raises(httpx.ConnectError, match="can't be reached"):
        await ask(channel, server.url)


@pytest.mark.parametrize("what", ["no answer", "no more"])
async def test_silence_is_given_up(channel: Channel, what: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if what == "no more":
            await peer.say(STREAM + b"3\r\none\r\n")
        await peer.until_left()

    # The limit for the other kind of silence is long, so that only the right one can strike.
    first_s, read_s = (0.1, 60) if what == "no answer" else (60, 0.1)
    async with raw_server(script) as server:
        with pytest.raises(httpx.ReadTimeout):
            await asyncio.wait_for(ask(channel, server.url, first_s=first_s, read_s=read_s), SOON)
        await asyncio.wait_for(server.ended.get(), SOON)


async def test_each_piece_begins_the_wait_anew(channel: Channel) -> None:
    pieces = [b"1\r\n%d\r\n" % n for n in range(8)]
    async with raw_server(saying(STREAM, *pieces, b"0\r\n\r\n", pause_s=0.1)) as server:
        assert await ask(channel, server.url, read_s=0.4) == (200, b"01234567")


async def test_a_slow_reader_isnt_the_servers_fault(channel: Channel) -> None:
    async with raw_server(saying(STREAM, b"3\r\none\r\n", b"3\r\ntwo\r\n0\r\n\r\n", pause_s=0.05)) as server:
        response = await channel.open("POST", server.url, [], b"{}", read_s=0.2)
        await asyncio.sleep(0.6)
        assert await response.aread() == b"onetwo"
        await response.aclose()


async def test_a_tls_server_that_never_answers(channel: Channel) -> None:
    async def script(peer: Peer) -> None:
        await peer.until_left()

    async with raw_server(script) as server:
        with pytest.raises(httpx.ConnectTimeout):
            await ask(channel, server.url.replace("http:", "https:"), connect_s=0.2)
        await asyncio.wait_for(server.ended.get(), SOON)


@pytest.mark.parametrize("begun", [False, True])
async def test_a_reset_is_a_read_error(channel: Channel, begun: bool) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if begun:
            await peer.say(STREAM + b"3\r\none\r\n")
            await asyncio.sleep(0.02)
        peer.reset()

    async with raw_server(script) as server:
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await ask(channel, server.url)


async def test_header_fields_without_end(channel: Channel) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n")
        while True:
            await peer.say(b"x-more: " + b"y" * 1000 + b"\r\n")

    async with raw_server(script) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            await asyncio.wait_for(ask(channel, server.url), SOON)


@pytest.mark.parametrize("begun", [False, True])
async def test_who_is_cancelled_closes_the_connection_at_once(channel: Channel, begun: bool) -> None:
    reached = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        if begun:
            await peer.say(STREAM + b"3\r\none\r\n")
        reached.set()
        await peer.until_left()

    async with raw_server(script) as server:
        task = asyncio.create_task(ask(channel, server.url))
        await reached.wait()
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.ended.get(), SOON)
        assert not channel._open


async def test_who_leaves_early_closes_the_connection(channel: Channel) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(STREAM + b"3\r\none\r\n")
        await peer.until_left()

    async with raw_server(script) as server:
        response = await channel.open("POST", server.url, [], b"{}")
        assert await anext(aiter(response.stream)) == b"one"
        await response.aclose()
        await asyncio.wait_for(server.ended.get(), SOON)


async def test_a_server_waits_for_who_reads_slowly(channel: Channel) -> None:
    sent = 0
    piece = b"x" * 65536

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.say(STREAM)
        for _ in range(1000):
            await peer.say(b"10000\r\n" + piece + b"\r\n")
            sent += len(piece)
        await peer.say(b"0\r\n\r\n")

    async with raw_server(script) as server:
        response = await channel.open("POST", server.url, [], b"{}")
        await asyncio.sleep(0.5)
        held = sent
        assert held < 30_000_000, "what isn't read must not pile up here"
        read = 0
        async for data in response.stream:
            read += len(data)
        assert read == 1000 * len(piece)
        await response.aclose()


@pytest.mark.parametrize(
    "fields", [[("x-a", "b\r\nx-evil: 1")], [("x-a", "b\n")], [("x-a\r", "b")], [("x-a", "…")], [("x-a", "\0")]]
)
async def test_a_header_cant_smuggle_another(channel: Channel, fields: list[tuple[str, str]]) -> None:
    async with raw_server(saying(HELLO)) as server:
        with pytest.raises(httpx.LocalProtocolError):
            await channel.open("POST", server.url, fields, b"{}")
        assert server.peers == []


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "127.0.0.1:80/x", "http://", "http://[::1/", "http://x/\r\na: b"])
async def test_what_is_no_http_url(channel: Channel, url: str) -> None:
    with pytest.raises(httpx.UnsupportedProtocol):
        await channel.open("GET", url, [])


async def test_a_path_is_encoded(channel: Channel) -> None:
    async with raw_server(saying(HELLO)) as server:
        response = await channel.open("GET", f"{server.url}/a b?q=é", [])
        await response.aclose()
        assert server.peers[0].requests[0].split(b"\r\n")[0] == b"GET /a%20b?q=%C3%A9 HTTP/1.1"


async def test_as_many_at_a_time_as_allowed() -> None:
    channel = http.channel(max_connections=2)
    async with raw_server(saying(STREAM + b"3\r\none\r\n")) as server:
        answers = [await channel.open("POST", server.url, [], b"{}") for _ in range(2)]
        with pytest.raises(httpx.PoolTimeout):
            await ask(channel, server.url)
        await answers[0].aclose()
        await asyncio.sleep(0.01)
        await (await channel.open("POST", server.url, [], b"{}")).aclose()
    await channel.aclose()


async def test_closing_ends_what_is_read() -> None:
    channel = http.channel()
    async with raw_server(saying(STREAM + b"3\r\none\r\n")) as server:
        task = asyncio.create_task(ask(channel, server.url))
        await asyncio.sleep(0.05)
        await channel.aclose()
        with pytest.raises(httpx.ReadError, match="closed"):
            await asyncio.wait_for(task, SOON)
        with pytest.raises(httpx.ConnectError):
            await ask(channel, server.url)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, file = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(file)], check=True, capture_output=True)
    return file, key


@pytest.mark.parametrize("trusted", [True, False])
async def test_tls(certificate: tuple[Path, Path], trusted: bool) -> None:
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(*certificate)
    trusting = ssl.create_default_context(cafile=str(certificate[0]) if trusted else None)
    channel = Channel(http.gate, lambda: trusting, max_connections=4)
    async with raw_server(saying(HELLO), tls=serving) as server:
        if not trusted:
            with pytest.raises(httpx.ConnectError, match=r"(?i)certificate"):
                await ask(channel, server.url)
            return
        for _ in range(3):
            assert await ask(channel, server.url) == (200, b"hello")
        assert len(server.peers) == 1
    await channel.aclose()
