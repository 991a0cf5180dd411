"""What holds for every conversation and every answer, however they are cut."""

from __future__ import annotations

import contextlib
import copy
import json
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from athena.errors import InvalidInput
from athena.gateway.sse import Parser, encode
from athena.gateway.translate import to_anthropic
from athena.gateway.translate.errors import NoAnswer
from athena.gateway.translate.to_openai import Stream, answer, error, ignored, request
from athena.gateway.types import Model, Provider
from tests.unit import anthropic_events
from tests.unit.anthropic_requests import (
    ALL,
    GENERIC,
    LLAMA,
    OPENAI,
    inputs,
    json_values,
    request_of,
    text,
    turns,
    words,
)

Json = Any
CLAUDE = Model(Provider("anthropic", "anthropic", "http://127.0.0.1:9", False, "anthropic"), "claude-sonnet-5-5")
models = st.sampled_from(ALL)
law = settings(deadline=None)  # the machine may be busy


@law
@given(turns(), models)
def test_a_longer_conversation_begins_as_the_shorter_one_did(messages: list[Json], to: Model) -> None:
    whole = request(request_of(messages), to, {})["messages"]
    for end in range(1, len(messages)):
        if messages[end - 1]["role"] == "assistant" or _open_call(messages[:end]):
            continue
        part = request(request_of(messages[:end]), to, {})["messages"]
        if messages[end]["role"] == "assistant":
            assert whole[: len(part)] == part
            continue
        # Neighbours of one role are one turn: the last message goes on.
        assert whole[: len(part) - 1] == part[:-1]
        last, longer = part[-1], whole[len(part) - 1]
        assert last["role"] == longer["role"]
        assert _flat(longer).startswith(_flat(last))


@law
@given(turns(), models)
def test_the_same_said_in_another_way_is_the_same(messages: list[Json], to: Model) -> None:
    billing = text("x-anthropic-billing-header: cch=00001;")
    other = [_otherwise(message) for message in messages]
    plain = request(request_of(messages, system="be kind"), to, {})
    assert request(request_of(other, system=[billing, text("be kind", cached=True)]), to, {}) == plain


@law
@given(turns(), models)
def test_nothing_that_came_in_is_changed(messages: list[Json], to: Model) -> None:
    body = request_of(messages)
    before = copy.deepcopy(body)
    out = request(body, to, {})
    assert body == before
    assert json.loads(json.dumps(out)) == out


@law
@given(turns(), models)
def test_roles_are_in_an_order_that_templates_take(messages: list[Json], to: Model) -> None:
    out = request(request_of(messages), to, {})["messages"]
    roles = [message["role"] for message in out]
    if to is not OPENAI:
        assert "system" not in roles[1:]
        assert ("user", "user") not in pairwise(roles)
    assert ("assistant", "assistant") not in pairwise(roles)
    called: list[str] = []
    for message in out:
        if message["role"] == "tool":
            called.remove(message["tool_call_id"])
        else:
            assert not called, "a call was left without its result"
        called += [call["id"] for call in message.get("tool_calls", [])]
        assert message["content"] or message["role"] in ("assistant", "tool")


@law
@given(turns(shown=False))
def test_there_and_back_keeps_the_meaning(messages: list[Json]) -> None:
    there = request(request_of(messages, system="be kind"), OPENAI, {})
    back = to_anthropic.request(there, CLAUDE, {})
    assert _meaning(back) == _meaning(request_of(messages, system="be kind"))


calls = st.lists(
    st.tuples(
        st.sampled_from(("call_1", "functions.get:0", "ß", "")),
        st.sampled_from(("get", "look")),
        inputs.map(json.dumps) | st.sampled_from(("", "{", "[1]", '{"a":1} ')) | json_values.map(json.dumps),
    ),
    max_size=3,
)
finishes = st.sampled_from(("stop", "length", "tool_calls", "content_filter"))


