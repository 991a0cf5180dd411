"""A request's fields for Anthropic, each on an example: carried, refused, or said to be ignored."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from athena.errors import InvalidInput
from athena.gateway.translate import to_anthropic
from athena.gateway.translate.errors import CannotCarry
from athena.gateway.types import Model
from tests.fakes.provider.anthropic import shape
from tests.fakes.provider.anthropic.models import MODELS
from tests.unit.openai_talk import ANTHROPIC, asked, call, claude, unmarked, user

Json = Any


def translated(model: str = "claude-sonnet-5-5", **fields: Json) -> Json:
    return to_anthropic.request(asked(user(), **fields), claude(model), {})


def function(name: str, parameters: Json = None, **more: Json) -> Json:
    given = {} if parameters is None else {"parameters": parameters}
    return {"type": "function", "function": {"name": name, **given, **more}}


@pytest.mark.parametrize(
    ("fields", "output", "bound"),
    [
        ({}, None, 8192),
        ({}, 64_000, 64_000),
        ({"max_tokens": 10}, 64_000, 10),
        ({"max_tokens": 10, "max_completion_tokens": 20}, 64_000, 20),
        ({"max_tokens": 100_000}, 64_000, 64_000),
        ({"max_tokens": 100_000}, None, 100_000),
        ({"max_tokens": None}, 500, 500),
    ],
)
def test_anthropic_wants_a_bound_on_tokens(fields: Json, output: int | None, bound: int):
    request = to_anthropic.request(asked(user(), **fields), Model(ANTHROPIC, "claude-haiku-5-5", output=output), {})
    assert request["max_tokens"] == bound


def test_the_model_is_the_one_that_was_chosen_and_streams_are_asked_for():
    request = translated(stream=True, stream_options={"include_usage": True})
    assert request["model"] == "claude-sonnet-5-5"
    assert request["stream"] is True
    assert "stream" not in translated(stream=False)


@pytest.mark.parametrize(("stop", "sequences"), [("END", ["END"]), (["a", "b"], ["a", "b"]), (None, None), ([], None)])
def test_stop_sequences(stop: Json, sequences: Json):
    assert translated(stop=stop).get("stop_sequences") == sequences


def test_whoever_asks_is_known_to_anthropic_by_a_hash_alone():
    first, again, other = (
        translated(user=who)["metadata"]["user_id"] for who in ("me@example.org", "me@example.org", "you@example.org")
    )
    assert first == again != other
    assert "@" not in first
    assert translated(user="x", safety_identifier="me@example.org")["metadata"]["user_id"] == first


@pytest.mark.parametrize(
    ("field", "value", "harmless"),
    [
        ("n", 2, 1),
        ("logprobs", True, False),
        ("top_logprobs", 3, 0),
        ("logit_bias", {"50256": -100}, {}),
        ("audio", {"voice": "alloy"}, None),
        ("modalities", ["text", "audio"], ["text"]),
        ("web_search_options", {}, None),
        ("moderation", {"model": "omni"}, None),
    ],
)
def test_what_is_meant_and_cannot_be_had_is_refused_by_name(field: str, value: Json, harmless: Json):
    with pytest.raises(CannotCarry) as refused:
        translated(**{field: value})
    assert refused.value.field == field
    request = translated(**{field: harmless})
    assert field not in request
    assert to_anthropic.ignored(asked(user(), **{field: harmless}), claude()) == ()


def test_whitespace_alone_stops_nothing_at_anthropic():
    with pytest.raises(CannotCarry, match="stop"):
        translated(stop=["END", "\n\n"])
    with pytest.raises(InvalidInput, match="stop"):
        translated(stop=5)


# Sampling: gone since Claude 4.7.


@pytest.mark.parametrize("model", ["claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-4-8", "claude-mythos-preview"])
def test_the_newest_models_are_not_told_how_to_sample_and_the_client_can_be_told_so(model: str):
    fields = {"temperature": 0, "top_p": 0.9, "seed": 7, "frequency_penalty": 0.5, "presence_penalty": 0}
    assert not {"temperature", "top_p", "seed", "frequency_penalty"} & translated(model, **fields).keys()
    assert to_anthropic.ignored(asked(user(), **fields), claude(model)) == (
        "temperature",
        "top_p",
        "seed",
        "frequency_penalty",
    )


@pytest.mark.parametrize(
    ("model", "sampling"),
    [
        ("claude-haiku-4-5", {"temperature": 1}),
        ("claude-sonnet-4-6", {"temperature": 1}),
        ("claude-3-5-sonnet-20241022", {"temperature": 1, "top_p": 0.9}),
        ("kimi-k3", {"temperature": 1, "top_p": 0.9}),
    ],
)
def test_older_models_take_a_temperature_up_to_one(model: str, sampling: Json):
    fields = {"temperature": 1.7, "top_p": 0.9}
    request = translated(model, **fields)
    assert {name: request[name] for name in ("temperature", "top_p") if name in request} == sampling
    assert to_anthropic.ignored(asked(user(), **fields), claude(model)) == tuple(fields.keys() - sampling.keys())


def test_whoever_thinks_takes_no_temperature():
    assert "temperature" not in translated("claude-sonnet-4-6", temperature=0.2, reasoning_effort="high")


def test_what_else_is_ignored_is_named_once():
    body = asked(
        {**user(), "name": "Ada"},
        store=True,
        metadata={},
        service_tier="flex",
        verbosity="low",
        invented=1,
        logprobs=None,
    )
    assert to_anthropic.ignored(body, claude()) == ("store", "service_tier", "verbosity", "invented", "messages[].name")


# Effort and thinking.

SHOWN = {"type": "adaptive", "display": "summarized"}


@pytest.mark.parametrize(
    ("model", "asked_for", "thinking", "effort"),
    [
        ("claude-opus-5-5", "high", SHOWN, "high"),
        ("claude-opus-5-5", "minimal", None, "low"),
        ("claude-opus-5-5", "none", None, "low"),
        ("claude-sonnet-5-5", "none", {"type": "between_tools"}, None),
        ("claude-haiku-5-5", "none", {"type": "disabled"}, None),
        ("claude-sonnet-5", "none", {"type": "disabled"}, None),
        ("claude-opus-4-8", "xhigh", SHOWN, "xhigh"),
        ("claude-opus-4-8", "none", None, None),
        ("claude-sonnet-4-6", "xhigh", SHOWN, "high"),
        ("claude-sonnet-4-6", "max", SHOWN, "max"),
        ("claude-opus-4-5", "max", None, "high"),
        ("claude-haiku-4-5", "high", None, None),
        ("kimi-k3", "high", None, None),
    ],
)
def test_effort_in_each_models_words(model: str, asked_for: str, thinking: Json, effort: str | None):
    request = translated(model, reasoning_effort=asked_for)
    assert request.get("thinking") == thinking
    assert request.get("output_config", {}).get("effort") == effort
    if model in MODELS:
        shape.check(request, MODELS[model], "")
    silent = effort is None and thinking is None and asked_for != "none"
    ignored = to_anthropic.ignored(asked(user(), reasoning_effort=asked_for), claude(model))
    assert ignored == (("reasoning_effort",) if silent else ())


def test_an_effort_that_is_new_goes_as_it_is():
    assert translated(reasoning_effort="ultra")["output_config"] == {"effort": "ultra"}


def test_a_client_that_knows_anthropics_thinking_says_it_itself():
    request = translated("claude-haiku-4-5", thinking={"type": "enabled", "budget_tokens": 2048}, temperature=0.5)
    assert request["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert "temperature" not in request


def test_nobody_thinks_aloud_where_a_call_is_forced():
    request = translated("claude-opus-4-8", reasoning_effort="high", tools=[function("f")], tool_choice="required")
    assert "thinking" not in request
    assert request["output_config"] == {"effort": "high"}


# Tools.


def test_tools_as_anthropic_has_them():
    schema = {"type": "object", "properties": {"x": {"type": "integer", "minimum": 1}}}
    tools = translated(
        tools=[function("f", schema, description="F."), function("g"), function("h", {"properties": {}})]
    )
    assert unmarked(tools["tools"]) == [
        {"name": "f", "description": "F.", "input_schema": schema},
        {"name": "g", "input_schema": {"type": "object", "properties": {}}},
        {"name": "h", "input_schema": {"type": "object", "properties": {}}},
    ]
    assert "tool_choice" not in tools


def test_a_strict_tool_is_strict_and_its_objects_are_closed():
    tool = translated(tools=[function("f", {"type": "object", "properties": {"x": {"type": "string"}}}, strict=True)])
    assert tool["tools"][0]["strict"] is True
    assert tool["tools"][0]["input_schema"]["additionalProperties"] is False


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({"tool_choice": "auto"}, None),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, {"type": "tool", "name": "f"}),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"parallel_tool_calls": False, "tool_choice": "none"}, {"type": "none"}),
        ({"parallel_tool_calls": False, "tool_choice": "required"}, {"type": "any", "disable_parallel_tool_use": True}),
    ],
)
def test_who_chooses_the_tool(fields: Json, choice: Json):
    assert translated("claude-haiku-5-5", tools=[function("f")], **fields).get("tool_choice") == choice


@pytest.mark.parametrize("model", ["claude-sonnet-5-5", "claude-opus-5-5", "claude-fable-5-1"])
def test_a_model_that_cannot_be_made_to_call_says_so(model: str):
    with pytest.raises(CannotCarry, match="tool_choice"):
        translated(model, tools=[function("f")], tool_choice="required")


def test_of_allowed_tools_only_those_are_offered():
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "g"}}]}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    request = translated("claude-haiku-5-5", tools=[function("f"), function("g")], tool_choice=choice)
    assert [tool["name"] for tool in request["tools"]] == ["g"]
    assert request["tool_choice"] == {"type": "any"}
    with pytest.raises(InvalidInput, match="allowed_tools"):
        translated("claude-haiku-5-5", tools=[function("f")], tool_choice=choice)


def test_functions_of_old_are_tools_called_one_at_a_time():
    body = asked(user(), functions=[{"name": "f"}], function_call={"name": "f"})
    request = to_anthropic.request(body, claude("claude-haiku-5-5"), {})
    assert [tool["name"] for tool in request["tools"]] == ["f"]
    assert request["tool_choice"] == {"type": "tool", "name": "f", "disable_parallel_tool_use": True}
    assert to_anthropic.Wants.of(body).functions


def test_where_tools_were_called_and_none_are_given_any_more_none_is_called():
    messages = (
        user(),
        {"role": "assistant", "content": None, "tool_calls": [call("one", "f"), call("two", "f"), call("three", "g")]},
        *({"role": "tool", "tool_call_id": id, "content": "1"} for id in ("one", "two", "three")),
        user("Sum up."),
    )
    request = to_anthropic.request(asked(*messages), claude(), {})
    assert [tool["name"] for tool in request["tools"]] == ["f", "g"]
    assert request["tool_choice"] == {"type": "none"}
    shape.check(request, MODELS["claude-sonnet-5-5"], "")


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, CannotCarry),
        ({"tools": [{"type": "web_search"}]}, CannotCarry),
        ({"tools": [{"type": "function", "function": {}}]}, InvalidInput),
        ({"tools": {"f": {}}}, InvalidInput),
        ({"tool_choice": "required"}, InvalidInput),
        ({"tools": [function("f")], "tool_choice": "sometimes"}, InvalidInput),
    ],
)
def test_tools_that_are_none(fields: Json, refusal: type[InvalidInput]):
    with pytest.raises(InvalidInput) as refused:
        translated(**fields)
    assert type(refused.value) is refusal


# Form of the answer.


def test_a_json_schema_is_closed_and_what_anthropic_cannot_hold_to_is_told():
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 0, "description": "In years."},
            "mail": {"type": "string", "format": "email", "maxLength": 80},
            "tags": {"type": "array", "items": {"$ref": "#/$defs/Tag"}, "minItems": 1},
            "either": {"oneOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["age"],
        "$defs": {"Tag": {"type": "object", "properties": {"a": {"const": 1}}, "additionalProperties": True}},
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "Person", "description": "A person.", "schema": schema}}
    request = translated(response_format=wanted)
    assert request["output_config"]["format"] == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "description": "A person.",
            "properties": {
                "age": {"type": "integer", "description": 'In years.\n\n{"minimum":0}'},
                "mail": {"type": "string", "format": "email", "description": '{"maxLength":80}'},
                "tags": {"type": "array", "items": {"$ref": "#/$defs/Tag"}, "minItems": 1},
                "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            },
            "required": ["age"],
            "$defs": {"Tag": {"type": "object", "properties": {"a": {"const": 1}}, "additionalProperties": False}},
            "additionalProperties": False,
        },
    }
    shape.check(request, MODELS["claude-sonnet-5-5"], "")


@pytest.mark.parametrize(
    "anything",
    [
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}},
        {},
        True,
    ],
)
def test_an_object_of_any_keys_cannot_be_had(anything: Json):
    schema = {"type": "object", "properties": {"x": anything}}
    wanted = {"type": "json_schema", "json_schema": {"name": "X", "schema": schema}}
    with pytest.raises(CannotCarry) as refused:
        translated(response_format=wanted)
    assert refused.value.field == "response_format.json_schema.schema.properties.x"


def test_json_without_a_schema_is_asked_for_in_words_behind_the_system_prompt():
    body = asked({"role": "system", "content": "Be kind."}, user(), response_format={"type": "json_object"})
    request = to_anthropic.request(body, claude(), {})
    assert [block["text"] for block in request["system"]] == [
        "Be kind.",
        "Answer with one valid JSON object and nothing else: no words around it, no code fence.",
    ]
    assert "output_config" not in request
    assert "system" not in translated(response_format={"type": "text"})


# Where a prompt may be cached to.


def marked(request: Json) -> list[str]:
    """Where the marks stand."""
    found = [f"tools.{index}" for index, tool in enumerate(request.get("tools", [])) if "cache_control" in tool]
    found += [f"system.{index}" for index, block in enumerate(request.get("system", [])) if "cache_control" in block]
    for at, message in enumerate(request["messages"]):
        found += [f"{at}.{index}" for index, block in enumerate(message["content"]) if "cache_control" in block]
    return found


SYSTEM = {"role": "system", "content": "Be kind."}
SAID = {"role": "assistant", "content": "b"}


@pytest.mark.parametrize(
    ("messages", "fields", "places"),
    [
        ([user()], {}, []),
        ([SYSTEM, user()], {}, ["system.0"]),
        ([user()], {"tools": [function("f"), function("g")]}, ["tools.1", "0.0"]),
        ([SYSTEM, user()], {"tools": [function("f")]}, ["system.0", "0.0"]),
        ([SYSTEM, user("a"), SAID, user("c")], {}, ["system.0", "0.0", "2.0"]),
        ([user("a"), SAID, user("c"), SAID, user("d"), SYSTEM], {}, ["2.0", "4.0"]),
        ([SYSTEM, user("a"), SAID, user("c")], {"prompt_cache_options": {"mode": "explicit"}}, []),
    ],
)
def test_marks_stand_behind_what_stays(messages: list[Json], fields: Json, places: list[str]):
    assert marked(to_anthropic.request(asked(*messages, **fields), claude(), {})) == places


def test_the_clients_own_marks_are_kept_and_four_are_the_most():
    parts = [{"type": "text", "text": f"{n}", "prompt_cache_breakpoint": {"mode": "explicit"}} for n in range(6)]
    parts[1] = {"type": "text", "text": "1", "cache_control": {"type": "ephemeral"}}
    conversation = [SYSTEM, {"role": "user", "content": parts[:5]}, SAID, user("c")]
    assert marked(to_anthropic.request(asked(*conversation), claude(), {})) == ["0.1", "0.2", "0.3", "0.4"]
    conversation[1] = {"role": "user", "content": parts[:2]}
    assert marked(to_anthropic.request(asked(*conversation), claude(), {})) == ["system.0", "0.0", "0.1", "2.0"]
    explicit = asked(*conversation, prompt_cache_options={"mode": "explicit"})
    assert marked(to_anthropic.request(explicit, claude(), {})) == ["0.0", "0.1"]


def test_a_document_can_be_marked_too():
    pdf = {"type": "file", "file": {"filename": "a.pdf", "file_data": base64.b64encode(b"%PDF").decode()}}
    body = asked(user([{**pdf, "prompt_cache_breakpoint": {"mode": "explicit"}}, {"type": "text", "text": "?"}]))
    assert marked(to_anthropic.request(body, claude(), {})) == ["0.0"]
