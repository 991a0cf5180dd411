"""From a row of steps to a message of the Anthropic API: planned once, then said whole or as a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from tests.fakes.provider.anthropic.models import Claude
from tests.fakes.provider.anthropic.prefix import Chain, Prompt, Signer, Unit
from tests.fakes.provider.fake import Bill, encode
from tests.fakes.provider.script import Begin, Content, Json, Ping, Raw, Step, Stop, Text, Think, Tool, pieces
from tests.fakes.provider.tokens import output_of

DEFAULT_THOUGHT = "The user asks; I look at what there is and answer."


@dataclass
class Plan:
    """What will be said: steps in order, content cut where the request's limits cut it."""

    steps: list[Step]
    stop_reason: str
    stop_sequence: str | None = None
    stop_details: Mapping[str, Json] | None = None


def plan(steps: Sequence[Step], body: Json, model: Claude) -> Plan:
    """Applies thinking, `stop_sequences` and `max_tokens` to what the script wants."""
    thinks = _thinks(body, model)
    wanted = [step for step in steps if thinks or not isinstance(step, Think)]
    first = next((at for at, step in enumerate(wanted) if isinstance(step, Content)), None)
    if thinks and first is not None and not isinstance(wanted[first], Think):
        wanted.insert(first, Think(DEFAULT_THOUGHT))
    reason = "tool_use" if any(isinstance(step, Tool) for step in wanted) else "end_turn"
    planned = Plan([], reason)
    left = body["max_tokens"]
    for step in wanted:
        if isinstance(step, Stop):
            planned.stop_reason, planned.stop_details = step.reason, step.details
            continue
        if isinstance(step, Text):
            step, sequence = _until_sequence(step, body.get("stop_sequences") or [])
            if sequence is not None:
                planned.stop_reason, planned.stop_sequence = "stop_sequence", sequence
                left = min(left, output_of(step))
        if isinstance(step, Content):
            if output_of(step) > left and planned.stop_sequence is None:
                planned.stop_reason = "max_tokens"
                if isinstance(step, Text) and left:
                    planned.steps.append(replace(step, text=step.text[: left * 4]))
                break
            left -= output_of(step)
        planned.steps.append(step)
        if planned.stop_sequence is not None:
            break
    return planned


def _thinks(body: Json, model: Claude) -> bool:
    kind = (body.get("thinking") or {}).get("type")
    return model.thinks if kind is None else kind in ("adaptive", "enabled")


def _until_sequence(step: Text, sequences: Sequence[str]) -> tuple[Text, str | None]:
    found = [(at, sequence) for sequence in sequences if (at := step.text.find(sequence)) >= 0]
    if not found:
        return step, None
    at, sequence = min(found)
    return replace(step, text=step.text[:at]), sequence