@st.composite
def completions(draw: st.DrawFn) -> Json:
    message: Json = {"role": "assistant", "content": draw(st.none() | words)}
    if thought := draw(st.none() | words):
        message["reasoning_content"] = thought
    if said := draw(calls):
        message["tool_calls"] = [
            {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for id, name, arguments in said
        ]
    usage = {"prompt_tokens": draw(st.integers(0, 999)), "completion_tokens": draw(st.integers(0, 99))}
    choice = {"index": 0, "message": message, "finish_reason": draw(finishes)}
    return {"id": draw(words), "choices": [choice], "usage": usage}


@law
@given(completions(), st.data())
def test_a_stream_says_what_the_whole_answer_says_however_it_is_cut(body: Json, data: st.DataObject) -> None:
    stream, parser, said = Stream(LLAMA, "asked"), Parser(), b""
    wire = b"".join(encode(json.dumps(chunk).encode()) for chunk in _chunks(body, data)) + b"data: [DONE]\n\n"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    for start, end in pairwise([0, *cuts, len(wire)]):
        said += b"".join(stream.feed(event.data) for event in parser.feed(wire[start:end]))
    whole, signatures = answer(body, LLAMA, "asked")
    assert anthropic_events.message(said + stream.end()) == whole
    assert stream.signatures == signatures


@law
@given(completions(), turns())
def test_an_answer_comes_back_as_it_was_said(body: Json, messages: list[Json]) -> None:
    message, signatures = answer(body, GENERIC, "asked")
    history = [*messages, message, {"role": "user", "content": "go on"}]
    if messages[-1]["role"] == "assistant":
        return
    again = request(request_of(history), GENERIC, signatures)["messages"][-2]
    original = body["choices"][0]["message"]
    assert (again["content"] or None) == original["content"]
    for said, call in zip(original.get("tool_calls", []), again.get("tool_calls", []), strict=True):
        assert call["function"]["name"] == said["function"]["name"]
        read = _object(said["function"]["arguments"])
        if read is not None:
            assert json.loads(call["function"]["arguments"]) == read


places = st.sampled_from(
    "role content type text source data media_type url id name input tool_use_id citations title system tools messages "
    "tool_choice input_schema thinking budget_tokens output_config format schema effort choices delta message index "
    "function arguments tool_calls usage prompt_tokens finish_reason reasoning error code extra_content".split()
)
kinds = st.sampled_from("text image document search_result tool_use tool_result thinking base64 user tool any".split())
anything = st.recursive(
    json_values | kinds, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(places, inner, max_size=5)
)
objects = st.dictionaries(places, anything, max_size=6)


@law
@given(objects, turns(), models)
def test_whatever_comes_is_translated_or_the_clients_error(more: Json, messages: list[Json], to: Model) -> None:
    strange = {"role": "user", "content": [more, {"type": "tool_result", "tool_use_id": "x", "content": [more]}]}
    for body in (request_of(messages) | more, request_of([*messages, strange])):
        with contextlib.suppress(InvalidInput):
            request(body, to, {})
            ignored(body, to)


@law
@given(objects, st.lists(objects, max_size=4))
def test_whatever_a_provider_says_is_an_answer_or_an_error(body: Json, chunks: list[Json]) -> None:
    strange = {"choices": [{"message": body, "delta": body, "finish_reason": "stop"}], "usage": body}
    for said in (body, strange):
        with contextlib.suppress(NoAnswer):
            json.dumps(answer(said, LLAMA, "asked"))
    stream, events = Stream(LLAMA, "asked"), b""
    for chunk in (strange, *chunks):
        events += stream.feed(json.dumps(chunk).encode())
    events += stream.end()
    if anthropic_events.events(events)[-1].name != "error":
        anthropic_events.message(events)
    status, rendered = error(500, json.dumps(body).encode())
    assert (status, json.loads(rendered)["type"]) == (500, "error")


def _chunks(body: Json, data: st.DataObject) -> list[Json]:
    """The answer in pieces: thinking, then text and calls interleaved as they may be, the reason, what it used."""
    choice = body["choices"][0]
    message = choice["message"]
    deltas: list[Json] = [{"reasoning_content": piece} for piece in _pieces(message.get("reasoning_content"), data)]
    lanes: list[list[Json]] = [[{"content": piece} for piece in _pieces(message["content"], data)]]
    for index, call in enumerate(message.get("tool_calls", [])):
        head = {"index": index, "id": call["id"], "function": {"name": call["function"]["name"], "arguments": ""}}
        tail = [{"index": index, "function": {"arguments": p}} for p in _pieces(call["function"]["arguments"], data)]
        lanes.append([{"tool_calls": [piece]} for piece in (head, *tail)])
    # Calls begin in order.
    deltas += lanes[0][:1]
    del lanes[0][:1]
    for lane in lanes[1:]:
        deltas.append(lane.pop(0))
    while lanes := [lane for lane in lanes if lane]:
        deltas.append(lanes[data.draw(st.integers(0, len(lanes) - 1))].pop(0))
    chunks = [
        {"id": body["id"], "choices": [{"index": 0, "delta": delta}]} for delta in ({"role": "assistant"}, *deltas)
    ]
    last = {"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}
    return [*chunks, {"id": body["id"], "choices": [last]}, {"id": body["id"], "choices": [], "usage": body["usage"]}]


def _pieces(value: str | None, data: st.DataObject) -> list[str]:
    if not value:
        return []
    cuts = sorted(data.draw(st.lists(st.integers(0, len(value)), max_size=3)))
    return [value[start:end] for start, end in pairwise([0, *cuts, len(value)])]


def _open_call(messages: list[Json]) -> bool:
    """A call is still without its result."""
    blocks = [block for message in messages if isinstance(message["content"], list) for block in message["content"]]
    called = {block["id"] for block in blocks if block["type"] == "tool_use"}
    return bool(called - {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"})


def _flat(message: Json) -> str:
    """The content in one line, so that one can begin as another does."""
    content = message["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return "\n\n".join(part["text"] if part["type"] == "text" else json.dumps(part) for part in parts)


def _otherwise(message: Json) -> Json:
    """The same message as a client may send it the next time."""
    content = message["content"]
    if isinstance(content, str):
        return message | {"content": [text(content, cached=True)]}
    if len(content) == 1 and content[0]["type"] == "text":
        return message | {"content": content[0]["text"]}
    return message | {"content": [block | {"cache_control": {"type": "ephemeral"}} for block in content]}


def _object(arguments: str) -> Json:
    try:
        value = json.loads(arguments or "{}")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _meaning(body: Json) -> list[Json]:
    """Who says what, in order: what must be the same on the other side. Texts that follow each other are one."""
    said: list[list[Json]] = [["system", _plain(body["system"])]]
    for message in body["messages"]:
        for block in _blocks(message["content"]):
            kind = block["type"]
            if kind == "text":
                role, words = _speaker(message["role"], block["text"])
                if said[-1][0] == role:
                    said[-1][1] += "\n\n" + words
                else:
                    said.append([role, words])
            elif kind == "image":
                said.append(["image", block["source"]["media_type"], block["source"]["data"]])
            elif kind == "tool_use":
                said.append(["call", block["id"], block["name"], block["input"]])
            elif kind == "tool_result":
                result = _plain(block.get("content", ""))
                marked = f"<tool_error>\n{result}\n</tool_error>" if block.get("is_error") else result
                said.append(["result", block["tool_use_id"], marked])
    return said


def _speaker(role: str, said: str) -> tuple[str, str]:
    """Where the role `system` can't come late, a reminder of the user's says the same."""
    inside = said.removeprefix("<system-reminder>\n").removesuffix("\n</system-reminder>")
    return (role, said) if inside == said else ("system", inside)


def _blocks(content: Json) -> list[Json]:
    return [text(content)] if isinstance(content, str) else content


def _plain(content: Json) -> str:
    return "\n\n".join(block["text"] for block in _blocks(content))
