"""Server-sent events: bytes as they come, cut anywhere, to whole events, and back."""

from __future__ import annotations

from dataclasses import dataclass

# An event that never ends is an attack or a mistake, not an answer.
_LONGEST = 64 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Event:
    """`name` is empty where the stream gives none (the OpenAI wire never does)."""

    name: str
    data: bytes


class Parser:
    """Feed it chunks, get the events that are complete: the same ones, however the bytes were cut. Comments and
    fields other than `event` and `data` are dropped, as the standard says; line ends may be LF, CRLF or CR.

    What is held back is looked at once: a long event costs its length, not its length for each of its chunks.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._after_cr = False  # an LF that comes now is the second half of a line end
        self._begun = False

    @property
    def at_boundary(self) -> bool:
        """Nothing of an event that has begun is still to come."""
        return not self._rest or self._rest == b"\n"  # two would have ended an event

    def feed(self, chunk: bytes) -> list[Event]:
        """Raises `ValueError` for an event of more than 64 MiB."""
        data = self._lines(chunk)
        if self._rest:
            # The empty line that ends an event may lie across two chunks.
            seen = len(self._rest) - 1
            self._rest += data
            if self._rest.find(b"\n\n", seen) < 0:
                _check(len(self._rest))
                return []
            data = bytes(self._rest)
        *whole, rest = data.split(b"\n\n")
        self._rest = bytearray(rest)
        _check(len(rest))
        return [event for block in whole if (event := self._event(block)) is not None]

    def end(self) -> list[Event]:
        """What is left when the stream ends without the empty line: an event, if it has data. The standard drops
        it; but providers forget the empty line, and half an event shows itself when its data is read."""
        rest, self._rest = bytes(self._rest), bytearray()
        event = self._event(rest)
        return [event] if event is not None else []

    def _lines(self, chunk: bytes) -> bytes:
        """`chunk` with LF as its only line end."""
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk[:1] == b"\n":
                chunk = chunk[1:]
        if b"\r" not in chunk:
            return chunk
        self._after_cr = chunk[-1:] == b"\r"
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _event(self, block: bytes) -> Event | None:
        _check(len(block))
        if not self._begun:
            self._begun = True
            block = block.removeprefix(_BOM)
        name, lines = "", []
        for line in block.split(b"\n"):
            # A line without a colon is a field without a value; one that begins with it is a comment.
            field, _, value = line.partition(b":")
            if field == b"data":
                lines.append(value.removeprefix(b" "))
            elif field == b"event":
                name = value.removeprefix(b" ").decode("utf-8", "replace")
        return Event(name, b"\n".join(lines)) if lines else None


def encode(data: bytes, name: str = "") -> bytes:
    """One event. `data` holds no line end."""
    return (b"event: " + name.encode() + b"\n" if name else b"") + b"data: " + data + b"\n\n"


def _check(length: int) -> None:
    if length > _LONGEST:
        raise ValueError("an event of the stream is longer than 64 MiB")
