"""From what a provider answered to what the client reads."""

from __future__ import annotations

from typing import Final

import msgspec

from athena.gateway.flow.call import Call
from athena.gateway.flow.stream import Back, Translated, Verbatim, WithoutUsage
from athena.gateway.sse import Event, Parser
from athena.gateway.translate import same_wire, to_anthropic, to_openai
from athena.gateway.translate.errors import NoAnswer
from athena.gateway.types import Failure, Json, Model

_SIGNED: Final = b'"extra_content"'


class Returning:
    """One answer's way back. `signatures`: what its provider signed, complete when the answer is."""

    def __init__(self, call: Call, model: Model) -> None:
        self._call = call
        self._model = model
        self.signatures: dict[str, Json] = {}

    def whole(self, body: bytes) -> bytes:
        """An answer that isn't streamed. Raises `NoAnswer`."""
        if self._is_same:
            if _SIGNED in body:
                self.signatures = same_wire.signed_in(body, "message")
            return body
        try:
            return msgspec.json.encode(self._translated(msgspec.json.decode(body)))
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise NoAnswer(f"{self._model.name} answered in a shape that isn't known") from exc

    def _translated(self, answer: Json) -> Json:
        if self._call.wire == "anthropic":
            said, self.signatures = to_openai.answer(answer, self._model, self._call.model)
        else:
            wants = to_anthropic.Wants.of(self._call.body)
            said, self.signatures = to_anthropic.answer(answer, self._model, self._call.model, wants)
        return said

    def stream(self) -> Back:
        if self._is_same:
            return self._same_stream()
        if self._call.wire == "anthropic":
            said = to_openai.Stream(self._model, self._call.model)
            self.signatures = said.signatures
            return Translated(said)
        heard = to_anthropic.Stream(self._model, self._call.model, to_anthropic.Wants.of(self._call.body))
        self.signatures = heard.signatures
        return Translated(heard)

    def failure(self, failure: Failure) -> tuple[int, str, bytes]:
        """A provider's error, with its words, as the client's surface has errors: status, content type, body."""
        if self._is_same:
            return failure.status, failure.content_type, failure.body
        render = to_openai.error if self._call.wire == "anthropic" else to_anthropic.error
        status, body = render(failure.status, failure.body)
        return status, "application/json", body

    @property
    def _is_same(self) -> bool:
        return self._call.wire == self._model.provider.wire

    def _same_stream(self) -> Back:
        if self._call.wire == "anthropic":
            return Verbatim()
        options = self._call.body.get("stream_options")
        asked = isinstance(options, dict) and bool(options.get("include_usage"))
        back: Back = Verbatim() if asked else WithoutUsage()
        return _Signed(back, self.signatures) if self._model.provider.dialect == "google" else back


class _Signed:
    """Notes what is signed in the events that pass."""

    def __init__(self, back: Back, signatures: dict[str, Json]) -> None:
        self._back = back
        self._signatures = signatures
        self._parser = Parser()

    @property
    def failed(self) -> bool:
        return self._back.failed

    def feed(self, chunk: bytes) -> bytes:
        for event in self._parser.feed(chunk):
            self._note(event)
        return self._back.feed(chunk)

    def end(self) -> bytes:
        return self._back.end()

    def _note(self, event: Event) -> None:
        if _SIGNED in event.data:
            self._signatures |= same_wire.signed_in(event.data, "delta")
