"""How a provider of the Anthropic wire speaks: credentials, streams, usage, errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from athena.gateway import sse
from athena.gateway.sse import Event
from athena.gateway.types import Failure, FailureKind, Tokens
from athena.gateway.wires import faults
from athena.gateway.wires.events import Splitter, events
from athena.gateway.wires.heard import Heard

VERSION: Final = "2023-06-01"
PING: Final = sse.encode(b'{"type":"ping"}', "ping")

_TYPE_OF: Final[Mapping[FailureKind, str]] = {
    "rate": "rate_limit_error",
    "spend": "billing_error",
    "overloaded": "overloaded_error",
    "timeout": "timeout_error",
    "auth": "authentication_error",
    "missing": "not_found_error",
    "context": "invalid_request_error",
    "request": "invalid_request_error",
}


class _Kept(msgspec.Struct):
    """`cache_creation`: what was written into the cache, by how long it stays there."""

    ephemeral_1h_input_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation: _Kept | None = None


class _Message(msgspec.Struct):
    usage: _Usage | None = None


class _Delta(msgspec.Struct):
    stop_reason: str | None = None


class _Start(msgspec.Struct):
    message: _Message | None = None


class _Change(msgspec.Struct):
    delta: _Delta | None = None
    usage: _Usage | None = None


class _Kind(msgspec.Struct):
    type: str = ""


class _Whole(msgspec.Struct):
    usage: _Usage | None = None
    stop_reason: str | None = None
    type: str = ""


_start = msgspec.json.Decoder(_Start)
_change = msgspec.json.Decoder(_Change)
_kind = msgspec.json.Decoder(_Kind)
_whole = msgspec.json.Decoder(_Whole)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def auth(key: str) -> tuple[tuple[str, str], ...]:
    """The header that carries `key`: tokens of a subscription are bearers, everything else is an API key."""
    if key.startswith("sk-ant-oat"):
        return (("authorization", f"Bearer {key}"),)
    return (("x-api-key", key),)


def failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """A 429 without `retry-after` is a spend limit."""
    return faults.failure(status, headers, body, bare_429="spend")


def heard(body: bytes) -> Heard | None:
    """None: this is no answer."""
    try:
        whole = _whole.decode(body)
    except msgspec.ValidationError:
        return Heard() if _is_object(body) else None
    except msgspec.DecodeError:
        return None
    if whole.type == "error":
        return Heard(failure=faults.inside_stream(body))
    return Heard(tokens=_tokens(whole.usage, None), stop=whole.stop_reason)


def listen() -> Tap:
    return Tap()


def error_event(message: str, kind: FailureKind, source: str = "athena") -> bytes:
    """An error inside a stream, in the words of the API; `source` says who failed."""
    error = {"type": _TYPE_OF.get(kind, "api_error"), "message": message, "source": source}
    return sse.encode(msgspec.json.encode({"type": "error", "error": error}), "error")


class Tap:
    """A `types.Tap`. Text deltas are never decoded: after the first block only what may be the end, or an error,
    is looked at."""

    __slots__ = ("_split", "at_boundary", "committed", "done", "failure", "stop", "tokens")

    def __init__(self) -> None:
        self._split = Splitter()
        self.committed = False
        self.done = False
        self.at_boundary = True
        self.failure: Failure | None = None
        self.tokens: Tokens | None = None
        self.stop: str | None = None

    def feed(self, chunk: bytes) -> None:
        whole = self._split.feed(chunk)
        self.at_boundary = self._split.empty
        # A name or type that isn't spelled in these bytes isn't among their events.
        if whole and (not self.committed or b"message_" in whole or b"error" in whole):
            for event in events(whole):
                self._hear(event)

    def end(self) -> None:
        for event in events(self._split.rest):
            self._hear(event)
        self.at_boundary = True

    def _hear(self, event: Event) -> None:
        name = event.name or _type_of(event.data)
        if name == "message_delta":
            self._change(event.data)
        elif name == "message_stop":
            self.done = True
        elif name == "error":
            self.failure = self.failure or faults.inside_stream(event.data)
        elif name == "message_start":
            self._start(event.data)
        elif name.startswith("content_block_"):
            self.committed = True

    def _start(self, data: bytes) -> None:
        try:
            message = _start.decode(data).message
        except msgspec.DecodeError:
            return
        if message is not None:
            self.tokens = _tokens(message.usage, self.tokens)

    def _change(self, data: bytes) -> None:
        try:
            change = _change.decode(data)
        except msgspec.DecodeError:
            return
        self.tokens = _tokens(change.usage, self.tokens)
        if change.delta is not None and change.delta.stop_reason is not None:
            self.stop = change.delta.stop_reason


def _tokens(usage: _Usage | None, before: Tokens | None) -> Tokens | None:
    """Usage is cumulative, and what isn't said again stays as it was."""
    if usage is None:
        return before
    before = before or Tokens()
    kept = usage.cache_creation or _Kept()

    def latest(value: int | None, earlier: int) -> int:
        return earlier if value is None else value

    return Tokens(
        input=latest(usage.input_tokens, before.input),
        cached=latest(usage.cache_read_input_tokens, before.cached),
        written=latest(usage.cache_creation_input_tokens, before.written),
        output=latest(usage.output_tokens, before.output),
        written_1h=latest(kept.ephemeral_1h_input_tokens, before.written_1h),
    )


def _type_of(data: bytes) -> str:
    try:
        return _kind.decode(data).type
    except msgspec.DecodeError:
        return ""


def _is_object(body: bytes) -> bool:
    try:
        _object.decode(body)
    except msgspec.DecodeError:
        return False
    return True
