"""What a request looks like, read off its body and headers once: its class, its needs, its task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from athena.errors import InvalidInput
from athena.gateway.route.rules import Rules
from athena.gateway.route.types import Needs, Shape
from athena.gateway.types import Json, RequestClass, Wire

_CLASSES = frozenset(get_args(RequestClass))
CLASS_HEADER, TASK_HEADER = "x-claude-code-request-class", "x-athena-task"
_AGENT_CLIENT = "claude-cli/"
# A question whose whole answer is a word or two is one that a program asks.
_TINY_ANSWER = 16
# Of a text that is longer, so much of its beginning and of its end.
_MUCH = 4_000
_IMAGES = frozenset({"image", "image_url", "input_image"})
_HARD_EFFORTS = frozenset({"high", "xhigh", "max"})


def read(wire: Wire, body: Mapping[str, Json], size: int, headers: Mapping[str, str], rules: Rules) -> Shape:
    """`size`: bytes of the body. `headers` have lower-case names. The task kind is looked for in a person's text
    alone. Raises `InvalidInput` for a task kind that there isn't."""
    messages = [each for each in body.get("messages") or () if isinstance(each, dict)]
    seen = _Seen()
    for message in messages:
        seen.content(message.get("content"))
    newest = _newest(messages)
    in_loop = any(_answers_tool(each) for each in newest)
    text = "" if in_loop else _text(newest)
    tools = bool(body.get("tools") or body.get("functions"))
    request_class = classify(wire, body, headers, rules, text, tools)
    task, said = _task(headers, rules, text if request_class != "auxiliary" else "")
    return Shape(
        request_class=request_class,
        needs=Needs(
            size=max(0, size - seen.image_bytes),
            images=seen.images,
            tools=tools or seen.tools,
            thinking=_thinks(body),
            structured=_structured(body),
            output=_output(body),
        ),
        in_loop=in_loop,
        text=text,
        task=task,
        task_said=said,
    )


def classify(
    wire: Wire, body: Mapping[str, Json], headers: Mapping[str, str], rules: Rules, text: str, tools: bool
) -> RequestClass:
    """What the client says it is; else what it looks like."""
    said = headers.get(CLASS_HEADER, "").strip().lower()
    if said in _CLASSES:
        return said  # type: ignore[return-value]
    if any(mark in text for mark in rules.classes.compaction):
        return "compaction"
    if tools:
        return "main"
    if any(mark in text for mark in rules.classes.auxiliary) or _system_has(body, rules.classes.auxiliary):
        return "auxiliary"
    if wire == "anthropic":
        # Claude Code always brings its tools to a conversation; without them it asks for something beside it.
        output = _output(body)
        if headers.get("user-agent", "").startswith(_AGENT_CLIENT) or 0 < output <= _TINY_ANSWER:
            return "auxiliary"
    return "main"


@dataclass(slots=True)
class _Seen:
    images: int = 0
    image_bytes: int = 0
    tools: bool = False

    def content(self, content: Json) -> None:
        if not isinstance(content, list):
            return
        for block in content:
            if not isinstance(block, dict):
                continue
            kind = block.get("type")
            if not isinstance(kind, str):
                continue
            if kind in _IMAGES:
                self.images += 1
                self.image_bytes += _image_size(block)
            elif kind == "tool_result":
                self.tools = True
                self.content(block.get("content"))


def _image_size(block: Mapping[str, Json]) -> int:
    """Bytes that the image's data takes in the body."""
    source = block.get("source")
    if isinstance(source, dict):
        return len(str(source.get("data") or ""))
    url = block.get("image_url")
    url = url.get("url") if isinstance(url, dict) else url
    return len(url) if isinstance(url, str) and url.startswith("data:") else 0


def _newest(messages: list[dict[str, Json]]) -> list[dict[str, Json]]:
    """What came after the newest answer; the client's late system messages apart."""
    newest: list[dict[str, Json]] = []
    for message in reversed(messages):
        if message.get("role") == "assistant":
            break
        if message.get("role") not in ("system", "developer"):
            newest.append(message)
    return newest[::-1]


def _answers_tool(message: Mapping[str, Json]) -> bool:
    if message.get("role") in ("tool", "function"):
        return True
    content = message.get("content")
    return isinstance(content, list) and any(
        isinstance(block, dict) and block.get("type") == "tool_result" for block in content
    )


def _text(messages: Iterable[Mapping[str, Json]]) -> str:
    """What was written for a reader: reminders that a client puts beside it apart."""
    parts = (part for message in messages for part in _parts(message.get("content")))
    text = "\n".join(part for part in parts if not part[:200].lstrip().startswith("<system-reminder>"))
    return text if len(text) <= 2 * _MUCH else f"{text[:_MUCH]}\n{text[-_MUCH:]}"


def _parts(content: Json) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for block in content:
            if isinstance(block, dict) and block.get("type") in ("text", "input_text"):
                text = block.get("text")
                if isinstance(text, str):
                    yield text


def _system_has(body: Mapping[str, Json], marks: tuple[str, ...]) -> bool:
    return any(mark in part[:_MUCH] for part in _parts(body.get("system")) for mark in marks)


def _task(headers: Mapping[str, str], rules: Rules, text: str) -> tuple[str | None, bool]:
    said = headers.get(TASK_HEADER, "").strip().lower()
    if said:
        if said not in rules.tasks:
            raise InvalidInput(f"{TASK_HEADER}: there is no task kind {said!r}; there are {', '.join(rules.tasks)}")
        return said, True
    return rules.lexicon.kind(text), False


def _thinks(body: Mapping[str, Json]) -> bool:
    """Whether thinking was asked for; `adaptive` leaves it to the model, and so to any model."""
    thinking = body.get("thinking")
    if isinstance(thinking, dict):
        return thinking.get("type") == "enabled"
    effort = body.get("reasoning_effort")
    return isinstance(effort, str) and effort in _HARD_EFFORTS


def _structured(body: Mapping[str, Json]) -> bool:
    output = body.get("output_config")
    asked = body.get("response_format") or body.get("output_format")
    asked = asked or (output.get("format") if isinstance(output, dict) else None)
    return isinstance(asked, dict) and asked.get("type") in ("json_schema", "json_object")


def _output(body: Mapping[str, Json]) -> int:
    for name in ("max_completion_tokens", "max_tokens"):
        value = body.get(name)
        if isinstance(value, int) and value > 0:
            return value
    return 0
