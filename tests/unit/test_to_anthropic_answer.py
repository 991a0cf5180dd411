"""Anthropic's answers, streams and errors as OpenAI's clients read them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from athena.gateway.sse import Parser
from athena.gateway.translate import to_anthropic
from athena.gateway.translate.errors import NoAnswer
from tests.unit.openai_talk import asked, claude, user

Json = Any
USAGE = {"input_tokens": 7, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 3, "output_tokens": 11}
BILLED = {
    "prompt_tokens": 15,
    "completion_tokens": 11,
    "total_tokens": 26,
    "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 3},
}
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 1}}


def answered(*content: Json, stop: str = "end_turn", wants: Json = None, **more: Json) -> Json:
    body = {"id": "msg_1", "content": list(content), "stop_reason": stop, "usage": USAGE, **more}
    return to_anthropic.answer(body, claude(), "auto", wants or to_anthropic.Wants())[0]


def chunks(told: bytes) -> list[Json]:
    return [json.loads(event.data) for event in Parser().feed(told) if event.data != b"[DONE]"]


class Told:
    """A stream that was fed with `events`."""

    def __init__(self, *events: Json, wants: Json = None) -> None:
        self.stream = to_anthropic.Stream(claude(), "auto", wants or to_anthropic.Wants())
        self.fed = [
            self.stream.feed(event if isinstance(event, bytes) else json.dumps(event).encode()) for event in events
        ]
        self.end = self.stream.end()
        self.bytes = b"".join(self.fed) + self.end


START = {"type": "message_start", "message": {"id": "msg_1", "usage": {**USAGE, "output_tokens": 1}}}
STOP = {"type": "message_stop"}


def begun(block: Json, index: int = 0) -> Json:
    return {"type": "content_block_start", "index": index, "content_block": block}


def more(delta: Json, index: int = 0) -> Json:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def over(index: int = 0) -> Json:
    return {"type": "content_block_stop", "index": index}


def stopped(reason: str, **delta: Json) -> Json:
    return {"type": "message_delta", "delta": {"stop_reason": reason, **delta}, "usage": {"output_tokens": 11}}


def test_an_answer_in_words():
    completion = answered({"type": "text", "text": "One. "}, {"type": "text", "text": "Two."})
    choice = completion["choices"][0]
    assert completion["object"] == "chat.completion"
    assert completion["id"] == "chatcmpl-msg_1"
    assert completion["model"] == "auto", "the name that the client knows"
    assert choice["message"] == {"role": "assistant", "content": "One. Two.", "refusal": None}
    assert choice["finish_reason"] == "stop"
    assert completion["usage"] == BILLED


def test_an_answer_of_calls_and_thoughts():
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    choice = answered(thought, USE, {**USE, "id": "toolu_2", "input": {}}, stop="tool_use")["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert choice["message"]["reasoning_content"] == "hm"
    assert choice["message"]["tool_calls"] == [
        {"id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
        {"id": "toolu_2", "type": "function", "function": {"name": "f", "arguments": "{}"}},
    ]


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("of_tomorrow", "stop"),
    ],
)
def test_why_it_stopped(stop: str, finish: str):
    assert answered(stop=stop)["choices"][0]["finish_reason"] == finish
    told = chunks(Told(START, stopped(stop), STOP).bytes)
    assert told[-1]["choices"][0]["finish_reason"] == finish


def test_why_it_declined():
    details = {"type": "refusal", "category": "bio", "explanation": "Not this."}
    assert answered(stop="refusal", stop_details=details)["choices"][0]["message"]["refusal"] == "Not this."
    told = chunks(Told(START, stopped("refusal", stop_details=details), STOP).bytes)
    assert told[1]["choices"][0]["delta"] == {"refusal": "Not this."}
    assert told[2]["choices"][0]["finish_reason"] == "content_filter"
    assert answered(stop="refusal", stop_details=None)["choices"][0]["message"]["refusal"] is None


def test_tokens_thought_are_tokens_reasoned():
    usage = {**USAGE, "output_tokens_details": {"thinking_tokens": 4}}
    assert answered(usage=usage)["usage"]["completion_tokens_details"] == {"reasoning_tokens": 4}


def test_a_client_of_functions_gets_a_function_call():
    wants = to_anthropic.Wants.of(asked(user(), functions=[{"name": "f"}]))
    choice = answered(USE, stop="tool_use", wants=wants)["choices"][0]
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"] == {"name": "f", "arguments": '{"x":1}'}
    assert "tool_calls" not in choice["message"]
    told = chunks(
        Told(
            START,
            begun({**USE, "input": {}}),
            more({"type": "input_json_delta", "partial_json": '{"x":1}'}),
            over(),
            stopped("tool_use"),
            STOP,
            wants=wants,
        ).bytes
    )
    assert [chunk["choices"][0]["delta"].get("function_call") for chunk in told[1:3]] == [
        {"name": "f", "arguments": ""},
        {"arguments": '{"x":1}'},
    ]
    assert told[-1]["choices"][0]["finish_reason"] == "function_call"


@pytest.mark.parametrize("body", [{}, {"content": None}, {"type": "error", "error": {}}])
def test_an_answer_that_is_none_is_the_providers_fault(body: Json):
    with pytest.raises(NoAnswer):
        to_anthropic.answer(body, claude(), "auto")


# Streams.


def test_chunks_as_openai_sends_them():
    told = chunks(
        Told(
            START,
            begun({"type": "text", "text": ""}),
            more({"type": "text_delta", "text": "Hi"}),
            over(),
            stopped("end_turn"),
            STOP,
        ).bytes
    )
    assert [chunk["choices"][0]["delta"] for chunk in told] == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": "Hi"},
        {},
    ]
    assert {(chunk["id"], chunk["object"], chunk["model"]) for chunk in told} == {
        ("chatcmpl-msg_1", "chat.completion.chunk", "auto")
    }
    assert len({chunk["created"] for chunk in told}) == 1
    assert not any("usage" in chunk for chunk in told), "it wasn't asked for"


def test_the_bill_comes_last_where_it_is_asked_for():
    wants = to_anthropic.Wants.of(asked(user(), stream_options={"include_usage": True}))
    told = Told(START, begun({"type": "text", "text": "Hi"}), over(), stopped("end_turn"), STOP, wants=wants)
    *before, bill = chunks(told.bytes)
    assert bill["choices"] == []
    assert bill["usage"] == BILLED
    assert all(chunk["usage"] is None for chunk in before)
    assert told.bytes.endswith(b"}\n\ndata: [DONE]\n\n")


def test_the_end_is_told_once_and_as_soon_as_it_is_known():
    told = Told(START, stopped("end_turn"), STOP, STOP, {"type": "ping"})
    assert told.fed[2:] == [b"data: [DONE]\n\n", b"", b""]
    assert told.end == b""


def test_parallel_calls_keep_their_numbers_and_their_json():
    told = chunks(
        Told(
            START,
            begun({"type": "text", "text": ""}),
            over(),
            begun({**USE, "input": {}}, 1),
            more({"type": "input_json_delta", "partial_json": ""}, 1),
            more({"type": "input_json_delta", "partial_json": '{"x": '}, 1),
            more({"type": "input_json_delta", "partial_json": "1}"}, 1),
            over(1),
            begun({**USE, "id": "toolu_2", "input": {}}, 2),
            over(2),
            stopped("tool_use"),
            STOP,
        ).bytes
    )
    calls = [call for chunk in told for call in chunk["choices"][0]["delta"].get("tool_calls", [])]
    assert calls == [
        {"index": 0, "id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"x": '}},
        {"index": 0, "function": {"arguments": "1}"}},
        {"index": 1, "id": "toolu_2", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 1, "function": {"arguments": "{}"}},
    ]


def test_a_ping_is_a_comment():
    assert Told(START, {"type": "ping"}).fed[1] == b": ping\n\n"


def test_events_and_blocks_of_tomorrow_are_passed_over():
    told = Told(
        START,
        {"type": "of_tomorrow", "index": 0},
        begun({"type": "hologram"}),
        more({"type": "hologram_delta", "light": 1}),
        more({"type": "text_delta", "text": "lost"}, 9),
        over(),
        stopped("end_turn"),
        STOP,
    )
    assert told.fed[1:6] == [b""] * 5
    assert told.bytes.endswith(b"data: [DONE]\n\n")


def test_an_error_inside_the_stream_ends_it():
    event = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"}
    told = Told(START, event, more({"type": "text_delta", "text": "x"}), STOP)
    assert json.loads(told.fed[1][len(b"data: ") :]) == {
        "error": {"message": "Overloaded", "type": "server_error", "param": None, "code": "overloaded_error"},
        "request_id": "req_1",
    }
    assert told.fed[2:] == [b"", b""]
    assert told.end == b""


@pytest.mark.parametrize(
    "broken", [b'{"type": "content_', b"[]", more({"type": "text_delta"}), {"type": "message_start", "message": 4}]
)
def test_what_is_no_event_is_an_error_or_nothing(broken: Json):
    told = Told(START, begun({"type": "text", "text": ""}), broken)
    assert b"[DONE]" not in told.bytes
    assert "error" in chunks(told.bytes)[-1]


@pytest.mark.parametrize("events", [(), (START,), (START, begun({"type": "text", "text": "Hi"}), over())])
def test_a_stream_that_ends_too_early_says_so(events: tuple[Json, ...]):
    assert chunks(Told(*events).end)[0]["error"]["type"] == "server_error"


def test_a_stream_without_its_last_event_is_whole_when_it_said_why_it_stopped():
    assert Told(START, stopped("end_turn")).end == b"data: [DONE]\n\n"


def test_what_to_remember_is_there_before_the_end_is_told():
    stream = to_anthropic.Stream(claude(), "auto")
    kept = stream.signatures
    thought = {"type": "thinking", "thinking": "", "signature": "s"}
    for event in (START, begun(thought), over(), begun(USE, 1), over(1)):
        stream.feed(json.dumps(event).encode())
        assert kept == {}
    stream.feed(json.dumps(stopped("tool_use")).encode())
    blocks = [thought, {"type": "tool_use", "id": "toolu_1"}]
    assert kept == {"toolu_1": {"model": "claude-sonnet-5-5", "blocks": blocks}}


def test_half_of_a_surrogate_pair_comes_through():
    event = b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\ud83d"}}'
    told = chunks(Told(START, begun({"type": "text", "text": ""}), event).fed[2])
    assert told[0]["choices"][0]["delta"] == {"content": "\ud83d"}


# Errors.


def problem(kind: str, message: str, **more: Json) -> bytes:
    return json.dumps(
        {"type": "error", "error": {"type": kind, "message": message, **more}, "request_id": "req_1"}
    ).encode()


@pytest.mark.parametrize(
    ("status", "kind", "seen", "openai"),
    [
        (400, "invalid_request_error", 400, "invalid_request_error"),
        (401, "authentication_error", 401, "authentication_error"),
        (403, "permission_error", 403, "permission_error"),
        (404, "not_found_error", 404, "invalid_request_error"),
        (413, "request_too_large", 413, "invalid_request_error"),
        (429, "rate_limit_error", 429, "rate_limit_error"),
        (500, "api_error", 500, "server_error"),
        (529, "overloaded_error", 503, "server_error"),
    ],
)
def test_an_error_keeps_its_words(status: int, kind: str, seen: int, openai: str):
    found, body = to_anthropic.error(status, problem(kind, "As it was said: ünïcode."))
    assert found == seen
    assert json.loads(body) == {
        "error": {"message": "As it was said: ünïcode.", "type": openai, "param": None, "code": kind},
        "request_id": "req_1",
    }


def test_clients_know_a_prompt_that_is_too_long_by_its_code():
    _, body = to_anthropic.error(400, problem("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"))
    assert json.loads(body)["error"]["code"] == "context_length_exceeded"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, problem("rate_limit_error", "Spent.", details={"error_code": "enforced_spend_limit_reached"})),
        (402, problem("billing_error", "Spent.")),
    ],
)
def test_clients_know_an_empty_purse_by_its_code(status: int, body: bytes):
    found, told = to_anthropic.error(status, body)
    assert found == status
    assert json.loads(told)["error"] | {"message": ""} == {
        "message": "",
        "type": "insufficient_quota",
        "param": None,
        "code": "insufficient_quota",
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>Bad gateway</html>", "<html>Bad gateway</html>"),
        (b"", "the provider answered 502 without a word"),
        (b'{"detail": "no"}', '{"detail":"no"}'),
        (b"\xff", "\ufffd"),
    ],
)
def test_an_error_that_is_none_of_anthropics(body: bytes, message: str):
    status, told = to_anthropic.error(502, body)
    assert status == 502
    assert json.loads(told) == {"error": {"message": message, "type": "server_error", "param": None, "code": None}}
