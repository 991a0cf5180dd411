"""Answers of the OpenAI wire as Anthropic's clients read them: whole, streamed, and gone wrong."""

from __future__ import annotations

import json
import re
from typing import Any

import anthropic
import httpx2
import pytest

from athena.gateway.translate import foreign
from athena.gateway.translate.errors import NoAnswer
from athena.gateway.translate.to_openai import Stream, answer, error, request
from athena.gateway.types import Model
from tests.unit import anthropic_events
from tests.unit.anthropic_requests import GENERIC, GOOGLE, LLAMA, OPENAI, request_of, text

Json = Any
ASKED = "claude-sonnet-5-5"


def completion(message: Json, finish: str | None = "stop", **more: Json) -> Json:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice | more.pop("choice", {})], **more}


def call(id: str | None, name: str, arguments: Json, **more: Json) -> Json:
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **({"id": id} if id else {})} | more


def translated(body: Json, model: Model = OPENAI) -> Json:
    return answer(body, model, ASKED)[0]


def chunk(delta: Json = None, finish: Json = None, **more: Json) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return json.dumps({"id": "chatcmpl-1", "choices": choices, **more}).encode()


def streamed(*chunks: bytes, model: Model = OPENAI, done: bool = True) -> bytes:
    stream = Stream(model, ASKED)
    said = b"".join(stream.feed(each) for each in chunks)
    if done:
        said += stream.feed(b"[DONE]")
    return said + stream.end()


