"""What Anthropic's clients can say and a provider of the OpenAI wire can't be told; and what is no request at all."""

from __future__ import annotations

from typing import Any

import pytest

from athena.errors import InvalidInput
from athena.gateway.translate.errors import CannotCarry
from athena.gateway.translate.to_openai import request
from athena.gateway.types import Model
from tests.unit.anthropic_requests import GOOGLE, LLAMA, OLLAMA, OPENAI, assistant, request_of, text, tool, user

Json = Any
HELLO = user(text("hello"))
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}
CITED = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": "x"},
    "citations": {"enabled": True},
}
SERVER = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}


@pytest.mark.parametrize(
    ("to", "more", "field"),
    [
        (LLAMA, {"messages": [user(PDF)]}, "messages.0.content.0"),
        (OPENAI, {"messages": [user(text("a"), CITED)]}, "messages.0.content.1.citations"),
        (LLAMA, {"messages": [user({"type": "image", "source": {"type": "url", "url": "http://x"}})]}, "source"),
        (OPENAI, {"messages": [user({"type": "image", "source": {"type": "file", "file_id": "f"}})]}, "source"),
        (OPENAI, {"messages": [user({"type": "container_upload", "file_id": "f"})]}, "messages.0.content.0"),
        (OPENAI, {"messages": [HELLO, assistant(SERVER), HELLO]}, "messages.1.content.0"),
        (LLAMA, {"messages": [HELLO, assistant(text("It is"))]}, "messages.1"),
        (LLAMA, {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools.0"),
        (LLAMA, {"tools": [tool("get") | {"allowed_callers": ["code_execution_20260120"]}]}, "tools.0.allowed_callers"),
        (OPENAI, {"tools": [tool("x" * 65)]}, "tools.0.name"),
        (OLLAMA, {"tools": [tool("get")], "tool_choice": {"type": "any"}}, "tool_choice"),
        (
            GOOGLE,
            {"tools": [tool("get")], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
            "tool_choice.disable_parallel_tool_use",
        ),
        (LLAMA, {"mcp_servers": [{"type": "url", "url": "https://x", "name": "x"}]}, "mcp_servers"),
        (LLAMA, {"container": "c"}, "container"),
        (LLAMA, {"thread": {"type": "create"}}, "thread"),
        (OPENAI, {"inference_geo": "us"}, "inference_geo"),
        (OPENAI, {"stop_sequences": list("abcde")}, "stop_sequences"),
        (LLAMA, {"max_tokens": 0}, "max_tokens"),
        (LLAMA, {"output_config": {"format": {"type": "grammar"}}}, "output_config.format"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(to: Model, more: dict[str, Json], field: str) -> None:
    with pytest.raises(CannotCarry) as refused:
        request(request_of([HELLO]) | more, to, {})
    assert refused.value.field.endswith(field)
    assert refused.value.message.startswith(refused.value.field)
    assert refused.value.hint
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"messages": "hello"}, "messages"),
        ({"messages": ["hello"]}, "messages.0"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages.0.content"),
        ({"messages": [user({"type": "text"})]}, "messages.0.content.0.text"),
        ({"messages": [user({"text": "x"})]}, "messages.0.content.0.type"),
        ({"messages": [user({"type": "image"})]}, "messages.0.content.0.source"),
        ({"messages": [HELLO, assistant({"type": "tool_use", "name": "x", "input": {}}), HELLO]}, "messages.1.content"),
        ({"messages": [HELLO, assistant({"type": "tool_use", "id": "x", "name": "x", "input": "y"}), HELLO]}, "input"),
        ({"tools": {}}, None),
        ({"tools": {"name": "x"}}, "tools"),
        ({"tools": [{"input_schema": {}}]}, "tools.0.name"),
        ({"tools": [tool("x")], "tool_choice": "auto"}, "tool_choice"),
        ({"tools": [tool("x")], "tool_choice": {"type": "tool", "name": "y"}}, "tool_choice.name"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"stop_sequences": "END"}, "stop_sequences"),
        ({"thinking": "yes"}, "thinking"),
        ({"output_config": []}, "output_config"),
        ({"system": 3}, "system"),
    ],
)
def test_a_wrong_shape_is_the_clients_error_by_its_place(more: dict[str, Json], field: str | None) -> None:
    if field is None:
        request(request_of([HELLO]) | more, LLAMA, {})
        return
    with pytest.raises(InvalidInput, match=field):
        request(request_of([HELLO]) | more, LLAMA, {})
