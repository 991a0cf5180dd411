"""Requests of Anthropic's clients for providers of the OpenAI wire: what is said how, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from athena.gateway.translate.to_openai import ignored, request
from athena.gateway.types import Model
from tests.unit.anthropic_requests import (
    ALL,
    GENERIC,
    GOOGLE,
    IMAGE,
    LLAMA,
    OLLAMA,
    OPENAI,
    assistant,
    claude_code,
    model,
    request_of,
    text,
    tool,
    tool_result,
    tool_use,
    user,
)

Json = Any


def said(body: dict[str, Json], to: Model = LLAMA) -> list[Json]:
    messages: list[Json] = request(body, to, {})["messages"]
    return messages


HELLO = user(text("hello"))
DATA_URL = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}}
IMAGE_BLOCK = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}}


class TestClaudeCode:
    def test_a_local_model_gets_one_system_message_and_text(self) -> None:
        out = request(claude_code(), LLAMA, {})
        system, first = out["messages"]
        assert system["content"].startswith("You are Claude Code")
        assert "\n\nYou are an interactive" in system["content"]
        assert "billing" not in json.dumps(out)
        assert first["role"] == "user"
        assert first["content"].endswith(
            "what does main.py do?\n\n<system-reminder>\nYour working directory is /tmp/project.\n</system-reminder>"
        )
        assert len(out["tools"]) == 24
        assert out["tools"][2] == {
            "type": "function",
            "function": {
                "name": "Bash",
                "description": "Does Bash.",
                "parameters": claude_code()["tools"][2]["input_schema"],
            },
        }
        assert out["stream_options"] == {"include_usage": True}
        assert out["max_tokens"] == 32000
        assert out["chat_template_kwargs"] == {"enable_thinking": True, "reasoning_effort": "medium"}

    def test_openai_gets_the_late_system_message_as_one(self) -> None:
        out = request(claude_code(), OPENAI, {})
        assert [message["role"] for message in out["messages"]] == ["system", "user", "system"]
        assert out["messages"][2]["content"] == "Your working directory is /tmp/project."
        assert out["max_completion_tokens"] == 32000
        assert "max_tokens" not in out

    def test_nothing_but_hints_is_left_out(self) -> None:
        assert ignored(claude_code(), LLAMA) == ("context_management", "metadata")
        assert ignored(claude_code(), OPENAI) == (
            "thinking",
            "context_management",
            "metadata",
            "output_config.effort",
        )

    def test_the_billing_line_and_wandering_marks_change_nothing(self) -> None:
        later = assistant(tool_use("toolu_1", "Read", argument="main.py")), user(tool_result("toolu_1", "print()"))
        first, second = claude_code(), claude_code(*later, request=2)
        second["messages"][0] = user(text(claude_code()["messages"][0]["content"][0]["text"], cached=True), text("x"))
        second["messages"][0]["content"][1] = text("what does main.py do?")
        before, after = said(first), said(second)
        assert after[: len(before)] == before
        assert request(first, LLAMA, {})["tools"] == request(second, LLAMA, {})["tools"]


class TestMessages:
    def test_a_plain_string_and_one_text_block_are_the_same(self) -> None:
        assert said(request_of([{"role": "user", "content": "hello"}])) == said(request_of([HELLO]))

    def test_neighbours_of_one_role_are_one_turn(self) -> None:
        assert said(request_of([HELLO, user(text("you"))])) == [{"role": "user", "content": "hello\n\nyou"}]

    def test_a_system_message_at_the_beginning_is_the_system_prompt(self) -> None:
        late = {"role": "system", "content": "be brief"}
        assert said(request_of([late, HELLO], system="be kind"))[0] == {
            "role": "system",
            "content": "be kind\n\nbe brief",
        }

    @pytest.mark.parametrize("to", [LLAMA, OLLAMA, GENERIC, GOOGLE], ids=lambda to: to.id and to.provider.name)
    def test_a_system_message_between_turns_is_folded_where_templates_refuse_it(self, to: Model) -> None:
        late = {"role": "system", "content": [text("be brief")]}
        messages = said(request_of([HELLO, assistant(text("hi")), late, user(text("go on"))]), to)
        assert messages[2:] == [{"role": "user", "content": "<system-reminder>\nbe brief\n</system-reminder>\n\ngo on"}]

    def test_a_system_message_never_comes_between_a_call_and_its_result(self) -> None:
        call, late = assistant(tool_use("toolu_1", "get")), {"role": "system", "content": "be brief"}
        for to in ALL:
            messages = said(request_of([HELLO, call, late, user(tool_result("toolu_1", "12"))]), to)
            assert [m["role"] for m in messages[:3]] == ["user", "assistant", "tool"]
            assert "be brief" in messages[3]["content"]

    def test_images(self) -> None:
        by_url = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
        content = said(request_of([user(text("look"), IMAGE_BLOCK, text("and"), by_url, text("say"))]), OPENAI)[0]
        assert content["content"] == [
            text("look"),
            DATA_URL,
            text("and"),
            {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
            text("say"),
        ]

    def test_parallel_calls_and_their_results_with_an_error_and_an_image(self) -> None:
        calls = assistant(text("Let me see."), tool_use("toolu_1", "get", at="Ä"), tool_use("toolu_2", "look"))
        results = user(
            tool_result("toolu_1", "no such thing", is_error=True),
            tool_result("toolu_2", [text("here:"), IMAGE_BLOCK]),
            text("what now?"),
        )
        assert said(request_of([HELLO, calls, results]))[1:] == [
            {
                "role": "assistant",
                "content": "Let me see.",
                "tool_calls": [
                    {"id": "toolu_1", "type": "function", "function": {"name": "get", "arguments": '{"at":"Ä"}'}},
                    {"id": "toolu_2", "type": "function", "function": {"name": "look", "arguments": "{}"}},
                ],
            },
            {"role": "tool", "tool_call_id": "toolu_1", "content": "<tool_error>\nno such thing\n</tool_error>"},
            {
                "role": "tool",
                "tool_call_id": "toolu_2",
                "content": "here:\n\n[image 1: see the user's next message]",
            },
            {
                "role": "user",
                "content": [text("What the tool call toolu_2 showed:"), DATA_URL, text("what now?")],
            },
        ]

    def test_thinking_is_left_out_and_the_turn_stays(self) -> None:
        thinking = {"type": "thinking", "thinking": "hm", "signature": "athena-foreign:llama/x"}
        redacted = {"type": "redacted_thinking", "data": "xyz"}
        messages = said(request_of([HELLO, assistant(thinking), HELLO, assistant(redacted, text("a")), HELLO]))
        assert [m["content"] for m in messages if m["role"] == "assistant"] == ["", "a"]
        assert "hm" not in json.dumps(messages)

    def test_texts_that_cite_stay_one_text(self) -> None:
        cited = {"type": "text", "text": "the sky is blue", "citations": [{"type": "char_location"}]}
        messages = said(request_of([HELLO, assistant(text("As it says, "), cited, text("."), text("Well.")), HELLO]))
        assert messages[1]["content"] == "As it says, the sky is blue.\n\nWell."

    def test_documents_of_text_and_search_results_are_text(self) -> None:
        source = {"type": "text", "media_type": "text/plain", "data": "It rained."}
        document = {"type": "document", "source": source, "title": 'A "day"', "context": "a diary"}
        result = {"type": "search_result", "source": "https://example.org", "title": "T", "content": [text("found")]}
        assert said(request_of([user(document, result)]))[0]["content"] == (
            '<document title="A &quot;day&quot;">\n\na diary\n\nIt rained.\n\n</document>\n\n'
            '<search_result source="https://example.org" title="T">\n\nfound\n\n</search_result>'
        )

    def test_openai_takes_a_pdf(self) -> None:
        pdf = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
        content = said(request_of([user({"type": "document", "source": pdf, "title": "bill"}, text("sum?"))]), OPENAI)
        assert content[0]["content"][0] == {
            "type": "file",
            "file": {"filename": "bill.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
        }

    def test_an_id_that_openai_would_find_too_long_is_the_same_in_call_and_result(self) -> None:
        long = "toolu_" + "x" * 60
        messages = said(request_of([HELLO, assistant(tool_use(long, "get")), user(tool_result(long, "1"))]), OPENAI)
        coined = messages[1]["tool_calls"][0]["id"]
        assert len(coined) == 40
        assert messages[2]["tool_call_id"] == coined

    def test_halves_of_surrogate_pairs_survive(self) -> None:
        messages = said(request_of([HELLO, assistant(tool_use("toolu_1", "get", a="\ud83d")), HELLO]))
        assert json.loads(messages[1]["tool_calls"][0]["function"]["arguments"]) == {"a": "\ud83d"}


class TestThoughtSignatures:
    HISTORY = (
        HELLO,
        assistant(tool_use("a", "get"), tool_use("b", "get")),
        user(tool_result("a", "1"), tool_result("b", "2")),
        assistant(tool_use("c", "get")),
        user(tool_result("c", "3")),
    )

    def test_they_are_put_back_where_they_were(self) -> None:
        kept = {"google": {"thought_signature": "abc"}}
        messages = request(request_of([*self.HISTORY]), GOOGLE, {"a": kept})["messages"]
        first, second = messages[1]["tool_calls"]
        assert first["extra_content"] == kept
        assert "extra_content" not in second, "only the first call of a step bears one"

    def test_google_is_told_of_calls_that_it_did_not_make(self) -> None:
        messages = request(request_of([*self.HISTORY]), GOOGLE, {})["messages"]
        marks = [[call.get("extra_content") for call in m["tool_calls"]] for m in messages if "tool_calls" in m]
        skip = {"google": {"thought_signature": "skip_thought_signature_validator"}}
        assert marks == [[skip, None], [skip]]

    def test_nobody_else_is(self) -> None:
        for to in (OPENAI, OLLAMA, LLAMA, GENERIC):
            assert "extra_content" not in json.dumps(request(request_of([*self.HISTORY]), to, {}))


class TestTools:
    TOOLS = (tool("get"), tool("look"))

    def chosen(self, to: Model, **choice: Json) -> dict[str, Json]:
        return request(request_of([HELLO], tools=list(self.TOOLS), tool_choice=choice), to, {})

    def test_any_and_none(self) -> None:
        assert self.chosen(OPENAI, type="any")["tool_choice"] == "required"
        assert self.chosen(LLAMA, type="none")["tool_choice"] == "none"
        assert len(self.chosen(LLAMA, type="none")["tools"]) == 2, "the beginning of the prompt stays"
        assert "tools" not in self.chosen(OLLAMA, type="none"), "which doesn't know the word"
        assert "tool_choice" not in self.chosen(LLAMA, type="auto")

    def test_one_by_name(self) -> None:
        assert self.chosen(OPENAI, type="tool", name="look")["tool_choice"] == {
            "type": "function",
            "function": {"name": "look"},
        }
        alone = self.chosen(LLAMA, type="tool", name="look")
        assert alone["tool_choice"] == "required"
        assert [t["function"]["name"] for t in alone["tools"]] == ["look"]

    def test_one_call_at_a_time(self) -> None:
        one = {"type": "auto", "disable_parallel_tool_use": True}
        assert self.chosen(OPENAI, **one)["parallel_tool_calls"] is False
        assert "parallel_tool_calls" not in self.chosen(OPENAI, type="auto")
        assert self.chosen(LLAMA, type="auto")["parallel_tool_calls"] is True

    def test_without_tools_there_is_no_choice(self) -> None:
        out = request(request_of([HELLO], tool_choice={"type": "auto"}), OPENAI, {})
        assert not {"tools", "tool_choice", "parallel_tool_calls"} & out.keys()

    def test_strict_and_examples(self) -> None:
        declared = tool("get", at={"type": "string"}) | {"strict": True, "input_examples": [{"at": "home"}]}
        function = request(request_of([HELLO], tools=[declared]), OPENAI, {})["tools"][0]["function"]
        assert function["strict"] is True
        assert function["description"] == 'Does get.\nExamples of its input:\n{"at":"home"}'

    def test_google_is_spared_the_schemas_own_schema(self) -> None:
        parameters = request(request_of([HELLO], tools=[*self.TOOLS]), GOOGLE, {})["tools"][0]["function"]["parameters"]
        assert "$schema" not in parameters
        assert parameters["additionalProperties"] is False


class TestLimits:
    def test_sampling_and_stops(self) -> None:
        body = request_of([HELLO], temperature=0.5, top_p=0.9, top_k=40, stop_sequences=["END"])
        out = request(body, LLAMA, {})
        assert (out["temperature"], out["top_p"], out["top_k"], out["stop"]) == (0.5, 0.9, 40, ["END"])
        assert "top_k" not in request(body, OPENAI, {})
        thinks = request(body, model("openai", thinking=True), {})
        assert not {"temperature", "top_p"} & thinks.keys()
        assert {"temperature", "top_p", "top_k"} == set(ignored(body, model("openai", thinking=True)))

    def test_a_format(self) -> None:
        schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
        wanted = {"response_format": {"type": "json_schema"}}
        wanted["response_format"]["json_schema"] = {"name": "answer", "strict": True, "schema": schema}
        shape = {"type": "json_schema", "schema": schema}
        for more in ({"output_config": {"format": shape}}, {"output_format": shape}):
            out = request(request_of([HELLO], **more), LLAMA, {})
            assert out["response_format"] == wanted["response_format"]


class TestThinking:
    @pytest.mark.parametrize(
        ("thinking", "effort", "openai", "google", "ollama", "llama"),
        [
            (None, None, None, None, "none", {"enable_thinking": False}),
            ({"type": "disabled"}, "high", "none", "minimal", "none", {"enable_thinking": False}),
            ({"type": "adaptive"}, None, None, None, None, {"enable_thinking": True}),
            (
                {"type": "adaptive"},
                "max",
                "high",
                "high",
                "high",
                {"enable_thinking": True, "reasoning_effort": "high"},
            ),
            (
                {"type": "enabled", "budget_tokens": 2000},
                None,
                "low",
                "low",
                "low",
                {"enable_thinking": True, "reasoning_effort": "low"},
            ),
            (None, "low", "low", "low", "none", {"enable_thinking": False}),
        ],
    )
    def test_is_asked_for_in_each_ones_words(
        self, thinking: Json, effort: Json, openai: Json, google: Json, ollama: Json, llama: Json
    ) -> None:
        body = request_of([HELLO], thinking=thinking, output_config={"effort": effort})
        assert request(body, model("openai", thinking=True), {}).get("reasoning_effort") == openai
        assert request(body, model("google", thinking=True), {}).get("reasoning_effort") == google
        assert request(body, model("ollama", thinking=True), {}).get("reasoning_effort") == ollama
        assert request(body, LLAMA, {})["chat_template_kwargs"] == llama

    def test_a_budget_is_kept_to_by_llama_server(self) -> None:
        body = request_of([HELLO], thinking={"type": "enabled", "budget_tokens": 2000})
        assert request(body, LLAMA, {})["thinking_budget_tokens"] == 2000

    def test_a_model_that_does_not_think_is_not_told_how_to(self) -> None:
        body = request_of([HELLO], thinking={"type": "adaptive"}, output_config={"effort": "high"})
        for unknown in (None, False):
            for dialect in ("openai", "google", "ollama", "generic"):
                out = request(body, model(dialect, thinking=unknown), {})  # type: ignore[arg-type]
                assert "reasoning_effort" not in out
