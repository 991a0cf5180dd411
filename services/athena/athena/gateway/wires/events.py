"""Where in a stream the events end, found without looking into them."""

from __future__ import annotations

import re

from athena.gateway.sse import Event, Parser

# Providers' events are a few hundred bytes; an image in one is some megabytes.
_LONGEST = 64 * 1024 * 1024
# Two line ends in a row, each LF, CRLF or CR. Atomic: a CRLF is never taken for two.
_BLANK = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")


class Splitter:
    """Gives back what is complete, in the very bytes that came, and keeps the beginning of the next event.

    Where everything ends in LF and every chunk on a boundary, which is what providers send, a chunk costs a few
    hundred nanoseconds.
    """

    __slots__ = ("_parts", "_size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def rest(self) -> bytes:
        return b"".join(self._parts)

    @property
    def empty(self) -> bool:
        return not self._parts

    def feed(self, chunk: bytes) -> bytes:
        """The events that are complete now, maybe none. Raises `ValueError` for one of more than 64 MiB."""
        if self._parts:
            if b"\n" not in chunk and b"\r" not in chunk:
                # A long event in many chunks: joined once, not at each of them.
                self._keep(chunk)
                return b""
            chunk = b"".join((*self._parts, chunk))
            self._parts.clear()
            self._size = 0
        if chunk.endswith(b"\n\n"):
            return chunk
        cut = _last_boundary(chunk)
        if chunk[cut:].strip(b"\r\n"):
            self._keep(chunk[cut:])
            return chunk[:cut]
        return chunk

    def _keep(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)
        if self._size > _LONGEST:
            raise ValueError("an event of the stream is longer than 64 MiB")


def events(whole: bytes) -> list[Event]:
    """The events of what a `Splitter` gave, or of its rest when the stream has ended."""
    parser = Parser()
    return [*parser.feed(whole), *parser.end()]


def _last_boundary(data: bytes) -> int:
    if b"\r" not in data:
        return data.rfind(b"\n\n") + 2 if b"\n\n" in data else 0
    cut = 0
    for found in _BLANK.finditer(data):
        cut = found.end()
    return cut
