"""From a row of steps to a chat completion: planned once, then said whole or as a stream."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from tests.fakes.provider.fake import Bill, Rejected, encode
from tests.fakes.provider.openai.shape import Chat, Dialect
from tests.fakes.provider.script import Begin, Content, Json, Ping, Raw, Step, Stop, Text, Think, Tool, pieces
from tests.fakes.provider.tokens import output_of, tokens_of

_IMAGE_TOKENS = 765
_CACHED_FROM = 1024
_CACHED_STEP = 128
COMMENT = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"


class PromptCache:
    """What OpenAI does by itself: the longest beginning of messages it has seen, in steps of 128 from 1,024 tokens."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def bill(self, body: Json, model: Chat, key: str) -> tuple[int, int]:
        """Tokens of the prompt, and how many of them were cached."""
        chain, total, cached = f"{model.id} {key}".encode(), 3, 0
        for part in ([body["tools"]] if body.get("tools") else []) + body["messages"]:
            chain = hashlib.blake2b(chain + encode(part), digest_size=16).digest()
            total += size(part)
            if chain in self._seen:
                cached = total
            self._seen.add(chain)
        return total, cached // _CACHED_STEP * _CACHED_STEP if cached >= _CACHED_FROM else 0


def size(part: Json) -> int:
    """Tokens of a message, or of the tools."""
    if not isinstance(part, dict) or "role" not in part:
        return tokens_of(encode(part).decode())
    content = part.get("content")
    calls = part.get("tool_calls")
    total = 4 + (tokens_of(encode(calls).decode()) if calls else 0)
    if isinstance(content, str):
        return total + tokens_of(content)
    for piece in content or ():
        total += tokens_of(piece["text"]) if piece.get("type") == "text" else _IMAGE_TOKENS
    return total


