"""From a call to the bytes for one model: translated where the wires differ, spliced where they don't."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from athena.errors import AthenaError
from athena.gateway import wires
from athena.gateway.credentials import credential
from athena.gateway.errors import ContextExceeded
from athena.gateway.flow.call import Call
from athena.gateway.flow.edit import spliced
from athena.gateway.flow.parts import Parts
from athena.gateway.flow.trim import trimmed
from athena.gateway.jsontext import encoded
from athena.gateway.ports import Message
from athena.gateway.surfaces.headers import upward
from athena.gateway.translate import same_wire, to_anthropic, to_openai
from athena.gateway.translate.errors import CannotCarry, NotCarried
from athena.gateway.types import Json, Model, Outgoing, Provider

_PATHS: Final = {"anthropic": "/v1/messages", "openai": "/chat/completions"}
_VERSION: Final = ("anthropic-version", "2023-06-01")
_TYPE: Final = ("content-type", "application/json")
_COUNTED: Final = frozenset(
    """model system messages tools tool_choice thinking output_config output_format cache_control context_management
    mcp_servers container""".split()
)
# A window of this size or less is trimmed to the newest messages; a larger one never is.
_SMALL_WINDOW: Final = 8192
# Room that an answer needs at least, where the client doesn't say how much it may be.
_LEAST_ANSWER: Final = 256
_TRIM: Final = "x-athena-trim"


@dataclass(slots=True)
class Preparation:
    """`messages` are those to send, after the rewriting; `models` all that may be asked, in order. `counting`: tokens
    are asked for, not an answer. `begun` is told of each model in turn. `notes` collects what the client should be told
    of what was left out on the way to the model that answers."""

    parts: Parts
    call: Call
    messages: Sequence[Message]
    models: Sequence[Model] = ()
    counting: bool = False
    begun: Callable[[Model], None] | None = None
    notes: list[str] = field(default_factory=list)

    async def __call__(self, model: Model) -> Outgoing:
        """Raises `CannotCarry`, `ContextExceeded`, `StoreUnavailable`."""
        self.notes.clear()
        if self.begun is not None:
            self.begun(model)
        try:
            content = await self._content(model)
        except CannotCarry as exc:
            if self.models and model == self.models[0] and self.is_named(model):
                raise NotCarried(exc.message, hint=exc.hint, details=exc.details) from exc
            raise
        provider = model.provider
        path = _PATHS[provider.wire]
        if provider.wire == "anthropic":
            if self.counting:
                path += "/count_tokens"
                content = _countable(content)
            query = self.call.asked.query if self.call.wire == "anthropic" else ""
            path += f"?{query}" if query else ""
        return Outgoing(model, path, self._headers(provider), content, self.call.stream)

    def is_named(self, model: Model) -> bool:
        """Whether the client asked for this very model."""
        named = self.parts.router.registry.resolve(self.call.override or self.call.model)
        return named is not None and named.kind == "model" and named.models[0].name == model.name

    def _headers(self, provider: Provider) -> tuple[tuple[str, str], ...]:
        auth = self._auth(provider)
        same = provider.wire == self.call.wire and not provider.local
        own = self.call.own_key is not None and self.call.own_provider == provider.name
        sent = upward(self.call.asked.headers, own=own) if same else []
        if provider.wire == "anthropic" and not (same and _VERSION[0] in self.call.asked.headers):
            sent.append(_VERSION)
        return (*sent, _TYPE, *auth)

    def _auth(self, provider: Provider) -> tuple[tuple[str, str], ...]:
        call = self.call
        key = credential(provider, call.principal, call.own_key, call.own_provider)
        if key is None:
            return ()
        if provider.wire == call.wire and key == call.own_key and _is_bearer(call, key):
            # As the client chose to send it: what kind of token it is, the provider knows.
            return (("authorization", f"Bearer {key}"),)
        return wires.of(provider.wire).auth(key)

    async def _content(self, model: Model) -> bytes:
        call, wire = self.call, model.provider.wire
        if wire == call.wire:
            return await self._same(model)
        body = {**call.body, "messages": list(self.messages)}
        if wire == "openai":
            signatures = await self._signatures(model, _anthropic_calls(self.messages))
            self._ignored(to_openai.ignored(body, model))
            return await self._fitting(to_openai.request(body, model, signatures), model)
        signatures = await self._signatures(model, _openai_calls(self.messages))
        self._ignored(to_anthropic.ignored(body, model))
        return encoded(to_anthropic.request(body, model, signatures))

    async def _same(self, model: Model) -> bytes:
        call = self.call
        fields: dict[str, Json] = {"model": model.id}
        if model.provider.wire == "anthropic":
            messages = same_wire.without_foreign(self.messages, call.asked.raw)
            return spliced(call.asked.raw, call.body, fields=fields, messages=messages)
        signatures: Mapping[str, Json] = {}
        if model.provider.dialect == "google":
            signatures = await self._signatures(model, _openai_calls(self.messages))
        messages = same_wire.with_signatures(self.messages, signatures)
        if model.provider.local and call.shape.needs.vision:
            same_wire.refuse_to_fetch(messages)
        if call.stream:
            options = call.body.get("stream_options")
            fields["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
        if model.provider.local and not call.shape.needs.fits_surely(model):
            return await self._fitting({**call.body, **fields, "messages": list(messages)}, model)
        return spliced(call.asked.raw, call.body, fields=fields, messages=messages)

    async def _signatures(self, model: Model, calls: Iterable[str]) -> Mapping[str, Json]:
        wanted = list(calls)
        if not wanted or model.provider.dialect not in ("anthropic", "google"):
            return {}
        return await self.parts.signatures.find(self.call.principal, model.provider.name, wanted)

    async def _fitting(self, body: dict[str, Json], model: Model) -> bytes:
        """Counted where it isn't sure that it fits; then trimmed where the window is small, or refused."""
        if model.provider.dialect != "llama" or model.context is None or self.call.shape.needs.fits_surely(model):
            return encoded(body)
        room = model.context - min(_answer_size(body), model.context // 2)
        tokens = await self._count(body)
        if tokens is None or tokens <= room:
            return encoded(body)
        if self._may_trim(model):
            kept = trimmed(body["messages"], tokens, room)
            if kept is not None:
                shorter = {**body, "messages": kept}
                fewer = await self._count(shorter)
                if fewer is not None and fewer <= room:
                    left_out = len(body["messages"]) - len(kept)
                    self.notes.append(f"trimmed: {left_out} oldest messages left out, window of {model.context}")
                    return encoded(shorter)
        raise ContextExceeded(f"prompt is too long: {tokens} tokens > {room} maximum ({model.name})")

    def _may_trim(self, model: Model) -> bool:
        """Where the request says so; else in a small window, where no larger one is left to try."""
        said = self.call.asked.headers.get(_TRIM)
        if said is not None:
            return said.lower() == "on"
        left = self.models[self.models.index(model) + 1 :] if model in self.models else ()
        larger = any(other.context is None or other.context > (model.context or 0) for other in left)
        return (model.context or 0) <= _SMALL_WINDOW and not larger

    async def _count(self, body: dict[str, Json]) -> int | None:
        """None where the server can't say; it refuses what is too long by itself, and never cuts it."""
        try:
            return await self.parts.live.count(body)
        except AthenaError:
            return None

    def _ignored(self, fields: Sequence[str]) -> None:
        if fields:
            self.notes.append(f"not carried: {' '.join(fields)}")


def _countable(content: bytes) -> bytes:
    """Of a request for an answer, what is part of its prompt: Anthropic counts nothing that comes with more."""
    try:
        fields = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return encoded({name: value for name, value in json.loads(content).items() if name in _COUNTED})
    return msgspec.json.encode({name: value for name, value in fields.items() if name in _COUNTED})


def _is_bearer(call: Call, key: str) -> bool:
    return call.asked.headers.get("x-api-key", "").strip() != key


def _answer_size(body: Mapping[str, Json]) -> int:
    asked = body.get("max_tokens") or body.get("max_completion_tokens")
    return asked if isinstance(asked, int) else _LEAST_ANSWER


def _anthropic_calls(messages: Sequence[Message]) -> Iterable[str]:
    for message in messages:
        content = message.get("content")
        if message.get("role") == "assistant" and isinstance(content, list):
            for block in content:
                if isinstance(block, dict) and block.get("type") == "tool_use":
                    yield str(block.get("id"))


def _openai_calls(messages: Sequence[Message]) -> Iterable[str]:
    for message in messages:
        calls = message.get("tool_calls") if message.get("role") == "assistant" else None
        for each in calls if isinstance(calls, list) else ():
            if isinstance(each, dict):
                yield str(each.get("id"))
