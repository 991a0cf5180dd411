"""What APIs of OpenAI's kind refuse, each in its own words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn

from tests.fakes.provider.fake import Rejected
from tests.fakes.provider.script import Json

Dialect = Literal["openai", "google", "ollama", "generic"]

_FIELDS = frozenset(
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages "
    "metadata modalities model moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key "
    "prompt_cache_options prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier "
    "stop store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity "
    "web_search_options".split()
)
_GOOGLE_FIELDS = _FIELDS - frozenset("metadata store prediction moderation prompt_cache_key functions".split())
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_DATA_URL = re.compile(r"data:image/[a-z+.-]+;base64,[A-Za-z0-9+/=]+")


@dataclass(frozen=True, slots=True)
class Chat:
    """A model. `reasons`: takes no sampling parameters and counts its output as `max_completion_tokens`.

    `cloud`: Ollama has it run elsewhere. `num_ctx`: the window that its Modelfile asks for; Ollama gives 4,096
    tokens to the others, whatever they could take.
    """

    id: str
    context: int = 128_000
    output: int = 16_384
    reasons: bool = False
    vision: bool = True
    cloud: bool = False
    num_ctx: int | None = None


MODELS: Mapping[Dialect, tuple[Chat, ...]] = {
    "openai": (Chat("gpt-5.6-sol", 1_050_000, 128_000, reasons=True), Chat("gpt-4o-mini")),
    "google": (Chat("gemini-3.8-flash", 1_048_576, 65_536), Chat("gemini-4-argon", 1_048_576, 65_536)),
    "ollama": (
        Chat("llama3.1:8b", vision=False),
        Chat("qwen2.5:14b", 32_768, vision=False),
        Chat("qwen2.5-coder:32b", 131_072, vision=False, num_ctx=65_536),
        Chat("gpt-oss:120b-cloud", reasons=True, vision=False, cloud=True),
    ),
    "generic": (Chat("house-model", 32_768),),
}
EMBEDDERS: Mapping[Dialect, str] = {
    "openai": "text-embedding-3-small",
    "google": "gemini-embedding-001",
    "ollama": "nomic-embed-text",
    "generic": "house-embedder",
}


def refuse(message: str, param: str | None = None, code: str | None = None) -> NoReturn:
    raise Rejected(400, "invalid_request_error", message, param=param, code=code)


def check(body: Json, dialect: Dialect, model: Chat) -> None:
    """Raises `Rejected` with the API's message for the first thing that is wrong."""
    _check_fields(body, dialect)
    _check_messages(body["messages"], dialect, model)
    _check_pairs(body["messages"])
    _check_tools(body)
    if dialect == "openai":
        _check_openai(body, model)


