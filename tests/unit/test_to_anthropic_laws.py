"""What holds for every conversation that is translated for Anthropic."""

from __future__ import annotations

import contextlib
import copy
import json
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from athena.errors import InvalidInput
from athena.gateway.sse import Parser, encode
from athena.gateway.translate import to_anthropic
from tests.fakes.provider.anthropic import shape
from tests.fakes.provider.anthropic.models import MODELS
from tests.fakes.provider.anthropic.prefix import units
from tests.unit.openai_talk import (
    asked,
    claude,
    conversations,
    heard,
    inputs,
    names,
    requests,
    said,
    unmarked,
    words,
)

Json = Any
models = st.sampled_from(sorted(MODELS))
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("Read", "get_weather", "a-b")
]


@given(conversations(), models, st.booleans())
def test_everybody_says_the_same_in_the_same_order(messages: list[Json], model: str, tools: bool):
    body = asked(*messages, tools=TOOLS) if tools else asked(*messages)
    before = copy.deepcopy(body)
    assert heard(to_anthropic.request(body, claude(model), {})) == said(messages)
    assert body == before, "the client's body is not touched"


@given(conversations(), models, st.booleans())
def test_anthropic_takes_it(messages: list[Json], model: str, tools: bool):
    body = asked(*messages, tools=TOOLS, stop="END", user="me@example.org") if tools else asked(*messages)
    request = to_anthropic.request(body, claude(model), {})
    shape.check(request, MODELS[model], "")
    shape.check_marks(units(request), request)


@given(conversations(), models)
def test_a_request_begins_with_the_one_before(messages: list[Json], model: str):
    sent = [
        unmarked(to_anthropic.request(asked(*part, tools=TOOLS), claude(model), {}))
        for part in requests(messages)
        if any(message["role"] == "user" for message in part)
    ]
    for earlier, later in pairwise(sent):
        assert earlier["tools"] == later["tools"]
        assert earlier.get("system") == later.get("system")
        assert earlier["messages"] == later["messages"][: len(earlier["messages"])]


# Answers as Anthropic gives them: thinking, text and calls in any order, calls under ids of their own.
thoughts = st.builds(
    lambda thinking, signature: {"type": "thinking", "thinking": thinking, "signature": signature},
    st.just("") | words,
    words,
) | st.builds(lambda data: {"type": "redacted_thinking", "data": data}, words)
texts = st.builds(lambda text: {"type": "text", "text": text}, words)


@st.composite
def contents(draw: st.DrawFn) -> list[Json]:
    calls = st.builds(lambda name, given: {"type": "tool_use", "id": "", "name": name, "input": given}, names, inputs)
    content = draw(st.lists(thoughts | texts | calls, min_size=1, max_size=6))
    return [
        {**block, "id": f"toolu_{index}"} if block["type"] == "tool_use" else dict(block)
        for index, block in enumerate(content)
    ]


def message(content: list[Json], stop: str = "end_turn") -> Json:
    usage = {"input_tokens": 7, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 3, "output_tokens": 11}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": stop,
        "usage": usage,
    }


@given(contents(), models)
def test_an_answer_that_called_tools_comes_back_to_its_model_as_it_was(content: list[Json], model: str):
    calls = [block["id"] for block in content if block["type"] == "tool_use"]
    completion, signatures = to_anthropic.answer(message(content), claude(model), "auto")
    reply = completion["choices"][0]["message"]
    kept = msgspec.json.decode(msgspec.json.encode(signatures))  # they are stored in between
    results = [{"role": "tool", "tool_call_id": id, "content": "done"} for id in calls]
    body = asked({"role": "user", "content": "Go"}, reply, *results, {"role": "user", "content": "And?"})
    sent = to_anthropic.request(body, claude(model), kept)["messages"]
    if calls:
        assert unmarked(sent[1]["content"]) == _thinking_where_it_is_kept(content)
    else:
        assert signatures == {}, "without a call nobody wants the thinking back"
    other = to_anthropic.request(body, claude("claude-opus-4-7"), kept)["messages"]
    assert not any("thinking" in block["type"] for sent_one in other for block in sent_one["content"])


def _thinking_where_it_is_kept(content: list[Json]) -> list[Json]:
    """Where there is none, texts are one and calls follow: nothing is bound to their order."""
    if any("thinking" in block["type"] for block in content):
        return content
    text = "".join(block["text"] for block in content if block["type"] == "text")
    return [{"type": "text", "text": text}] * bool(text) + [block for block in content if block["type"] == "tool_use"]


def streamed(body: Json, draw: st.DrawFn) -> bytes:
    """The events of `body`, its texts in deltas of any size."""
    events: list[Json] = []
    start = {**body, "content": [], "stop_reason": None, "usage": {**body["usage"], "output_tokens": 1}}
    events.append({"type": "message_start", "message": start})
    for index, block in enumerate(body["content"]):
        opened, deltas = _opened(block, draw)
        events.append({"type": "content_block_start", "index": index, "content_block": opened})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
        if draw(st.booleans()):
            events.append({"type": "ping"})
    delta = {"stop_reason": body["stop_reason"], "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": body["usage"]["output_tokens"]}})
    events.append({"type": "message_stop"})
    return b"".join(encode(json.dumps(event).encode(), event["type"]) for event in events)