class Signer:
    """Google's signatures on tool calls: one for each step of the model, on its first call."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, name: str, arguments: str) -> str:
        mac = hmac.new(self._secret, name.encode() + b"\0" + _same(arguments), hashlib.sha256).digest()
        return base64.b64encode(b"thought" + mac).decode()

    def check(self, messages: Sequence[Json]) -> None:
        """Raises `Rejected` for a call of the current turn that comes back without its signature."""
        last = max((at for at, message in enumerate(messages) if message["role"] == "user"), default=-1)
        for at, message in enumerate(messages):
            calls = message.get("tool_calls") or ()
            if not calls or at < last:
                continue
            function = calls[0]["function"]
            signature = (calls[0].get("extra_content") or {}).get("google", {}).get("thought_signature")
            if not signature:
                raise Rejected(
                    400,
                    "INVALID_ARGUMENT",
                    "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                    "work correctly, and missing thought_signature may lead to degraded model performance. Additional "
                    f"data, function call `default_api:{function['name']}` , position {at + 1}. Please refer to "
                    "https://ai.google.dev/gemini-api/docs/thought-signatures for more details.",
                )
            if not hmac.compare_digest(signature, self.sign(function["name"], function["arguments"])):
                raise Rejected(400, "INVALID_ARGUMENT", "Corrupted thought signature.")


def _same(arguments: str) -> bytes:
    try:
        return encode(msgspec.json.decode(arguments))
    except msgspec.DecodeError:
        return arguments.encode()


@dataclass
class Plan:
    steps: list[Step]
    finish: str


def plan(steps: Sequence[Step], body: Json, dialect: Dialect) -> Plan:
    """Applies `stop` and the limit on output to what the script wants."""
    finish = "tool_calls" if any(isinstance(step, Tool) for step in steps) else "stop"
    if dialect == "openai" and isinstance(body.get("tool_choice"), dict):
        finish = "stop"  # OpenAI's word for a call that was forced by name
    stops = body.get("stop") or []
    stops = [stops] if isinstance(stops, str) else stops
    left = body.get("max_completion_tokens") or body.get("max_tokens") or 1_000_000
    planned = Plan([], finish)
    for step in steps:
        if isinstance(step, Stop):
            planned.finish = step.reason
            continue
        if isinstance(step, Text) and (ends := [at for stop in stops if (at := step.text.find(stop)) >= 0]):
            planned.steps.append(replace(step, text=step.text[: min(ends)]))
            planned.finish = "stop"
            break
        if isinstance(step, Content) and output_of(step) > left:
            planned.finish = "length"
            if isinstance(step, Text):
                planned.steps.append(replace(step, text=step.text[: left * 4]))
            break
        left -= output_of(step)
        planned.steps.append(step)
    return planned


@dataclass
class Saying:
    """A completion while it is being said. `output` counts what has been said so far."""

    id: str
    body: Json
    dialect: Dialect
    planned: Plan
    prompt: int
    cached: int
    created: int
    tool_ids: Mapping[int, str]
    signatures: Mapping[int, str]
    output: int = 0
    reasoned: int = 0

    @property
    def steps(self) -> Sequence[Step]:
        return self.planned.steps

    def bill(self, *, complete: bool) -> Bill:
        model, output = self.body["model"], max(1, self.output)
        return Bill(self.id, model, self.prompt - self.cached, self.cached, 0, output, complete)

    def whole(self) -> Json:
        message: Json = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
        calls = []
        for at, step in enumerate(self.planned.steps):
            self._count(step)
            if isinstance(step, Text):
                message["content"] = (message["content"] or "") + step.text
            elif isinstance(step, Think) and (word := _REASONING.get(self.dialect)):
                message[word] = message.get(word, "") + step.text
            elif isinstance(step, Tool):
                calls.append(self._call(at, step, step.json))
        if calls:
            message["tool_calls"] = calls
        choice = {"message": message, "logprobs": None, "finish_reason": self.planned.finish}
        return {
            **self._head("chat.completion"),
            "choices": [{"index": index, **choice} for index in range(self.body.get("n") or 1)],
            "usage": self._usage(),
        }

    def events(self) -> Iterator[bytes | Step]:
        """Between them the steps that are no content."""
        begun = False
        for at, step in enumerate(self.planned.steps):
            if isinstance(step, Begin | Ping | Raw | Content) and not begun:
                begun = True
                yield self._delta({"role": "assistant", "content": "", "refusal": None})
            if isinstance(step, Ping):
                yield COMMENT
            elif isinstance(step, Raw):
                yield step.data
            elif isinstance(step, Content):
                self._count(step)
                yield from (self._delta(delta) for delta in self._deltas(at, step))
            elif not isinstance(step, Begin):
                yield step
        if not begun:
            yield self._delta({"role": "assistant", "content": "", "refusal": None})
        yield self._delta({}, self.planned.finish)
        if self._tells_usage and self.dialect != "google":
            yield self._event(choices=[], usage=self._usage())
        yield DONE

    def _deltas(self, at: int, step: Content) -> Iterator[Json]:
        match step:
            case Text():
                yield from ({"content": piece} for piece in pieces(step.text, step.pieces))
            case Think():
                word = _REASONING.get(self.dialect)
                yield from ({word: piece} for piece in pieces(step.text, step.pieces) if word)
            case Tool() if self.dialect == "openai" or self.dialect == "generic":
                call = self._call(at, step, "")
                index = call["index"]
                yield {"tool_calls": [call]}
                for piece in pieces(step.json, step.pieces):
                    yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
            case Tool():  # Google and Ollama say a call in one piece
                yield {"tool_calls": [self._call(at, step, step.json)]}

    def _call(self, at: int, step: Tool, arguments: str) -> Json:
        function = {"name": step.name, "arguments": arguments}
        call: Json = {"id": self.tool_ids[at], "type": "function", "function": function}
        if self.body.get("stream"):
            call["index"] = list(self.tool_ids).index(at)
        if at in self.signatures:
            call["extra_content"] = {"google": {"thought_signature": self.signatures[at]}}
        return call

    @property
    def _tells_usage(self) -> bool:
        """Google does without being asked."""
        return self.dialect == "google" or bool((self.body.get("stream_options") or {}).get("include_usage"))

    def _delta(self, delta: Json, finish: str | None = None) -> bytes:
        more: Json = {}
        if self.dialect == "google":
            delta = {"role": "assistant", **delta}
            delta.pop("refusal", None)
            more["usage"] = self._usage()
        elif self._tells_usage:
            more["usage"] = None
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        if self.dialect == "openai" and (self.body.get("stream_options") or {}).get("include_obfuscation", True):
            more["obfuscation"] = "Jq3x"
        return self._event(choices=[choice], **more)

    def _event(self, **more: Json) -> bytes:
        return b"data: %b\n\n" % encode({**self._head("chat.completion.chunk"), **more})

    def _head(self, kind: str) -> Json:
        head = {"id": self.id, "object": kind, "created": self.created, "model": self.body["model"]}
        if self.dialect == "openai":
            head |= {"service_tier": "default", "system_fingerprint": "fp_fa4e"}
        return head

    def _count(self, step: Step) -> None:
        self.output += output_of(step)
        self.reasoned += output_of(step) if isinstance(step, Think) else 0

    def _usage(self) -> Json:
        output = max(1, self.output)
        usage = {"prompt_tokens": self.prompt, "completion_tokens": output, "total_tokens": self.prompt + output}
        if self.dialect == "ollama":
            return usage
        return {
            **usage,
            "prompt_tokens_details": {"cached_tokens": self.cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": self.reasoned, "audio_tokens": 0},
        }


_REASONING: Mapping[Dialect, str] = {"ollama": "reasoning", "generic": "reasoning_content"}
_CALL_IDS: Mapping[Dialect, str] = {"google": "function-call-"}


def say(
    planned: Plan,
    body: Json,
    dialect: Dialect,
    prompt: tuple[int, int],
    created: int,
    signer: Signer,
    new_id: Callable[[str], str],
) -> Saying:
    """Names the tool calls, and signs the first of them where Google does."""
    calls = {at: step for at, step in enumerate(planned.steps) if isinstance(step, Tool)}
    ids = {at: step.id or new_id(_CALL_IDS.get(dialect, "call_")) for at, step in calls.items()}
    first = next(iter(calls), None)
    signed: dict[int, str] = {}
    if dialect == "google" and first is not None:
        signed[first] = signer.sign(calls[first].name, calls[first].json)
    return Saying(new_id("chatcmpl-"), body, dialect, planned, *prompt, created, ids, signed)