def _check_fields(body: Json, dialect: Dialect) -> None:
    known = {"openai": _FIELDS, "google": _GOOGLE_FIELDS}.get(dialect)
    for name in body:
        if known is None or name in known or (dialect == "google" and name == "extra_body"):
            continue
        if dialect == "google":
            refuse(f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.')
        refuse(f"Unrecognized request argument supplied: {name}")
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        refuse("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    if body.get("stream_options") is not None and not body.get("stream"):
        refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
    if isinstance(body.get("stop"), list) and len(body["stop"]) > 4:
        refuse(
            "Invalid 'stop': array too long. Expected an array with maximum length 4.", "stop", "array_above_max_length"
        )


def _check_messages(messages: Json, dialect: Dialect, model: Chat) -> None:
    for at, message in enumerate(messages):
        role, content = message.get("role"), message.get("content")
        if role not in ("system", "developer", "user", "assistant", "tool", "function"):
            allowed = "'system', 'assistant', 'user', 'function', 'tool', and 'developer'"
            refuse(
                f"Invalid value: '{role}'. Supported values are: {allowed}.", f"messages[{at}].role", "invalid_value"
            )
        if content is None and role != "assistant":
            refuse("Invalid value for 'content': expected a string, got null.", f"messages[{at}].content")
        if role == "assistant" and not content and not message.get("tool_calls") and not message.get("refusal"):
            refuse("Invalid value for 'content': expected a string, got null.", f"messages[{at}].content")
        for index, part in enumerate(content if isinstance(content, list) else ()):
            _check_part(part, f"messages[{at}].content[{index}]", role, dialect, model)
        for index, call in enumerate(message.get("tool_calls") or ()):
            _check_call(call, f"messages[{at}].tool_calls[{index}]", dialect)


def _check_part(part: Json, path: str, role: str, dialect: Dialect, model: Chat) -> None:
    allowed = {"user": ("text", "image_url", "input_audio", "file"), "assistant": ("text", "refusal")}.get(
        role, ("text",)
    )
    kind = part.get("type")
    if kind not in allowed:
        values = ", ".join(f"'{value}'" for value in allowed)
        refuse(f"Invalid value: '{kind}'. Supported values are: {values}.", f"{path}.type", "invalid_value")
    if kind == "text" and not isinstance(part.get("text"), str):
        refuse("Missing required parameter: 'text'.", f"{path}.text", "missing_required_parameter")
    if kind != "image_url":
        return
    url = part.get("image_url", {}).get("url", "") if isinstance(part.get("image_url"), dict) else None
    if url is None:
        refuse("Invalid type for 'image_url': expected an object, but got a string instead.", path, "invalid_type")
    if not model.vision:
        refuse(f"model {model.id} does not support images" if dialect == "ollama" else "image input is not supported")
    if url.startswith("data:") and not _DATA_URL.fullmatch(url):
        refuse("Invalid base64 image_url.", path, "invalid_base64")
    if dialect == "ollama" and not url.startswith("data:"):
        refuse("invalid image input")


def _check_call(call: Json, path: str, dialect: Dialect) -> None:
    function = call.get("function") or {}
    if not call.get("id") or "name" not in function:
        refuse(f"Missing required parameter: '{path}.id'.", f"{path}.id", "missing_required_parameter")
    if not isinstance(function.get("arguments"), str):
        refuse(f"Invalid type for '{path}.function.arguments': expected a string.", path, "invalid_type")
    if dialect == "openai" and len(call["id"]) > 40:
        refuse(
            f"Invalid '{path}.id': string too long. Expected a string with maximum length 40, but got a string with "
            f"length {len(call['id'])} instead.",
            f"{path}.id",
            "string_above_max_length",
        )


def _check_pairs(messages: Json) -> None:
    """Each tool call is answered by one message right behind it."""
    waiting: list[str] = []
    for at, message in enumerate(messages):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in waiting:
                refuse(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
                    "'tool_calls'.",
                    f"messages.[{at}].role",
                )
            waiting.remove(message["tool_call_id"])
            continue
        _refuse_unanswered(waiting, at)
        waiting = [call["id"] for call in message.get("tool_calls") or ()]
    _refuse_unanswered(waiting, len(messages))


def _refuse_unanswered(waiting: list[str], at: int) -> None:
    if waiting:
        refuse(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(waiting)}",
            f"messages.[{at}].role",
        )


def _check_tools(body: Json) -> None:
    tools = body.get("tools")
    if tools is not None and not tools:
        message = (
            "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead."
        )
        refuse(message, "tools", "empty_array")
    for index, tool in enumerate(tools or ()):
        if tool.get("type") != "function" or not isinstance(tool.get("function"), dict):
            refuse(f"Missing required parameter: 'tools[{index}].function'.", f"tools[{index}].function")
        if not _NAME.fullmatch(str(tool["function"].get("name", ""))):
            where = f"tools[{index}].function.name"
            refuse(
                f"Invalid '{where}': string does not match pattern. Expected '^[a-zA-Z0-9_-]+$'.",
                where,
                "invalid_value",
            )
    choice = body.get("tool_choice")
    if choice not in (None, "none") and not tools:
        refuse(
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.", "tool_choice"
        )
    names = [tool["function"]["name"] for tool in tools or ()]
    if isinstance(choice, dict) and choice.get("function", {}).get("name") not in names:
        refuse("Invalid value for 'tool_choice': the function isn't among 'tools'.", "tool_choice")


def _check_openai(body: Json, model: Chat) -> None:
    if model.reasons and "max_tokens" in body:
        refuse(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
            "instead.",
            "max_tokens",
            "unsupported_parameter",
        )
    for name in ("temperature", "top_p"):
        if model.reasons and body.get(name) not in (None, 1):
            refuse(
                f"Unsupported value: '{name}' does not support {body[name]} with this model. Only the default (1) "
                "value is supported.",
                name,
                "unsupported_value",
            )
    if model.reasons and body.get("stop") is not None:
        refuse("Unsupported parameter: 'stop' is not supported with this model.", "stop", "unsupported_parameter")
    if not model.reasons and body.get("reasoning_effort") is not None:
        refuse("Unrecognized request argument supplied: reasoning_effort")
    form = body.get("response_format") or {}
    if form.get("type") == "json_object" and "json" not in str(body["messages"]).lower():
        refuse(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            "messages",
        )
    schema = form.get("json_schema") or {}
    if form.get("type") == "json_schema" and not _NAME.fullmatch(str(schema.get("name", ""))):
        refuse("Missing required parameter: 'response_format.json_schema.name'.", "response_format.json_schema.name")
    if schema.get("strict"):
        _check_strict(schema.get("schema"), f"response_format '{schema['name']}'")
    for tool in body.get("tools") or ():
        if tool["function"].get("strict"):
            _check_strict(tool["function"].get("parameters"), f"function '{tool['function']['name']}'")


def _check_strict(schema: Json, what: str) -> None:
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return
    if schema.get("additionalProperties") is not False:
        refuse(
            f"Invalid schema for {what}: In context=(), 'additionalProperties' is required to be supplied and to be "
            "false."
        )
    missing = [name for name in schema.get("properties", {}) if name not in schema.get("required", [])]
    if missing:
        refuse(
            f"Invalid schema for {what}: In context=(), 'required' is required to be supplied and to be an array "
            f"including every key in properties. Missing '{missing[0]}'."
        )
    for part in schema.get("properties", {}).values():
        _check_strict(part, what)
