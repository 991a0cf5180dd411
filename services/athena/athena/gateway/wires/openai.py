"""How a provider of the OpenAI wire speaks: OpenAI, Google's compatible endpoint, Ollama, llama-server and others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from athena.gateway import sse
from athena.gateway.sse import Event
from athena.gateway.types import Failure, FailureKind, Tokens
from athena.gateway.wires import faults
from athena.gateway.wires.events import Splitter, events
from athena.gateway.wires.heard import Heard

# A comment: clients of this wire know no event without a choice.
PING: Final = b": ping\n\n"
_DONE: Final = b"[DONE]"

_WORDS_OF: Final[Mapping[FailureKind, tuple[str, str]]] = {
    "rate": ("rate_limit_error", "rate_limit_exceeded"),
    "spend": ("insufficient_quota", "insufficient_quota"),
    "overloaded": ("server_error", "overloaded"),
    "timeout": ("server_error", "timeout"),
    "auth": ("authentication_error", "invalid_api_key"),
    "missing": ("invalid_request_error", "model_not_found"),
    "context": ("invalid_request_error", "context_length_exceeded"),
    "request": ("invalid_request_error", "invalid_request"),
}


class _Details(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Choice(msgspec.Struct):
    delta: dict[str, Any] | None = None
    text: str | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


class _Bill(msgspec.Struct):
    usage: _Usage | None = None


_chunk = msgspec.json.Decoder(_Chunk)
_bill = msgspec.json.Decoder(_Bill)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def auth(key: str) -> tuple[tuple[str, str], ...]:
    """The header that carries `key`; none for an empty one, which is how local servers are spoken to."""
    return (("authorization", f"Bearer {key}"),) if key else ()


def failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """A 429 is about money only where its code says so: many servers of this wire send no `retry-after`."""
    return faults.failure(status, headers, body, bare_429="rate")


def heard(body: bytes) -> Heard | None:
    """None: this is no answer."""
    try:
        chunk = _chunk.decode(body)
    except msgspec.ValidationError:
        return Heard(tokens=_tokens(_usage_alone(body))) if _is_object(body) else None
    except msgspec.DecodeError:
        return None
    if chunk.error and not chunk.choices:
        return Heard(failure=faults.inside_stream(body))
    stop = next((choice.finish_reason for choice in chunk.choices or () if choice.finish_reason), None)
    return Heard(tokens=_tokens(chunk.usage), stop=stop)


def listen() -> Tap:
    return Tap()


def error_event(message: str, kind: FailureKind, source: str = "athena") -> bytes:
    """An error inside a stream, in the words of the API; `source` says who failed."""
    type_, code = _WORDS_OF.get(kind, ("server_error", "server_error"))
    error = {"message": message, "type": type_, "param": None, "code": code, "source": source}
    return sse.encode(msgspec.json.encode({"error": error}))


class Tap:
    """A `types.Tap`. After the first content only events that may hold usage, a finish reason, an error or the end
    are decoded."""

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
        if whole and (not self.committed or _may_matter(whole)):
            for event in events(whole):
                self._hear(event)

    def end(self) -> None:
        for event in events(self._split.rest):
            self._hear(event)
        self.at_boundary = True
        # Not every server says [DONE].
        self.done = self.done or (self.stop is not None and self.failure is None)

    def _hear(self, event: Event) -> None:
        if event.data == _DONE:
            self.done = True
            return
        chunk = self._read(event)
        if chunk is None:
            return
        if chunk.error or event.name == "error":
            self.failure = self.failure or faults.inside_stream(event.data)
            return
        if chunk.usage is not None:
            self.tokens = _tokens(chunk.usage)
        for choice in chunk.choices or ():
            self.committed = self.committed or _has_content(choice)
            self.stop = choice.finish_reason or self.stop

    def _read(self, event: Event) -> _Chunk | None:
        try:
            return _chunk.decode(event.data)
        except msgspec.ValidationError:
            # Something in it isn't as documented. It is content, but the bill may still be readable.
            self.committed = True
            return _Chunk(usage=_usage_alone(event.data))
        except msgspec.DecodeError:
            if not self.committed:
                self.failure = self.failure or Failure("server", "sent an event that isn't JSON")
            return None


def _may_matter(whole: bytes) -> bool:
    """False only where nothing but content can be inside. Inside a JSON string a quote is escaped, so text that
    speaks of usage isn't taken for it."""
    return (
        _DONE in whole
        or b'"error"' in whole
        or b"event:" in whole
        or whole.count(b'"finish_reason"') != whole.count(b'"finish_reason":null')
        or whole.count(b'"usage"') != whole.count(b'"usage":null')
    )


def _has_content(choice: _Choice) -> bool:
    return bool(choice.text) or any(value for name, value in (choice.delta or {}).items() if name != "role")


def _tokens(usage: _Usage | None) -> Tokens | None:
    """`prompt_tokens` holds what was read from the cache. `completion_tokens` may lack what was thought (Google),
    which the total has."""
    if usage is None or usage.prompt_tokens is None:
        return None
    details = usage.prompt_tokens_details or _Details()
    cached, written = details.cached_tokens or 0, details.cache_write_tokens or 0
    output = max(usage.completion_tokens or 0, (usage.total_tokens or 0) - usage.prompt_tokens)
    return Tokens(input=max(0, usage.prompt_tokens - cached - written), cached=cached, written=written, output=output)


def _usage_alone(data: bytes) -> _Usage | None:
    try:
        return _bill.decode(data).usage
    except msgspec.DecodeError:
        return None


def _is_object(body: bytes) -> bool:
    try:
        _object.decode(body)
    except msgspec.DecodeError:
        return False
    return True
