"""CPU time of one request through each way that a gateway could take: `python -m tests.bench.channel`.

One server in a process of its own answers streams of server-sent events, one event every 2 ms; each way is
measured in a fresh process, in turns, with eight requests at a time on uvloop. What is printed is the client's
CPU time per request in microseconds, the median of the rounds. aiohttp's ways are measured where it is installed.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable

import httpx
import uvloop

from athena import http

WAYS = ("httpx.AsyncClient", "httpx transport", "httpx-aiohttp transport", "aiohttp", "athena.http.channel")
BODIES, EVENTS = (2_048, 40_960), (1, 20)
AT_ONCE, WARM_UP, EVENT_EVERY_S = 8, 20, 0.002
FIELDS = [("content-type", "application/json"), ("x-api-key", "sk-none"), ("anthropic-version", "2023-06-01")]
EVENT = b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"a few words"}}\n\n'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
Ask = Callable[[], Awaitable[int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--one", nargs=4, metavar=("WAY", "PORT", "BYTES", "REQUESTS"), help=argparse.SUPPRESS)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        uvloop.run(_serve(options.serve))
    elif options.one:
        way, port, size, requests = options.one
        uvloop.run(_measure(way, int(port), int(size), int(requests)))
    else:
        _compare(options.rounds, options.requests)


def _compare(rounds: int, requests: int) -> None:
    me = [sys.executable, "-m", "tests.bench.channel"]
    found: dict[tuple[str, int, int], list[float]] = defaultdict(list)
    for events in EVENTS:
        server = subprocess.Popen([*me, "--serve", str(events)], stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        for _ in range(rounds):
            for size in BODIES:
                for way in WAYS:
                    command = [*me, "--one", way, port, str(size), str(requests)]
                    done = subprocess.run(command, capture_output=True, text=True, check=False)
                    if done.returncode == 0:
                        found[way, events, size].append(float(done.stdout))
        server.kill()
        server.wait()
    cases = [(events, size) for events in EVENTS for size in BODIES]
    print(f"{'µs of CPU per request':26}" + "".join(f"{e:>4} ev {s // 1024:>3} KB" for e, s in cases))
    for way in WAYS:
        medians = [found[way, *case] for case in cases]
        print(f"{way:26}" + "".join(f"{statistics.median(each):>14.0f}" if each else f"{'-':>14}" for each in medians))


async def _serve(events: int) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                )
                for _ in range(events):
                    writer.write(b"%x\r\n%s\r\n" % (len(EVENT), EVENT))
                    await asyncio.sleep(EVENT_EVERY_S)
                writer.write(b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _measure(way: str, port: int, size: int, requests: int) -> None:
    ask = await _way(way, f"http://127.0.0.1:{port}/v1/messages?beta=true", b"x" * size)
    for _ in range(WARM_UP):
        assert await ask() >= len(EVENT)
    left = iter(range(requests))

    async def work() -> None:
        for _ in left:
            await ask()

    began = time.process_time()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    print((time.process_time() - began) / requests * 1e6)


async def _way(name: str, url: str, body: bytes) -> Ask:
    if name == "athena.http.channel":
        channel = http.channel()

        async def through_channel() -> int:
            response = await channel.open("POST", url, FIELDS, body)
            try:
                return sum([len(piece) async for piece in response.stream])
            finally:
                await response.aclose()

        return through_channel
    if name == "httpx.AsyncClient":
        client = http.client()

        async def through_client() -> int:
            async with client.stream("POST", url, headers=FIELDS, content=body) as response:
                return sum([len(piece) async for piece in response.aiter_raw()])

        return through_client
    return await _aiohttp(url, body) if name == "aiohttp" else _transport(name, url, body)


def _transport(name: str, url: str, body: bytes) -> Ask:
    if name == "httpx transport":
        transport: httpx.AsyncBaseTransport = httpx.AsyncHTTPTransport(trust_env=False)
    else:
        from httpx_aiohttp import AiohttpTransport

        transport = AiohttpTransport(trust_env=False)
    target = httpx.URL(url)
    fields = [("host", target.netloc.decode()), *FIELDS]
    limits = {"timeout": {"connect": 5, "read": 60, "write": 60, "pool": 5}}

    async def through_transport() -> int:
        request = httpx.Request("POST", target, headers=fields, content=body, extensions=limits)
        response = await transport.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        try:
            return sum([len(piece) async for piece in response.stream])
        finally:
            await response.stream.aclose()

    return through_transport


async def _aiohttp(url: str, body: bytes) -> Ask:
    import aiohttp
    from yarl import URL

    session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False)
    target, limit = URL(url, encoded=True), aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=60)

    async def through_aiohttp() -> int:
        response = await session.request("POST", target, headers=FIELDS, data=body, timeout=limit)
        try:
            return sum([len(piece) async for piece in response.content.iter_any()])
        finally:
            response.release()

    return through_aiohttp


if __name__ == "__main__":
    main()
