"""A request of OpenAI's chat completions as one of Anthropic's messages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from athena.errors import InvalidInput
from athena.gateway.translate.errors import CannotCarry
from athena.gateway.translate.to_anthropic.caching import mark
from athena.gateway.translate.to_anthropic.claude import Claude, claude
from athena.gateway.translate.to_anthropic.messages import conversation
from athena.gateway.translate.to_anthropic.parts import Block
from athena.gateway.translate.to_anthropic.schema import closed
from athena.gateway.translate.to_anthropic.tools import is_forced, offered
from athena.gateway.types import Json, Model

# Anthropic wants a bound. Where neither the client nor the model's facts give one, what every model can write.
_MAX_TOKENS = 8192

_JSON_ONLY = "Answer with one valid JSON object and nothing else: no words around it, no code fence."

# Meant, and not to be had: (what it must be for nobody to miss it, why not).
_REFUSED: dict[str, tuple[Callable[[Json], bool], str]] = {
    "n": (lambda value: value in (None, 1), "Anthropic gives one answer; ask as often as you want answers"),
    "logprobs": (lambda value: not value, "Anthropic gives no probabilities"),
    "top_logprobs": (lambda value: not value, "Anthropic gives no probabilities"),
    "logit_bias": (lambda value: not value, "Anthropic's tokens can't be weighed"),
    "audio": (lambda value: value is None, "Anthropic doesn't speak"),
    "modalities": (lambda value: value in (None, [], ["text"]), "Anthropic answers in text alone"),
    "web_search_options": (lambda value: value is None, "this route has no web search; give the model a tool for it"),
    "moderation": (lambda value: value is None, "moderation is a service of OpenAI's"),
}

# Carried, or without an equal that anybody would miss: what each becomes is in README.md.
_CARRIED = frozenset(
    """model messages tools functions tool_choice function_call parallel_tool_calls max_tokens max_completion_tokens
    stop stream stream_options response_format reasoning_effort thinking user safety_identifier
    prompt_cache_options""".split()
)
_SAMPLING = ("temperature", "top_p", "top_k")


@dataclass(frozen=True, slots=True)
class Wants:
    """What of the request shapes the answer. `usage`: a stream ends with its bill; `functions`: the client knows
    the call of one function, not of tools."""

    usage: bool = False
    functions: bool = False

    @classmethod
    def of(cls, body: Block) -> Wants:
        options = body.get("stream_options")
        return cls(
            usage=isinstance(options, dict) and options.get("include_usage") is True,
            functions=bool(body.get("functions")) and not body.get("tools"),
        )


def request(body: Block, model: Model, signatures: Mapping[str, Json]) -> Block:
    """The body for Anthropic: new, and `body` as it was. `signatures`: what `answer` and `Stream` gave to be
    remembered of this conversation. Raises `CannotCarry` and `InvalidInput`."""
    for field, (harmless, why) in _REFUSED.items():
        if field in body and not harmless(body[field]):
            raise CannotCarry(field, why)
    takes = claude(model.id)
    system, messages = conversation(body["messages"], model.id, takes, signatures)
    output_format, instruction = _format(body.get("response_format"))
    if instruction:
        system = [*system, {"type": "text", "text": instruction}]
    tools = offered(body, messages, takes)
    out: Block = {"model": model.id, "max_tokens": _max_tokens(body, model), **tools}
    if system:
        out["system"] = system
    out["messages"] = messages
    out |= _thinking(body, takes, model, is_forced(tools.get("tool_choice")))
    if output_format is not None:
        out.setdefault("output_config", {})["format"] = output_format
    out |= _sampling(body, takes, out.get("thinking"))
    if stop := _stop(body.get("stop")):
        out["stop_sequences"] = stop
    user = body.get("safety_identifier") or body.get("user")
    if isinstance(user, str) and user:
        # Anthropic refuses what looks like a mail address or a telephone number, and asks for a hash.
        out["metadata"] = {"user_id": hashlib.sha256(user.encode("utf-8", "replace")).hexdigest()}
    if body.get("stream"):
        out["stream"] = True
    mark(out, body.get("prompt_cache_options"))
    return out


def ignored(body: Block, model: Model) -> tuple[str, ...]:
    """The fields that were sent and say nothing to this model, in the request's order: to tell the client of."""
    takes = claude(model.id)
    carried = set(_CARRIED)
    if takes.sampling:
        sent_both = not takes.both_samplers and body.get("temperature") is not None
        carried |= set(_SAMPLING) - ({"top_p"} if sent_both else set())
    if not takes.efforts and body.get("reasoning_effort") != "none":
        carried.remove("reasoning_effort")
    found = [
        name for name, value in body.items() if name not in carried and name not in _REFUSED and _says(name, value)
    ]
    if any(message.get("name") and message["role"] not in ("tool", "function") for message in body["messages"]):
        found.append("messages[].name")
    return tuple(found)