@dataclass
class Saying:
    """A message while it is being said. `output` counts what has been said so far."""

    id: str
    model: str
    prompt: Prompt
    planned: Plan
    signatures: dict[int, str]
    tool_ids: dict[int, str]
    shows_thinking: bool
    dropped: Sequence[str] = ()  # thinking of the request that this model couldn't read
    output: int = 0
    thought: int = 0
    _index: int = field(default=-1)

    @property
    def steps(self) -> Sequence[Step]:
        return self.planned.steps

    def bill(self, *, complete: bool) -> Bill:
        prompt = self.prompt
        written = sum(prompt.written.values())
        return Bill(self.id, self.model, prompt.input, prompt.cached, written, max(1, self.output), complete)

    def content(self) -> list[Json]:
        return [self.block(at, step) for at, step in enumerate(self.steps) if isinstance(step, Content)]

    def whole(self) -> Json:
        for step in self.steps:
            self._count(step)
        return {
            **self._head(),
            "content": self.content(),
            "stop_reason": self.planned.stop_reason,
            "stop_sequence": self.planned.stop_sequence,
            "stop_details": self.planned.stop_details,
            "usage": {**self._start_usage(), **self._usage()},
        }

    def events(self) -> Iterator[bytes | Step]:
        """Between them the steps that are no content."""
        begun = False
        for at, step in enumerate(self.planned.steps):
            if isinstance(step, Begin | Ping | Raw | Content) and not begun:
                begun = True
                yield self._start()
            if isinstance(step, Ping):
                yield PING
            elif isinstance(step, Raw):
                yield step.data
            elif isinstance(step, Content):
                yield from self._content(at, step)
            elif not isinstance(step, Begin):
                yield step
        if not begun:
            yield self._start()
        delta = {
            "stop_reason": self.planned.stop_reason,
            "stop_sequence": self.planned.stop_sequence,
            "stop_details": self.planned.stop_details,
        }
        yield event("message_delta", delta=delta, usage=self._usage())
        yield event("message_stop")

    def _start(self) -> bytes:
        head = {**self._head(), "content": [], "stop_reason": None, "stop_sequence": None, "stop_details": None}
        return event("message_start", message={**head, "usage": {**self._start_usage(), "output_tokens": 1}})

    def _head(self) -> Json:
        head: Json = {"id": self.id, "type": "message", "role": "assistant", "model": self.model}
        if self.dropped:
            entry = {"type": "thinking_dropped", "reason": "model_binding_mismatch"}
            head["input_transformations"] = [{**entry, "path": path} for path in self.dropped]
        return head

    def _start_usage(self) -> Json:
        return {**self.prompt.usage(), "service_tier": "standard", "inference_geo": "global"}

    def _usage(self) -> Json:
        usage = self.prompt.usage()
        del usage["cache_creation"]
        details = {"thinking_tokens": self.thought}
        return {**usage, "output_tokens": max(1, self.output), "output_tokens_details": details}

    def _count(self, step: Step) -> None:
        self.output += output_of(step)
        self.thought += output_of(step) if isinstance(step, Think) else 0

    def block(self, at: int, step: Content) -> Json:
        match step:
            case Text():
                return {"type": "text", "text": step.text}
            case Think(redacted=True):
                return {"type": "redacted_thinking", "data": self.signatures[at]}
            case Think():
                text = step.text if self.shows_thinking else ""
                return {"type": "thinking", "thinking": text, "signature": self.signatures[at]}
            case Tool():
                return {
                    "type": "tool_use",
                    "id": self.tool_ids[at],
                    "name": step.name,
                    "input": _parsed(step.json),
                    "caller": {"type": "direct"},
                }

    def _content(self, at: int, step: Content) -> Iterator[bytes]:
        self._index += 1
        block, index = self.block(at, step), self._index
        deltas: list[Json] = []
        match step:
            case Text():
                block["text"] = ""
                deltas = [{"type": "text_delta", "text": piece} for piece in pieces(step.text, step.pieces)]
            case Think(redacted=False):
                shown, block["thinking"], signature = block["thinking"], "", block["signature"]
                block["signature"] = ""
                deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(shown, step.pieces)]
                deltas.append({"type": "signature_delta", "signature": signature})
            case Tool():
                block["input"] = {}
                parts = ["", *pieces(step.json, step.pieces)]
                deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in parts]
        yield event("content_block_start", index=index, content_block=block)
        if index == 0:
            yield PING
        self._count(step)
        for delta in deltas:
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)


def say(
    planned: Plan,
    body: Json,
    before: Sequence[Unit],
    model: Claude,
    prompt: Prompt,
    signer: Signer,
    new_id: Callable[[str], str],
) -> Saying:
    """Signs each thinking block over everything before it, and names the tool calls."""
    chain = Chain()
    thinks = any(isinstance(step, Think) for step in planned.steps)
    for unit in before if thinks else ():
        chain.add(unit.role, unit.block)
    display = (body.get("thinking") or {}).get("display")
    shows = display == "summarized" if display else model.shows_thinking
    saying = Saying(new_id("msg_01"), model.id, prompt, planned, {}, {}, shows)
    for at, step in enumerate(planned.steps):
        if isinstance(step, Think):
            text = step.text if shows and not step.redacted else ""
            saying.signatures[at] = signer.sign(model, chain, text)
        elif isinstance(step, Tool):
            saying.tool_ids[at] = step.id or new_id("toolu_01")
        if thinks and isinstance(step, Content):
            chain.add("assistant", saying.block(at, step))
    return saying


def event(name: str, **data: Json) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), encode({"type": name, **data}))


PING = event("ping")


def _parsed(arguments: str) -> Json:
    try:
        value = msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return {}
    return value if isinstance(value, dict) else {}
