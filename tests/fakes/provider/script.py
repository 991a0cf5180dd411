"""What a fake model says and suffers: an answer is a row of steps.

    fake.script(Text("Let me look."), Tool("Read", {"path": "a.txt"}))   # the next request gets this
    fake.script(Refuse(429, retry_after=1), model="claude-haiku-5-5")     # the next one for this model
    fake.script(Text("half of it"), Fail("overloaded_error"))              # an error inside a stream of status 200

The same can be asked for from outside, by a line in the newest user message:

    x-fake: [{"text": "half of it"}, {"fail": "overloaded_error"}]
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = Any


@dataclass(frozen=True, slots=True)
class Text:
    """`pieces`: into how many deltas a stream cuts it."""

    text: str
    pieces: int = 4


@dataclass(frozen=True, slots=True)
class Think:
    text: str
    pieces: int = 2
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool call. `arguments`, where given, is sent as the call's JSON as it stands: small models break theirs."""

    name: str
    input: Mapping[str, Json] = field(default_factory=dict)
    id: str | None = None
    arguments: str | None = None
    pieces: int = 3

    @property
    def json(self) -> str:
        return self.arguments if self.arguments is not None else json.dumps(self.input, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence, in seconds. As the first step nothing has been sent yet, not even the status."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Begin:
    """Status, headers and what comes before content are sent now; without it, with the first content."""


@dataclass(frozen=True, slots=True)
class Ping:
    """What keeps a connection warm: a `ping` event, or a comment line where the wire has none."""


@dataclass(frozen=True, slots=True)
class Fail:
    """An error event inside the stream; of an answer that isn't streamed, the status that belongs to it."""

    kind: str = "overloaded_error"
    message: str = "Overloaded"


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset here."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """The connection is closed here, tidily, with the rest unsaid."""


@dataclass(frozen=True, slots=True)
class CutJson:
    """A complete HTTP answer whose JSON is only the first half. (Not for streams.)"""


@dataclass(frozen=True, slots=True)
class Raw:
    """These bytes, in the middle of a stream."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Stop:
    """Ends the answer with this reason in the provider's own words, whatever the answer holds."""

    reason: str
    details: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """An error status instead of an answer. A 429 without `retry_after` is a limit on spending.

    `body`: sent as it is (a page of HTML from something in between, say) instead of the provider's own shape.
    """

    status: int
    message: str | None = None
    retry_after: int | None = None
    body: bytes | None = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


Content = Text | Think | Tool
Step = Content | Pause | Begin | Ping | Fail | Reset | HangUp | CutJson | Raw | Stop | Refuse

HTML_500 = Refuse(500, body=b"<html><body><h1>500 Internal Server Error</h1></body></html>", content_type="text/html")


@dataclass(frozen=True, slots=True)
class _Planned:
    steps: tuple[Step, ...]
    model: str | None
    where: Callable[[Json], bool] | None


class Script:
    """Answers in waiting. Each is used once, by the first request that it is meant for."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def add(
        self, *steps: Step, model: str | None = None, where: Callable[[Json], bool] | None = None, times: int = 1
    ) -> None:
        """`where` is asked with the request's body."""
        self._planned += [_Planned(steps, model, where)] * times

    def take(self, body: Json) -> tuple[Step, ...] | None:
        for planned in self._planned:
            if planned.model in (None, body.get("model")) and (planned.where is None or planned.where(body)):
                self._planned.remove(planned)
                return planned.steps
        return marked(newest_text(body))

    @property
    def left(self) -> int:
        """Answers nobody has come for yet."""
        return len(self._planned)

    def clear(self) -> None:
        self._planned.clear()


def newest_text(body: Json) -> str:
    """The text of the last message, if it is a user's; both wires spell it alike."""
    messages = body.get("messages") or [{}]
    newest = next((m for m in reversed(messages) if m.get("role") != "system"), messages[-1])
    if newest.get("role") != "user":
        return ""
    content = newest.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text", "") for block in content or [] if block.get("type") == "text")


_MARK = re.compile(r"^\s*x-fake: *(\[.*\])\s*$", re.MULTILINE)


def marked(text: str) -> tuple[Step, ...] | None:
    """The steps that the text itself asks for."""
    if "x-fake:" not in text or (match := _MARK.search(text)) is None:
        return None
    return tuple(_step(entry) for entry in json.loads(match[1]))


def _step(entry: Mapping[str, Json]) -> Step:
    word, value = next(iter(entry.items()))
    match word:
        case "text":
            return Text(value, entry.get("pieces", 4))
        case "think":
            return Think(value)
        case "tool":
            return Tool(value, entry.get("input", {}), entry.get("id"), entry.get("arguments"))
        case "pause":
            return Pause(value)
        case "fail":
            return Fail(value, entry.get("message", "Overloaded"))
        case "stop":
            return Stop(value)
        case "refuse":
            return Refuse(value, entry.get("message"), entry.get("retry_after"))
    plain: dict[str, Step] = {"begin": Begin(), "ping": Ping(), "reset": Reset()}
    return (plain | {"hang_up": HangUp(), "cut_json": CutJson()})[word]


def pieces(text: str, count: int) -> Sequence[str]:
    """The text in at most `count` parts of about the same length, none of them empty."""
    size = max(1, -(-len(text) // max(1, count)))
    return [text[at : at + size] for at in range(0, len(text), size)]
