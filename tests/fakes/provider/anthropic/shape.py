"""What the Anthropic API refuses, in its own words: the rules that clients and gateways break."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from tests.fakes.provider.anthropic.models import Claude
from tests.fakes.provider.anthropic.prefix import THINKING, Unit, blocks_of
from tests.fakes.provider.fake import Rejected
from tests.fakes.provider.script import Json

_FIELDS = frozenset(
    "cache_control container diagnostics inference_geo max_tokens messages metadata model output_config service_tier "
    "speed stop_sequences stream system temperature thinking tool_choice tools top_k top_p user_profile_id".split()
)
# Fields that only exist for who asks for them: field → beginning of a value of `anthropic-beta`.
_BETA_FIELDS = {
    "context_management": "context-management-",
    "mcp_servers": "mcp-client-",
    "fallbacks": "server-side-fallback-",
    "compaction": "compact-",
    "output_format": "structured-outputs-",
    "speed": "fast-mode-",
}
_TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_ROLES = {
    "user": "text image document search_result tool_result container_upload".split(),
    "assistant": "text thinking redacted_thinking tool_use server_tool_use web_search_tool_result".split(),
    "system": ["text"],
}


def refuse(message: str) -> NoReturn:
    raise Rejected(400, "invalid_request_error", message)


def check(body: Json, model: Claude, betas: str, *, counting: bool = False) -> None:
    """Raises `Rejected` with the API's message for the first thing that is wrong. `betas`: the header's value."""
    _check_fields(body, betas, counting=counting)
    _check_messages(body["messages"], model)
    _check_pairs(body["messages"])
    _check_tools(body)
    _check_thinking(body, model, counting=counting)
    _check_sampling(body, model)
    _check_format(body)


def check_marks(prompt: Sequence[Unit], body: Json) -> None:
    marked = sum(1 for unit in prompt if unit.ttl) + bool(body.get("cache_control"))
    if marked > 4:
        refuse(f"A maximum of 4 blocks with cache_control may be provided. Found {marked}.")


def _check_fields(body: Json, betas: str, *, counting: bool) -> None:
    for name in body:
        beta = _BETA_FIELDS.get(name)
        if (name not in _FIELDS and beta is None) or (beta is not None and beta not in betas):
            refuse(f"{name}: Extra inputs are not permitted")
    for name in ("model", "messages", "max_tokens")[: 2 if counting else 3]:
        if name not in body:
            refuse(f"{name}: Field required")
    if not counting and (not isinstance(body["max_tokens"], int) or isinstance(body["max_tokens"], bool)):
        refuse("max_tokens: Input should be a valid integer")
    if not counting and body["max_tokens"] < 0:
        refuse("max_tokens: Input should be greater than or equal to 0")
    if not isinstance(body["messages"], list):
        refuse("messages: Input should be a valid list")
    if not body["messages"]:
        refuse("messages: at least one message is required")
    if not isinstance(body.get("stream", False), bool):
        refuse("stream: Input should be a valid boolean")
    user = (body.get("metadata") or {}).get("user_id")
    if user is not None and not isinstance(user, str):
        refuse("metadata.user_id: Input should be a valid string")
    for index, block in enumerate(blocks_of(body.get("system"))):
        _check_block(f"system.{index}", "system", block)


def _check_messages(messages: Json, model: Claude) -> None:
    before = None
    for at, message in enumerate(messages):
        role = message.get("role")
        if role not in _ROLES:
            refuse(f"messages.{at}.role: Input should be 'user', 'assistant' or 'system'")
        if set(message) - {"role", "content", "clear_at", "output_config"}:
            refuse(f"messages.{at}.{(set(message) - {'role', 'content'}).pop()}: Extra inputs are not permitted")
        if "content" not in message:
            refuse(f"messages.{at}.content: Field required")
        if role == "system" and not model.late_system:
            refuse(f"messages.{at}: role 'system' is not supported on this model")
        if role == "system" and before not in ("user", "system"):
            refuse(f"messages.{at}: a system message must directly follow a user message")
        content = blocks_of(message["content"])
        if not content and (role == "user" or at < len(messages) - 1):
            refuse(f"messages.{at}: all messages must have non-empty content except for the optional final assistant")
        for index, block in enumerate(content):
            _check_block(f"messages.{at}.content.{index}", role, block)
        before = role
    if before == "assistant" and not model.prefill:
        refuse("This model does not support assistant message prefill. The conversation must end with a user message.")


def _check_block(path: str, role: str, block: Json) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in _ROLES[role]:
        tags = ", ".join(f"'{kind}'" for kind in _ROLES[role])
        refuse(f"{path}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {tags}")
    wanted: Mapping[str, tuple[str, ...]] = {
        "text": ("text",),
        "tool_use": ("id", "name", "input"),
        "tool_result": ("tool_use_id",),
        "thinking": ("thinking", "signature"),
        "redacted_thinking": ("data",),
        "image": ("source",),
    }
    for name in wanted.get(str(kind), ()):
        if name not in block:
            refuse(f"{path}.{kind}.{name}: Field required")
    if block.get("cache_control") and (kind in THINKING or block.get("text") == ""):
        what = "thinking" if kind in THINKING else "empty text"
        refuse(f"{path}.cache_control: cache_control cannot be set for {what} blocks")
    if (special := _BLOCKS.get(str(kind))) is not None:
        special(path, block)


def _check_text(path: str, block: Json) -> None:
    if not isinstance(block["text"], str):
        refuse(f"{path}.text.text: Input should be a valid string")
    if not block["text"]:
        refuse(f"{path.rpartition('.content.')[0] or 'system'}: text content blocks must be non-empty")
    if not block["text"].strip():
        refuse(f"{path.rpartition('.content.')[0] or 'system'}: text content blocks must contain non-whitespace text")


def _check_tool_use(path: str, block: Json) -> None:
    if not _TOOL_ID.fullmatch(block["id"]):
        refuse(f"{path}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    if not isinstance(block["input"], dict):
        refuse(f"{path}.tool_use.input: Input should be a valid dictionary")


def _check_image(path: str, block: Json) -> None:
    source = block["source"]
    if source.get("type") == "base64":
        if source.get("media_type") not in _IMAGES:
            allowed = "'image/jpeg', 'image/png', 'image/gif' or 'image/webp'"
            refuse(f"{path}.image.source.base64.media_type: Input should be {allowed}")
        try:
            base64.b64decode(source.get("data", ""), validate=True)
        except (binascii.Error, ValueError):
            refuse(f"{path}.image.source.base64: invalid base64 data")
    elif source.get("type") not in ("url", "file"):
        refuse(f"{path}.image.source: Input tag '{source.get('type')}' found using 'type' is not known")


def _check_tool_result(path: str, block: Json) -> None:
    for index, part in enumerate(blocks_of(block.get("content"))):
        if part.get("type") not in ("text", "image", "document", "search_result", "tool_reference"):
            refuse(f"{path}.tool_result.content.{index}: Input tag '{part.get('type')}' is not allowed in tool results")
        if part["type"] == "image":
            _check_image(f"{path}.tool_result.content.{index}", part)


_BLOCKS: Mapping[str, Callable[[str, Json], None]] = {
    "text": _check_text,
    "tool_use": _check_tool_use,
    "image": _check_image,
    "tool_result": _check_tool_result,
}


def _check_pairs(messages: Json) -> None:
    """Every tool call is answered in the next message, and nothing else is answered. Turns of a role are one."""
    turns: list[tuple[str, int, list[Json]]] = []
    for at, message in enumerate(messages):
        if message["role"] == "system":
            continue
        if turns and turns[-1][0] == message["role"]:
            turns[-1][2].extend(blocks_of(message["content"]))
        else:
            turns.append((message["role"], at, list(blocks_of(message["content"]))))
    seen: set[str] = set()
    open_calls: list[str] = []
    for role, at, blocks in turns:
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        for index, name in enumerate(results):
            if name not in open_calls:
                refuse(
                    f"messages.{at}.content.{index}: unexpected `tool_use_id` found in `tool_result` blocks: {name}. "
                    "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                )
        _refuse_unanswered([name for name in open_calls if name not in results], at - 1)
        if results and [block["type"] for block in blocks[: len(results)]] != ["tool_result"] * len(results):
            _refuse_unanswered(open_calls, at - 1)  # results come first, whatever else is in the message
        open_calls = [block["id"] for block in blocks if block["type"] == "tool_use"] if role == "assistant" else []
        if seen & set(open_calls) or len(set(open_calls)) < len(open_calls):
            refuse(f"messages.{at}: `tool_use` ids must be unique")
        seen |= set(open_calls)
    _refuse_unanswered(open_calls, len(messages) - 1)


def _refuse_unanswered(calls: list[str], at: int) -> None:
    if calls:
        refuse(
            f"messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(calls)}. Each `tool_use` block must have a corresponding `tool_result` block in the next "
            "message."
        )


def _check_tools(body: Json) -> None:
    names: list[str] = []
    for index, tool in enumerate(body.get("tools") or []):
        kind = tool.get("type") or "custom"
        if not _TOOL_NAME.fullmatch(str(tool.get("name", ""))):
            refuse(f"tools.{index}.{kind}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        if kind == "custom" and not isinstance(tool.get("input_schema"), dict):
            refuse(f"tools.{index}.custom.input_schema: Field required")
        if kind == "custom" and tool["input_schema"].get("type") != "object":
            refuse(f"tools.{index}.custom.input_schema.type: Input should be 'object'")
        names.append(tool["name"])
    if len(set(names)) < len(names):
        refuse("tools: Tool names must be unique.")
    choice = body.get("tool_choice")
    if choice is None:
        return
    if choice.get("type") not in ("auto", "any", "tool", "none"):
        refuse(
            f"tool_choice: Input tag '{choice.get('type')}' found using 'type' does not match any of the expected tags"
        )
    if not names and choice["type"] != "none":
        refuse("tool_choice may only be specified while providing tools")
    if choice["type"] == "tool" and choice.get("name") not in names:
        refuse(f"tool_choice: Tool '{choice.get('name')}' not found in provided tools")


def _check_thinking(body: Json, model: Claude, *, counting: bool) -> None:
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type")
    if kind not in ("adaptive", "between_tools", "disabled", "enabled"):
        refuse(f"thinking: Input tag '{kind}' found using 'type' does not match any of the expected tags")
    if kind not in model.thinking:
        if kind == "enabled":
            refuse(
                '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
                '"output_config.effort" to control thinking behavior.'
            )
        refuse(f'"thinking.type.{kind}" is not supported for this model.')
    if kind == "adaptive" and "budget_tokens" in thinking:
        refuse("thinking.adaptive.budget_tokens: Extra inputs are not permitted")
    if kind != "enabled":
        return
    if thinking.get("budget_tokens", 0) < 1024:
        refuse("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    if not counting and thinking["budget_tokens"] >= body["max_tokens"]:
        refuse("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        refuse("Thinking may not be enabled when tool_choice forces tool use.")


def _check_sampling(body: Json, model: Claude) -> None:
    for name, default in (("temperature", 1), ("top_p", None), ("top_k", None)):
        value = body.get(name)
        if value is None or value == default:
            continue
        if not model.sampling:
            refuse(f"`{name}` is deprecated for this model.")
        if name != "top_k" and not 0 <= value <= 1:
            refuse(f"{name}: range: 0..1")
        if name == "temperature" and (body.get("thinking") or {}).get("type") in ("enabled", "adaptive"):
            refuse("`temperature` may only be set to 1 when thinking is enabled or in adaptive mode.")
    if body.get("max_tokens", 0) > model.output:
        refuse(
            f"max_tokens: {body['max_tokens']} > {model.output}, which is the maximum allowed number of output tokens "
            f"for {model.id}"
        )
    for sequence in body.get("stop_sequences") or []:
        if not sequence.strip():
            refuse("stop_sequences: each stop sequence must contain non-whitespace")


def _check_format(body: Json) -> None:
    config = body.get("output_config") or {}
    if config.get("effort") not in (None, "low", "medium", "high", "xhigh", "max"):
        refuse("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'")
    form = config.get("format")
    if form is None:
        return
    if form.get("type") != "json_schema" or not isinstance(form.get("schema"), dict):
        refuse("output_config.format.schema: Field required")
    if set(form) - {"type", "schema"}:
        refuse(f"output_config.format.{(set(form) - {'type', 'schema'}).pop()}: Extra inputs are not permitted")
    _check_schema("output_config.format.schema", form["schema"])


def _check_schema(path: str, schema: Json) -> None:
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        refuse(f"{path}: For 'object' type, 'additionalProperties' must be explicitly set to false")
    for name, part in (schema.get("properties") or {}).items():
        _check_schema(f"{path}.properties.{name}", part)
    _check_schema(f"{path}.items", schema.get("items"))
