"""Calls of tools, put together from what comes of them, in whatever order it comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from athena.gateway.translate.to_openai import ids, reading
from athena.gateway.types import Json


@dataclass(slots=True)
class Call:
    """One call. `arguments` as said, in pieces; `extra`: what the provider wants to see again with it."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    given: Json = None
    extra: Json = None

    @property
    def written(self) -> str:
        """The arguments as JSON that is an object."""
        return reading.arguments(self.given if self.given is not None else "".join(self.arguments))


class Calls:
    """All calls of one answer."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._at: dict[int | None, Call] = {}

    def __bool__(self) -> bool:
        return any(call.name for call in self._calls)

    def take(self, pieces: Json) -> None:
        """The list `tool_calls` of a delta."""
        if isinstance(pieces, list):
            for piece in pieces:
                if isinstance(piece, Mapping):
                    self._take(piece)

    def take_whole(self, calls: Json) -> None:
        """The list `tool_calls` of a message: each is a call of its own."""
        if isinstance(calls, list):
            self.take([{**call, "index": place} for place, call in enumerate(calls) if isinstance(call, Mapping)])

    def named(self, answer_id: Json) -> list[Call]:
        """Those that call something, each with an id of its own that Anthropic's format allows."""
        taken: set[str] = set()
        found = [call for call in self._calls if call.name]
        for index, call in enumerate(found):
            wanted = ids.for_client(call.id) if call.id else ""
            if not wanted or wanted in taken:
                wanted = ids.coined(answer_id if isinstance(answer_id, str) else None, index)
            taken.add(wanted)
            call.id = wanted
        return found

    def _take(self, piece: Mapping[str, Json]) -> None:
        function = piece.get("function")
        function = function if isinstance(function, Mapping) else {}
        call = self._call_of(piece, function)
        if isinstance(name := function.get("name"), str) and not call.name:
            call.name = name
        if isinstance(said := function.get("arguments"), str):
            call.arguments.append(said)
        elif isinstance(said, Mapping):
            call.given = said
        if piece.get("extra_content"):
            call.extra = piece["extra_content"]

    def _call_of(self, piece: Mapping[str, Json], function: Mapping[str, Json]) -> Call:
        """The call that a piece belongs to. Places are told by `index`, which some providers leave out and some
        say 0 of all: another id is another call, and so is a second name once the first call is complete."""
        place = index if isinstance(index := piece.get("index"), int) else None
        given = id if isinstance(id := piece.get("id"), str) else ""
        call = self._at.get(place)
        if call is not None and not self._another(call, given, function):
            call.id = call.id or given
            return call
        call = Call(id=given)
        self._calls.append(call)
        self._at[place] = call
        return call

    def _another(self, call: Call, given: str, function: Mapping[str, Json]) -> bool:
        if given and call.id:
            return given != call.id
        begins = bool(function.get("name") and function.get("arguments"))
        return begins and bool(call.name) and (call.given is not None or bool("".join(call.arguments).strip()))
