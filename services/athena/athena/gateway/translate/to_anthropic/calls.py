"""Tool calls and their results: under ids that Anthropic takes, once each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from athena.errors import InvalidInput
from athena.gateway.jsontext import decoded
from athena.gateway.translate.errors import CannotCarry
from athena.gateway.translate.to_anthropic.parts import Block
from athena.gateway.types import Json

_VALID = re.compile(r"[a-zA-Z0-9_-]+")

# Where a small model wrote arguments that are no JSON object: kept under this name, so that the model that goes on
# sees what was called and why the tool's answer is a complaint.
MALFORMED = "malformed_arguments"


class Ids:
    """A conversation's tool call ids, in order. The same conversation gives the same ids, and a longer one the same
    for what it begins with. Some servers count from `call_0` again in each turn, some use characters that Anthropic
    refuses, some clients send none: each call gets an id of its own, and a result the latest call it can mean."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._now: dict[str, str] = {}  # as the client knows a call, to how it is sent
        self._open: list[tuple[str, str]] = []  # calls without a result yet: name, id as sent

    def call(self, known: str, name: str) -> str:
        base = known or f"call_{len(self._taken)}"
        if not _VALID.fullmatch(base):
            base = f"call_{hashlib.blake2b(base.encode('utf-8', 'replace'), digest_size=12).hexdigest()}"
        sent, again = base, 2
        while sent in self._taken:
            sent, again = f"{base}_{again}", again + 1
        self._taken.add(sent)
        if known:
            self._now[known] = sent
        self._open.append((name, sent))
        return sent

    def result(self, known: str, name: str) -> str | None:
        """The call that is answered; without an id, the first open one of that name, or the first open one."""
        sent = self._now.get(known) if known else self._first_open(name)
        if sent is not None:
            self._open = [entry for entry in self._open if entry[1] != sent]
        return sent

    def _first_open(self, name: str) -> str | None:
        named = (sent for called, sent in self._open if called == name)
        return next(named, self._open[0][1] if self._open else None)


def uses(message: Block, where: str, ids: Ids) -> list[tuple[str, Block]]:
    """The calls of an assistant's message, each with the id that the client knows it by (empty: none)."""
    found = []
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise InvalidInput(f"{where}.tool_calls: must be a list")
    for index, call in enumerate(calls):
        here = f"{where}.tool_calls[{index}]"
        if not isinstance(call, dict) or not isinstance(call.get("function"), dict):
            raise CannotCarry(here, "Anthropic has function calls only, not custom tools' free text")
        found.append(_use(call["function"], call.get("id"), f"{here}.function", ids))
    function = message.get("function_call")
    if isinstance(function, dict) and not calls:
        found.append(_use(function, None, f"{where}.function_call", ids))
    return found


def result(message: Block, where: str, ids: Ids, blocks: Callable[[Json, str], list[Block]]) -> Block:
    """A `tool_result` of a message of role `tool` (or `function`, as it once was)."""
    known, name = message.get("tool_call_id"), message.get("name")
    known, name = known if isinstance(known, str) else "", name if isinstance(name, str) else ""
    sent = ids.result(known, name)
    if sent is None:
        which = f".tool_call_id: no message before this one makes the call {known!r}" if known else ": answers no call"
        raise InvalidInput(f"{where}{which}")
    block: Block = {"type": "tool_result", "tool_use_id": sent}
    content = message.get("content")
    if isinstance(content, str):
        if content.strip():
            block["content"] = content
    elif said := blocks(content, f"{where}.content"):
        block["content"] = said
    return block


def _use(function: Block, known: Json, where: str, ids: Ids) -> tuple[str, Block]:
    name = function.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidInput(f"{where}.name: a call must name its function")
    known = known if isinstance(known, str) else ""
    return known, {
        "type": "tool_use",
        "id": ids.call(known, name),
        "name": name,
        "input": _input(function.get("arguments")),
    }


def _input(arguments: Json) -> Block:
    if isinstance(arguments, dict):
        return arguments
    if not isinstance(arguments, str) or not arguments.strip():
        return {}
    try:
        value = decoded(arguments)
    except ValueError:
        return {MALFORMED: arguments}
    return value if isinstance(value, dict) else {MALFORMED: arguments}