class TestWhole:
    def test_text(self) -> None:
        usage = {
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "total_tokens": 120,
            "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
            "completion_tokens_details": {"reasoning_tokens": 5},
        }
        assert translated(completion({"content": "Hello."}, usage=usage)) == {
            "id": "msg_chatcmpl-1",
            "type": "message",
            "role": "assistant",
            "model": ASKED,
            "content": [{"type": "text", "text": "Hello."}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {
                "input_tokens": 10,
                "cache_creation_input_tokens": 30,
                "cache_read_input_tokens": 60,
                "output_tokens": 20,
                "output_tokens_details": {"thinking_tokens": 5},
            },
        }

    def test_google_bills_what_it_thought(self) -> None:
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115}
        body = completion({"content": "x"}, usage=usage)
        assert translated(body, GOOGLE)["usage"]["output_tokens"] == 105
        assert translated(body, OPENAI)["usage"]["output_tokens"] == 5

    @pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
    def test_thinking_is_marked_and_never_sent_on(self, name: str) -> None:
        message = translated(completion({name: "Hm.", "content": "Yes."}), LLAMA)
        thinking = message["content"][0]
        assert thinking["thinking"] == "Hm."
        assert thinking["signature"].startswith("athena-foreign:")
        assert foreign.is_foreign(thinking)
        assert not foreign.is_foreign({"type": "thinking", "thinking": "Hm.", "signature": "EqQBCgIYAhIM"})
        history = [{"role": "user", "content": "?"}, message, {"role": "user", "content": "!"}]
        assert "Hm." not in json.dumps(request(request_of(history), LLAMA, {}))

    @pytest.mark.parametrize(
        ("finish", "more", "stop", "sequence"),
        [
            ("stop", {}, "end_turn", None),
            ("length", {}, "max_tokens", None),
            ("content_filter", {}, "refusal", None),
            ("something_new", {}, "end_turn", None),
            (None, {}, "end_turn", None),
            ("stop", {"stop_reason": "END"}, "stop_sequence", "END"),
            ("stop", {"stop_reason": 151645}, "end_turn", None),
            ("tool_calls", {}, "end_turn", None),
        ],
    )
    def test_why_it_stopped(self, finish: str | None, more: Json, stop: str, sequence: str | None) -> None:
        message = translated(completion({"content": "x"}, finish, choice=more))
        assert (message["stop_reason"], message["stop_sequence"]) == (stop, sequence)

    def test_a_refusal_is_text_and_a_reason(self) -> None:
        message = translated(completion({"content": None, "refusal": "I can't help with that."}))
        assert message["content"] == [text("I can't help with that.")]
        assert message["stop_reason"] == "refusal"

    @pytest.mark.parametrize("finish", ["tool_calls", "stop", "function_call"])
    def test_calls_count_for_more_than_the_reason(self, finish: str) -> None:
        message = translated(completion({"content": None, "tool_calls": [call("call_1", "get", '{"a":1}')]}, finish))
        assert message["stop_reason"] == "tool_use"
        assert message["content"] == [{"type": "tool_use", "id": "call_1", "name": "get", "input": {"a": 1}}]

    @pytest.mark.parametrize(
        ("arguments", "read"),
        [
            ("", {}),
            (None, {}),
            ({"a": 1}, {"a": 1}),
            ('"{\\"a\\": 1}"', {"a": 1}),
            ('{"a": ', {"malformed_arguments": '{"a": '}),
            ("[1]", {"malformed_arguments": "[1]"}),
            ("{'a': 1}", {"malformed_arguments": "{'a': 1}"}),
        ],
    )
    def test_arguments_of_small_models(self, arguments: Json, read: Json) -> None:
        message = translated(completion({"tool_calls": [call("call_1", "get", arguments)]}))
        assert message["content"][0]["input"] == read
        again = request(
            request_of([{"role": "user", "content": "?"}, message, {"role": "user", "content": "!"}]), LLAMA, {}
        )
        assert json.loads(again["messages"][1]["tool_calls"][0]["function"]["arguments"]) == read

    def test_ids_are_allowed_ones_unlike_each_other_and_given_back(self) -> None:
        coined = ["functions.get:0", "call_1", "call_1", None, "", "athena_id_x", "ß"]
        message = translated(completion({"tool_calls": [call(id, "get", "{}") for id in coined]}))
        ids = [block["id"] for block in message["content"]]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch("[a-zA-Z0-9_-]+", id) for id in ids)
        history = [{"role": "user", "content": "?"}, message, {"role": "user", "content": "!"}]
        given_back = [c["id"] for c in request(request_of(history), GENERIC, {})["messages"][1]["tool_calls"]]
        assert [given_back[place] for place in (0, 1, 5, 6)] == ["functions.get:0", "call_1", "athena_id_x", "ß"]

    def test_what_google_signed_is_kept_by_the_clients_id_and_given_back(self) -> None:
        signed = {"google": {"thought_signature": "abc"}}
        calls = [call("f.1", "get", "{}", extra_content=signed), call("f.2", "get", "{}")]
        message, kept = answer(completion({"tool_calls": calls}), GOOGLE, ASKED)
        assert kept == {message["content"][0]["id"]: signed}
        history = [{"role": "user", "content": "?"}, message, {"role": "user", "content": "!"}]
        again = request(request_of(history), GOOGLE, kept)["messages"][1]["tool_calls"]
        assert [c.get("extra_content") for c in again] == [signed, None]
        assert [c["id"] for c in again] == ["f.1", "f.2"]

    @pytest.mark.parametrize(
        "body", [{}, {"choices": []}, {"choices": [{}]}, {"error": {"message": "no"}}, {"choices": 1}]
    )
    def test_what_is_no_answer_is_an_error(self, body: Json) -> None:
        with pytest.raises(NoAnswer, match="some-model"):
            translated(body)

    def test_content_in_parts(self) -> None:
        parts = [{"type": "thinking", "thinking": []}, text("Hel"), text("lo")]
        assert translated(completion({"content": parts}))["content"] == [text("Hello")]


