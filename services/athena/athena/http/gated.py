"""httpx's transports behind the gate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpx

from athena.http.gate import Gate


class GatedTransport(httpx.AsyncBaseTransport):
    """Asks the gate before each request, redirected ones too, and before each piece of an answer from a host that
    isn't local; lets the gate cut both short."""

    def __init__(self, inner: httpx.AsyncBaseTransport, gate: Gate) -> None:
        self._inner = inner
        self._gate = gate

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.raw_host.decode("ascii")
        await self._gate.admit(host)
        if self._gate.is_local(host):
            return await self._inner.handle_async_request(request)
        try:
            async with asyncio.timeout(None) as limit:
                with _ended_by(self._gate, limit):
                    response = await self._inner.handle_async_request(request)
        except TimeoutError:
            await self._gate.admit(host)
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _GatedStream(response.stream, self._gate, host)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _GatedStream(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, gate: Gate, host: str) -> None:
        self._inner = inner
        self._gate = gate
        self._host = host

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = aiter(self._inner)
        while True:
            await self._gate.admit(self._host)
            try:
                async with asyncio.timeout(None) as limit:
                    with _ended_by(self._gate, limit):
                        piece = await anext(pieces)
            except StopAsyncIteration:
                return
            except TimeoutError:
                await self._gate.admit(self._host)
                raise
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


@contextmanager
def _ended_by(gate: Gate, limit: asyncio.Timeout) -> Iterator[None]:
    """When the gate closes, `limit` is over."""
    loop = asyncio.get_running_loop()
    with gate.watching(lambda: limit.reschedule(loop.time())):
        yield
