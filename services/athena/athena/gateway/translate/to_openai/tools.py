"""Tools that a client offers, and which of them must be called."""

from __future__ import annotations

from collections.abc import Mapping

from athena.errors import InvalidInput
from athena.gateway.translate.errors import CannotCarry
from athena.gateway.translate.to_openai.dialects import MANNERS, Manners
from athena.gateway.translate.to_openai.shapes import encoded, mapping, objects, string
from athena.gateway.types import Json, Model

_OTHER_MODEL = "name a Claude model, or another one that can be told which tool to call"


def offered(body: Mapping[str, Json], model: Model) -> dict[str, Json]:
    """The fields `tools`, `tool_choice` and `parallel_tool_calls`, as far as they are needed. Raises `CannotCarry`
    and `InvalidInput`."""
    declared = objects(body.get("tools") or [], "tools")
    if not declared:
        return {}
    manners = MANNERS[model.provider.dialect]
    functions = [_function(tool, f"tools.{index}", manners) for index, tool in enumerate(declared)]
    choice = mapping(body.get("tool_choice"), "tool_choice")
    return _parallel(choice, manners) | _chosen(choice, functions, manners)


def _function(tool: Mapping[str, Json], field: str, manners: Manners) -> Json:
    kind = tool.get("type")
    if kind not in (None, "custom"):
        raise CannotCarry(
            field,
            f"the tool `{kind}` is defined by Anthropic and known to Claude alone",
            hint="name a Claude model for this request, or declare a tool of your own with an input_schema",
        )
    callers = tool.get("allowed_callers")
    if isinstance(callers, list) and callers and "direct" not in callers:
        raise CannotCarry(f"{field}.allowed_callers", "only Claude calls tools out of code", hint="allow `direct`")
    name = string(dict(tool), "name", field)
    if manners.name_length is not None and len(name) > manners.name_length:
        raise CannotCarry(
            f"{field}.name",
            f"`{name}` has {len(name)} characters, and this provider takes {manners.name_length}",
            hint="give the tool a shorter name",
        )
    function: dict[str, Json] = {"name": name, "description": _description(tool)}
    function["parameters"] = {
        key: value
        for key, value in mapping(tool.get("input_schema"), f"{field}.input_schema").items()
        if key not in manners.schema_noise
    }
    if tool.get("strict"):
        function["strict"] = True
    return {"type": "function", "function": {key: value for key, value in function.items() if value != ""}}


def _description(tool: Mapping[str, Json]) -> str:
    """With its examples of input, for which the other wire has no place of their own."""
    described = str(tool.get("description") or "")
    examples = tool.get("input_examples")
    if not isinstance(examples, list) or not examples:
        return described
    return "\n".join([described, "Examples of its input:", *(encoded(example) for example in examples)]).strip()


def _parallel(choice: Mapping[str, Json], manners: Manners) -> dict[str, Json]:
    if not choice.get("disable_parallel_tool_use"):
        return {"parallel_tool_calls": True} if manners.says_parallel else {}
    if manners.parallel_flag:
        return {"parallel_tool_calls": False}
    raise CannotCarry(
        "tool_choice.disable_parallel_tool_use",
        "this provider can't be held to one call at a time",
        hint="name another model, or take several calls",
    )


def _chosen(choice: Mapping[str, Json], functions: list[Json], manners: Manners) -> dict[str, Json]:
    kind = choice.get("type", "auto")
    if kind == "auto":
        return {"tools": functions}
    if kind == "none":
        # Offered and forbidden, so that the beginning of the prompt stays what it was.
        return {"tools": functions, "tool_choice": "none"} if manners.forced_choice != "no" else {}
    if kind not in ("any", "tool"):
        raise InvalidInput("tool_choice.type: must be auto, any, tool or none")
    if manners.forced_choice == "no":
        raise CannotCarry("tool_choice", "this provider can't be made to call a tool", hint=_OTHER_MODEL)
    if kind == "any":
        return {"tools": functions, "tool_choice": "required"}
    name = choice.get("name")
    alone = [function for function in functions if function["function"]["name"] == name]
    if not alone:
        raise InvalidInput(f"tool_choice.name: no tool is called {name!r}")
    if manners.forced_choice == "alone":
        return {"tools": alone, "tool_choice": "required"}
    return {"tools": functions, "tool_choice": {"type": "function", "function": {"name": name}}}
