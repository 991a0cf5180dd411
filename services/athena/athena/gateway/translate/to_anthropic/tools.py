"""Tools, and who chooses among them."""

from __future__ import annotations

from collections.abc import Sequence

from athena.errors import InvalidInput
from athena.gateway.translate.errors import CannotCarry
from athena.gateway.translate.to_anthropic.claude import Claude
from athena.gateway.translate.to_anthropic.parts import Block
from athena.gateway.translate.to_anthropic.schema import closed
from athena.gateway.types import Json

_FORCED = ("any", "tool")


def offered(body: Block, messages: Sequence[Block], takes: Claude) -> Block:
    """`tools` and `tool_choice`, as far as there are any. Raises `CannotCarry` and `InvalidInput`."""
    tools = _tools(body)
    if not tools:
        if _wanted(body)[0] in _FORCED:
            raise InvalidInput("tool_choice: asks for a call where no tools are given")
        called = _called(messages)
        if not called:
            return {}
        # Anthropic wants the tools of a conversation's calls to be there; none were given, so none may be called.
        tools = [{"name": name, "input_schema": {"type": "object"}} for name in called]
        return {"tools": tools, "tool_choice": {"type": "none"}}
    kind, named, allowed = _wanted(body)
    if allowed is not None:
        tools = [tool for tool in tools if tool["name"] in allowed]
        if not tools:
            raise InvalidInput("tool_choice.allowed_tools: names none of the tools that are given")
    if kind in _FORCED and not takes.forced_tools:
        raise CannotCarry(
            "tool_choice",
            "this model can't be made to call a tool",
            hint="send `auto` and say in the prompt when to call, or ask for JSON by response_format",
        )
    choice: Block = {"type": kind, "name": named} if kind == "tool" else {"type": kind}
    alone = body.get("parallel_tool_calls") is False or not body.get("tools")
    if alone and kind != "none":
        choice["disable_parallel_tool_use"] = True
    return {"tools": tools} if choice == {"type": "auto"} else {"tools": tools, "tool_choice": choice}


def is_forced(choice: Json) -> bool:
    return isinstance(choice, dict) and choice.get("type") in _FORCED


def _tools(body: Block) -> list[Block]:
    found = []
    tools, functions = (_listed(body, "tools"), _listed(body, "functions"))
    for index, tool in enumerate(tools):
        where = f"tools[{index}]"
        if not isinstance(tool, dict) or tool.get("type", "function") != "function":
            kind = tool.get("type") if isinstance(tool, dict) else tool
            raise CannotCarry(f"{where}.type", f"Anthropic takes functions, not tools of type {kind!r}")
        found.append(_tool(tool.get("function"), f"{where}.function"))
        if isinstance(tool.get("cache_control"), dict):
            found[-1]["cache_control"] = {"type": "ephemeral"}
    if not tools:
        found = [_tool(function, f"functions[{index}]") for index, function in enumerate(functions)]
    return found


def _listed(holder: Block, name: str) -> list[Json]:
    value = holder.get(name) or []
    if not isinstance(value, list):
        raise InvalidInput(f"{name}: must be a list")
    return value


def _tool(function: Json, where: str) -> Block:
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise InvalidInput(f"{where}: must be an object with a name")
    parameters = function.get("parameters")
    if parameters is None:
        parameters = {"type": "object", "properties": {}}
    if not isinstance(parameters, dict):
        raise InvalidInput(f"{where}.parameters: must be a JSON schema")
    tool: Block = {"name": function["name"]}
    if function.get("description"):
        tool["description"] = function["description"]
    if function.get("strict") is True:
        parameters, tool["strict"] = closed(parameters, f"{where}.parameters"), True
    tool["input_schema"] = parameters if "type" in parameters else {"type": "object", **parameters}
    return tool


def _wanted(body: Block) -> tuple[str, str, set[str] | None]:
    """Anthropic's kind of choice, the tool's name, and the names that may be called at all (None: any)."""
    choice = body.get("tool_choice")
    if choice is None:
        choice = body.get("function_call")
    if choice is None or choice == "auto":
        return "auto", "", None
    if choice in ("none", "required"):
        return ("any" if choice == "required" else "none"), "", None
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        return _allowed(choice)
    function = choice.get("function", choice) if isinstance(choice, dict) else None
    if isinstance(function, dict) and isinstance(function.get("name"), str):
        return "tool", function["name"], None
    raise InvalidInput("tool_choice: must be auto, none, required, or name a function")


def _allowed(choice: Block) -> tuple[str, str, set[str]]:
    inner = choice.get("allowed_tools")
    inner = inner if isinstance(inner, dict) else choice
    functions = (tool.get("function", tool) for tool in _listed(inner, "tools") if isinstance(tool, dict))
    names = {str(function.get("name")) for function in functions if isinstance(function, dict)}
    return ("any" if inner.get("mode") == "required" else "auto"), "", names


def _called(messages: Sequence[Block]) -> list[str]:
    """The names of the tools that were called, in order."""
    return list(
        dict.fromkeys(
            block["name"]
            for message in messages
            if message["role"] == "assistant"
            for block in message["content"]
            if block["type"] == "tool_use"
        )
    )
