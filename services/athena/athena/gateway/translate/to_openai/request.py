"""A request as Anthropic's clients send it, for a provider of the OpenAI wire."""

from __future__ import annotations

from collections.abc import Mapping

from athena.errors import InvalidInput
from athena.gateway.translate.errors import CannotCarry
from athena.gateway.translate.to_openai import thinking, tools
from athena.gateway.translate.to_openai.dialects import MANNERS
from athena.gateway.translate.to_openai.messages import conversation
from athena.gateway.translate.to_openai.shapes import mapping
from athena.gateway.types import Json, Model

# What asks Anthropic's servers to do or to hold something: elsewhere nobody would.
_ANTHROPICS_OWN = {
    "container": "a container at Anthropic can't be used elsewhere",
    "mcp_servers": "only Anthropic's servers call MCP servers for a client",
    "thread": "a conversation that Anthropic holds can't be gone on with elsewhere",
    "compaction": "a compaction in Anthropic's form can't be made elsewhere",
}
_CARRIED = frozenset(_ANTHROPICS_OWN) | {
    *("model", "messages", "system", "tools", "tool_choice", "max_tokens", "stop_sequences", "stream"),
    *("output_config", "output_format", "inference_geo"),
}
_NAME_CLAUDE = "name a Claude model for this request, or leave the field out"


def request(body: Mapping[str, Json], model: Model, signatures: Mapping[str, Json]) -> dict[str, Json]:
    """The body for `model`; nothing of `body` is changed. `signatures`: what `answer` or `Stream` gave for earlier
    calls of tools, by their ids; those of this provider alone. Raises `CannotCarry` for what has a meaning that the
    other wire can't say, `InvalidInput` for what is no request."""
    _refuse(body, model)
    out: dict[str, Json] = {"model": model.id, "messages": conversation(body, model, signatures)}
    out |= tools.offered(body, model)
    out |= _limits(body, model)
    out |= _format(body)
    out |= thinking.asked(body, model)
    if body.get("stream"):
        out |= {"stream": True, "stream_options": {"include_usage": True}}
    return out


def ignored(body: Mapping[str, Json], model: Model) -> tuple[str, ...]:
    """The fields that were sent and say nothing to this model, in the request's order: hints, and what is newer than
    this translation. To tell the client of."""
    carried = set(_CARRIED)
    if _samples(model):
        carried |= {"temperature", "top_p"}
    if MANNERS[model.provider.dialect].top_k:
        carried.add("top_k")
    if thinking.asked(body, model):
        carried.add("thinking")
    found = [name for name, value in body.items() if name not in carried and value not in (None, False, {}, [])]
    for name in mapping(body.get("output_config"), "output_config"):
        if name != "format" and not (name == "effort" and "thinking" in carried):
            found.append(f"output_config.{name}")
    return tuple(found)


def _samples(model: Model) -> bool:
    """Models of OpenAI that think refuse to be told how to sample; so does Claude by now."""
    return not (model.provider.dialect == "openai" and model.thinking)


def _refuse(body: Mapping[str, Json], model: Model) -> None:
    for name, why in _ANTHROPICS_OWN.items():
        if body.get(name):
            # On this code, Anthropic's SDK sends the whole conversation again, without a thread.
            details = {"error_code": "thread_unsupported_request"} if name == "thread" else None
            raise CannotCarry(name, why, hint=_NAME_CLAUDE, details=details)
    if body.get("inference_geo") and not model.provider.local:
        raise CannotCarry("inference_geo", "only Anthropic promises where a request is computed", hint=_NAME_CLAUDE)


def _limits(body: Mapping[str, Json], model: Model) -> dict[str, Json]:
    manners = MANNERS[model.provider.dialect]
    most = body.get("max_tokens")
    out: dict[str, Json] = {}
    if most is not None:  # as in a request that only counts tokens
        if not isinstance(most, int) or isinstance(most, bool):
            raise InvalidInput("max_tokens: must be a number of tokens")
        if most < 1:
            raise CannotCarry("max_tokens", "only Anthropic fills a cache without an answer", hint="ask for 1 at least")
        out[manners.max_tokens] = most
    if _samples(model):
        out |= {name: body[name] for name in ("temperature", "top_p") if body.get(name) is not None}
    if manners.top_k and body.get("top_k") is not None:
        out["top_k"] = body["top_k"]
    stops = body.get("stop_sequences") or []
    if not isinstance(stops, list):
        raise InvalidInput("stop_sequences: must be a list")
    if manners.stops is not None and len(stops) > manners.stops:
        raise CannotCarry(
            "stop_sequences",
            f"this provider takes {manners.stops} at most, not {len(stops)}",
            hint="send fewer, or name another model",
        )
    return out | ({"stop": list(stops)} if stops else {})


def _format(body: Mapping[str, Json]) -> dict[str, Json]:
    """`output_config.format`, or `output_format` as it was called in its beta."""
    config = mapping(body.get("output_config"), "output_config")
    wanted = mapping(config.get("format") or body.get("output_format"), "output_config.format")
    if not wanted:
        return {}
    if wanted.get("type") != "json_schema":
        raise CannotCarry(
            "output_config.format", f"the format `{wanted.get('type')}` isn't known elsewhere", hint="use json_schema"
        )
    schema = mapping(wanted.get("schema"), "output_config.format.schema")
    named = {"name": "answer", "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": named}}
