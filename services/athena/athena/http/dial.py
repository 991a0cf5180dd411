"""Open a TCP connection, whichever of a name's addresses answers first."""

from __future__ import annotations

import asyncio
import socket
from itertools import chain, zip_longest
from typing import TypeAlias

_Address: TypeAlias = tuple[socket.AddressFamily, tuple[str | int | bytes, ...]]

# RFC 8305: how much head start an address has before the next one is tried beside it.
_HEAD_START_S = 0.25
# NATs and load balancers forget a silent connection; a model may think for minutes.
_PROBE_AFTER_S = 45


async def dial(host: str, port: int) -> socket.socket:
    """A connected, non-blocking socket. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = _interleaved([(family, address) for family, _, _, _, address in found])
    if len(addresses) == 1:
        return await _connect(*addresses[0])
    return await _race(addresses)


def _interleaved(addresses: list[_Address]) -> list[_Address]:
    """The system's order, but with the families taking turns: one of them may lead nowhere."""
    first = [each for each in addresses if each[0] == addresses[0][0]]
    other = [each for each in addresses if each[0] != addresses[0][0]]
    return [each for each in chain.from_iterable(zip_longest(first, other)) if each is not None]


async def _race(addresses: list[_Address]) -> socket.socket:
    """One attempt after the other, each with a head start; the first that stands wins, the others are closed."""
    attempts: set[asyncio.Task[socket.socket]] = set()
    why = OSError("the name has no address")
    left = list(addresses)
    try:
        while left or attempts:
            if left:
                attempts.add(asyncio.create_task(_connect(*left.pop(0))))
            done, attempts = await asyncio.wait(
                attempts, timeout=_HEAD_START_S if left else None, return_when=asyncio.FIRST_COMPLETED
            )
            won = [task.result() for task in done if task.exception() is None]
            for spare in won[1:]:
                spare.close()
            if won:
                return won[0]
            why = next((exc for task in done if isinstance(exc := task.exception(), OSError)), why)
        raise why
    finally:
        for task in attempts:
            task.cancel()
            task.add_done_callback(_close)


def _close(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _connect(family: socket.AddressFamily, address: tuple[str | int | bytes, ...]) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _PROBE_AFTER_S)
        await asyncio.get_running_loop().sock_connect(made, address)
    except BaseException:
        made.close()
        raise
    return made