def _says(name: str, value: Json) -> bool:
    if value is None or value is False or value in ({}, []):
        return False
    return not (name.endswith("_penalty") and value == 0)


def _max_tokens(body: Block, model: Model) -> Json:
    """A bound above what the model can write is no bound; Anthropic would refuse it."""
    asked = body.get("max_completion_tokens")
    if asked is None:
        asked = body.get("max_tokens")
    if asked is None:
        return model.output or _MAX_TOKENS
    return min(asked, model.output) if isinstance(asked, int) and model.output else asked


def _format(wanted: Json) -> tuple[Block | None, str]:
    """`output_config.format`, and what must be said in words instead."""
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if wanted is None or kind == "text":
        return None, ""
    if kind == "json_object":
        return None, _JSON_ONLY
    if kind != "json_schema" or not isinstance(wanted.get("json_schema"), dict):
        raise InvalidInput("response_format: must be of type text, json_object or json_schema")
    given: Block = wanted["json_schema"]
    schema = closed(given.get("schema"), "response_format.json_schema.schema")
    if given.get("description") and not schema.get("description"):
        schema["description"] = given["description"]
    return {"type": "json_schema", "schema": schema}, ""


def _thinking(body: Block, takes: Claude, model: Model, forced: bool) -> Block:
    """`thinking` and the effort. A client that asks for effort wants to read the thoughts, too: summaries, for the
    newest models show none by themselves. Where a call is forced there is no thinking to be had."""
    found: Block = {}
    asked, given = body.get("reasoning_effort"), body.get("thinking")
    if asked == "none":
        if takes.off:
            found["thinking"] = {"type": takes.off}
        elif takes.always_thinks:
            found["output_config"] = {"effort": takes.efforts[0]}
    elif isinstance(asked, str):
        effort = takes.effort(asked)
        if effort is not None:
            found["output_config"] = {"effort": effort}
        if takes.adaptive and asked != "minimal" and not forced and model.thinking is not False:
            found["thinking"] = {"type": "adaptive", "display": "summarized"}
    if isinstance(given, dict):
        found["thinking"] = given
    return found


def _sampling(body: Block, takes: Claude, thinking: Json) -> Block:
    """Of the models that can still be told. Temperatures end at 1 here; whoever thinks takes none."""
    if not takes.sampling or (isinstance(thinking, dict) and thinking.get("type") != "disabled"):
        return {}
    found: Block = {name: body[name] for name in _SAMPLING if body.get(name) is not None}
    if isinstance(found.get("temperature"), int | float):
        found["temperature"] = min(found["temperature"], 1)
        if not takes.both_samplers:
            found.pop("top_p", None)
    return found


def _stop(stop: Json) -> list[str]:
    if stop is None:
        return []
    sequences = [stop] if isinstance(stop, str) else stop
    if not isinstance(sequences, list) or not all(isinstance(sequence, str) for sequence in sequences):
        raise InvalidInput("stop: must be a text or a list of texts")
    if any(not sequence.strip() for sequence in sequences):
        raise CannotCarry("stop", "Anthropic can't stop at white space alone")
    return list(sequences)