class TestStreamed:
    def test_text(self) -> None:
        said = streamed(
            chunk({"role": "assistant", "content": None}),
            chunk({"content": "Hel"}),
            chunk({"content": "lo"}),
            chunk({}, "stop"),
            chunk(usage={"prompt_tokens": 7, "completion_tokens": 2}),
        )
        names = [event.name for event in anthropic_events.events(said)]
        assert names == [
            "message_start",
            "content_block_start",
            *("content_block_delta",) * 2,
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
        message = anthropic_events.message(said)
        assert message["model"] == ASKED
        assert (message["usage"]["input_tokens"], message["usage"]["output_tokens"]) == (7, 2)

    def test_text_goes_on_as_it_comes(self) -> None:
        stream = Stream(OPENAI, ASKED)
        stream.feed(chunk({"role": "assistant", "content": ""}))
        assert b'"text":"Hel"' in stream.feed(chunk({"content": "Hel"}))

    def test_parallel_calls_interleaved(self) -> None:
        def piece(index: int, arguments: str, **more: Json) -> Json:
            return {"index": index, "function": {"arguments": arguments} | more.pop("function", {}), **more}

        said = streamed(
            chunk({"content": "Let me see."}),
            chunk({"tool_calls": [piece(0, "", id="call_a", function={"name": "get"})]}),
            chunk({"tool_calls": [piece(1, '{"b"', id="call_b", function={"name": "look"})]}),
            chunk({"tool_calls": [piece(0, '{"a": 1'), piece(1, ": 2}")]}),
            chunk({"content": " Wait."}),
            chunk({"tool_calls": [piece(0, "}")]}),
            chunk({}, "tool_calls"),
        )
        message = anthropic_events.message(said)
        assert message["content"] == [
            text("Let me see. Wait."),
            {"type": "tool_use", "id": "call_a", "name": "get", "input": {"a": 1}},
            {"type": "tool_use", "id": "call_b", "name": "look", "input": {"b": 2}},
        ]
        assert message["stop_reason"] == "tool_use"

    @pytest.mark.parametrize("place", [{"index": 0}, {}])
    def test_calls_that_all_say_the_same_place(self, place: Json) -> None:
        for ids in (("a", "b"), (None, None)):
            pieces = [{"tool_calls": [call(id, "get", f'{{"n":{n}}}', **place)]} for n, id in enumerate(ids)]
            message = anthropic_events.message(streamed(*map(chunk, pieces), chunk({}, "stop"), model=GOOGLE))
            assert [block["input"] for block in message["content"]] == [{"n": 0}, {"n": 1}]

    def test_signatures_are_kept(self) -> None:
        stream = Stream(GOOGLE, ASKED)
        signed = {"google": {"thought_signature": "abc"}}
        stream.feed(chunk({"tool_calls": [call("a", "get", "{}", index=0, extra_content=signed)]}, "tool_calls"))
        stream.feed(b"[DONE]")
        assert stream.signatures == {"a": signed}

    def test_usage_in_every_event_and_a_reason_in_every_event(self) -> None:
        usage = {"prompt_tokens": 7, "completion_tokens": 1}
        said = streamed(
            chunk({"content": "a"}, "stop", usage=usage),
            chunk({"content": "b"}, "stop", usage=usage | {"completion_tokens": 2}),
        )
        assert json.loads(anthropic_events.events(said)[0].data)["message"]["usage"]["input_tokens"] == 7
        message = anthropic_events.message(said)
        assert message["content"] == [text("ab")]
        assert message["usage"]["output_tokens"] == 2

    def test_without_done_an_answer_with_a_reason_is_whole(self) -> None:
        said = streamed(chunk({"content": "a"}), chunk({}, "length"), done=False)
        assert anthropic_events.message(said)["stop_reason"] == "max_tokens"

    def test_without_either_it_is_cut(self) -> None:
        said = streamed(chunk({"content": "a"}), done=False)
        assert "ended before" in anthropic_events.error(said)["message"]
        assert b"message_stop" not in said

    @pytest.mark.parametrize("chunks", [(), (b"[DONE]",)])
    def test_nothing_at_all_is_an_error(self, chunks: tuple[bytes, ...]) -> None:
        assert anthropic_events.error(streamed(*chunks, done=False))["type"] == "api_error"

    @pytest.mark.parametrize(
        ("told", "kind", "message"),
        [
            ({"error": {"message": "Overloaded!", "code": 503}}, "overloaded_error", "Overloaded!"),
            ({"error": {"message": "Slow down.", "code": "429"}}, "rate_limit_error", "Slow down."),
            ({"error": {"message": "Oh."}, "choices": []}, "api_error", "Oh."),
            ({"error": "Oh."}, "api_error", "Oh."),
        ],
    )
    def test_an_error_inside_ends_it(self, told: Json, kind: str, message: str) -> None:
        said = streamed(chunk({"content": "a"}), json.dumps(told).encode(), chunk({"content": "b"}))
        assert anthropic_events.error(said) == {"type": kind, "message": message}

    def test_an_event_that_is_no_json_ends_it(self) -> None:
        for wrong in (b'{"choices":', b"[]", b"\xff"):
            assert anthropic_events.error(streamed(chunk({"content": "a"}), wrong))["type"] == "api_error"

    def test_halves_of_a_surrogate_pair_meet_again(self) -> None:
        halves = [
            b'{"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}',
            b'{"choices":[{"index":0,"delta":{"content":"\\ude00"}}]}',
        ]
        events = anthropic_events.events(streamed(*halves, chunk({}, "stop")))
        deltas = [json.loads(event.data)["delta"]["text"] for event in events if event.name == "content_block_delta"]
        assert "".join(deltas).encode("utf-16", "surrogatepass").decode("utf-16") == "😀"


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "body", "expected", "kind", "message"),
        [
            (
                429,
                {"error": {"message": "Rate limit reached.", "type": "tokens", "code": "x"}},
                429,
                "rate_limit_error",
                "Rate limit reached.",
            ),
            (
                401,
                {"error": {"message": "Incorrect API key provided: sk-*"}},
                401,
                "authentication_error",
                "Incorrect API key provided: sk-*",
            ),
            (
                400,
                [{"error": {"code": 400, "message": "Bad.", "status": "INVALID_ARGUMENT"}}],
                400,
                "invalid_request_error",
                "Bad.",
            ),
            (404, {"error": "model 'x' not found"}, 404, "not_found_error", "model 'x' not found"),
            (
                503,
                {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}},
                529,
                "overloaded_error",
                "Loading model",
            ),
            (422, {"detail": "no"}, 400, "invalid_request_error", "no"),
            (500, {"error": {"message": "Oh."}}, 500, "api_error", "Oh."),
            (502, {}, 502, "api_error", "the provider answered 502 and said nothing about it"),
            (418, {"tea": "pot"}, 418, "invalid_request_error", '{"tea":"pot"}'),
        ],
    )
    def test_in_the_providers_own_words(self, status: int, body: Json, expected: int, kind: str, message: str) -> None:
        status, said = error(status, json.dumps(body).encode())
        assert status == expected
        assert json.loads(said) == {"type": "error", "error": {"type": kind, "message": message}}

    @pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b"", b"\xff\xfe", b"x" * 100_000])
    def test_whatever_comes_is_an_error(self, body: bytes) -> None:
        status, said = error(502, body)
        assert status == 502
        assert 0 < len(json.loads(said)["error"]["message"]) <= 4000

    @pytest.mark.parametrize(
        ("told", "begins"),
        [
            (
                {
                    "code": 400,
                    "message": "request (36038 tokens) exceeds the available context size (16384 tokens)",
                    "type": "exceed_context_size_error",
                    "n_prompt_tokens": 36038,
                    "n_ctx": 16384,
                },
                "prompt is too long: 36038 tokens > 16384 maximum (request (36038 tokens) exceeds",
            ),
            (
                {"message": "This model's maximum context length is 8192 tokens.", "code": "context_length_exceeded"},
                "prompt is too long (This model's maximum",
            ),
        ],
    )
    def test_a_prompt_too_long_is_said_in_words_that_clients_know(self, told: Json, begins: str) -> None:
        status, said = error(400, json.dumps({"error": told}).encode())
        assert status == 400
        assert json.loads(said)["error"]["message"].startswith(begins)


async def test_the_official_sdk_reads_a_stream() -> None:
    said = streamed(
        chunk({"reasoning_content": "Hm."}),
        chunk({"content": "Let me see."}),
        chunk({"tool_calls": [call("call_1", "get", '{"a": 1}', index=0), call("call_2", "get", "{", index=1)]}),
        chunk({}, "tool_calls"),
        chunk(usage={"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 2}}),
    )
    headers = {"content-type": "text/event-stream"}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=said, headers=headers))
    async with httpx2.AsyncClient(transport=transport) as http:
        client = anthropic.AsyncAnthropic(api_key="none", base_url="http://127.0.0.1:9", http_client=http)
        wanted = {"model": ASKED, "max_tokens": 9, "messages": [{"role": "user", "content": "?"}]}
        async with client.messages.stream(**wanted) as stream:
            message = await stream.get_final_message()
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert [block.input for block in message.content[2:]] == [{"a": 1}, {"malformed_arguments": "{"}]
    assert (message.stop_reason, message.usage.input_tokens, message.usage.output_tokens) == ("tool_use", 7, 4)