def _opened(block: Json, draw: st.DrawFn) -> tuple[Json, list[Json]]:
    def pieces(text: str) -> list[str]:
        at = sorted(draw(st.sets(st.integers(0, len(text)), max_size=3)) | {0, len(text)})
        return [text[begin:end] for begin, end in pairwise(at)]

    match block["type"]:
        case "text":
            return {"type": "text", "text": ""}, [{"type": "text_delta", "text": x} for x in pieces(block["text"])]
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {"type": "thinking", "thinking": "", "signature": ""}, [*deltas, signed]
        case "tool_use":
            given = json.dumps(block["input"]) if block["input"] else ""
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": x} for x in pieces(given)]
    return block, []


def joined(data: bytes) -> Json:
    """The chunks of a stream as the answer that they make up."""
    events = [event.data for event in Parser().feed(data)]
    assert events.pop() == b"[DONE]"
    chunks = [json.loads(event) for event in events]
    found: Json = {"content": "", "reasoning": "", "calls": [], "finish": None, "usage": None}
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    for chunk in chunks:
        found["usage"] = chunk.get("usage") or found["usage"]
        for choice in chunk["choices"]:
            assert found["finish"] is None, "nothing is said after the reason to stop"
            delta = choice["delta"]
            found["content"] += delta.get("content") or ""
            found["reasoning"] += delta.get("reasoning_content") or ""
            found["finish"] = choice["finish_reason"]
            for made in delta.get("tool_calls", []):
                if "id" in made:
                    assert made["index"] == len(found["calls"])
                    found["calls"].append([made["id"], made["function"]["name"], ""])
                found["calls"][made["index"]][2] += made["function"]["arguments"]
    return found


@given(contents(), st.sampled_from(("end_turn", "max_tokens", "tool_use", "refusal", "new_reason")), st.data())
def test_a_stream_says_what_the_whole_answer_says_however_it_is_cut(
    content: list[Json], stop: str, data: st.DataObject
):
    body, model = message(content, stop), claude()
    stream = to_anthropic.Stream(model, "auto", to_anthropic.Wants(usage=True))
    raw, parser, told = streamed(body, data.draw), Parser(), b""
    ends = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=8)) | {0, len(raw)})
    for begin, end in pairwise(ends):
        told += b"".join(stream.feed(event.data) for event in parser.feed(raw[begin:end]))
    told += stream.end()
    completion, signatures = to_anthropic.answer(body, model, "auto")
    whole, found = completion["choices"][0], joined(told)
    assert found["content"] == (whole["message"]["content"] or "")
    assert found["reasoning"] == whole["message"].get("reasoning_content", "")
    assert found["finish"] == whole["finish_reason"]
    assert found["usage"] == completion["usage"]
    assert [(id, name, json.loads(arguments)) for id, name, arguments in found["calls"]] == [
        (made["id"], made["function"]["name"], json.loads(made["function"]["arguments"]))
        for made in whole["message"].get("tool_calls", [])
    ]
    assert stream.signatures == signatures


@given(contents(), st.data())
def test_a_stream_that_breaks_off_ends_with_an_error_and_never_as_if_it_were_whole(
    content: list[Json], data: st.DataObject
):
    raw = streamed(message(content), data.draw)
    end = data.draw(st.integers(0, raw.index(b"event: message_delta") + 10))
    stream, parser = to_anthropic.Stream(claude(), "auto"), Parser()
    told = b"".join(stream.feed(event.data) for event in [*parser.feed(raw[:end]), *parser.end()]) + stream.end()
    last = Parser().feed(told)[-1].data
    assert b"[DONE]" not in told
    assert json.loads(last)["error"]["message"].startswith("the provider's stream")
    assert stream.signatures == {}


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "type role content text image_url url file file_data tool_calls function name arguments id parameters "
                "properties items json_schema schema format enum strict tools mode allowed_tools".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
fields = st.dictionaries(
    st.sampled_from(
        "tools functions tool_choice function_call stop n logprobs response_format reasoning_effort thinking user "
        "max_tokens temperature stream stream_options prompt_cache_options modalities unheard_of".split()
    ),
    junk,
    max_size=3,
)
odd_messages = st.lists(
    st.builds(
        lambda role, more: {"role": role, **more},
        st.sampled_from(("system", "user", "assistant", "tool", "function", "nobody")),
        st.dictionaries(
            st.sampled_from(("content", "tool_calls", "function_call", "tool_call_id", "name", "refusal", "audio")),
            junk,
        ),
    ),
    min_size=1,
    max_size=4,
)


@given(odd_messages, fields, models)
def test_whatever_is_sent_is_translated_or_refused_as_the_clients_mistake(messages: list[Json], more: Json, model: str):
    body = asked(*messages, **more)
    to_anthropic.ignored(body, claude(model))
    to_anthropic.Wants.of(body)
    with contextlib.suppress(InvalidInput):
        msgspec.json.encode(to_anthropic.request(body, claude(model), {}))
