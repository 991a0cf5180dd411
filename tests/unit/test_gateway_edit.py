"""Only what is meant to change in a request's bytes changes."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from athena.gateway.flow.edit import spliced
from athena.gateway.surfaces.parse import decoded

_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
_messages = st.lists(st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": _values}))
_bodies = st.builds(
    lambda extra, messages: {"model": "auto", **extra, "messages": messages},
    st.dictionaries(st.text(max_size=8).filter(lambda name: name not in ("model", "messages")), _values, max_size=4),
    _messages,
)


@given(_bodies, st.sampled_from([None, 1, 2]), st.booleans())
def test_unchanged_bodies_stay_the_very_bytes(body: dict[str, Any], indent: int | None, ascii_only: bool) -> None:
    raw = json.dumps(body, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    parsed = decoded(raw)
    assert spliced(raw, parsed, fields={"model": "auto"}, messages=list(parsed["messages"])) is raw


@given(_bodies, st.data())
def test_a_changed_body_says_what_was_asked_and_nothing_else(body: dict[str, Any], data: st.DataObject) -> None:
    raw = json.dumps(body).encode()
    parsed = decoded(raw)
    messages = list(parsed["messages"])
    if messages:
        index = data.draw(st.integers(0, len(messages) - 1))
        messages[index] = {**messages[index], "content": "shorter"}
    changed = spliced(raw, parsed, fields={"model": "claude"}, messages=messages)
    assert json.loads(changed) == {**json.loads(raw), "model": "claude", "messages": messages}
    assert list(json.loads(changed)) == list(json.loads(raw))


def test_digits_spaces_and_escapes_of_what_is_not_touched_survive() -> None:
    thinking = rb'{ "role":"assistant", "content":[{"type":"tool_use","input":{"x": 1.0e5,"y":0.10, "z":"\u00e9"}}]}'
    raw = b'{"model":"auto","messages":[{"role":"user","content":"long"}, ' + thinking + b'],"top":1E3}'
    parsed = decoded(raw)
    messages = [{"role": "user", "content": "short"}, parsed["messages"][1]]
    changed = spliced(raw, parsed, fields={"model": "claude"}, messages=messages)
    assert thinking in changed
    assert b'"top":1E3' in changed
    assert b"long" not in changed


def test_messages_may_be_left_out() -> None:
    raw = b'{"model":"m","messages":[{"role":"user","content":"1"},{"role":"user","content":"2"}]}'
    parsed = decoded(raw)
    assert spliced(raw, parsed, messages=parsed["messages"][1:]) == (
        b'{"model":"m","messages":[{"role":"user","content":"2"}]}'
    )


def test_half_of_a_surrogate_pair_goes_through() -> None:
    raw = b'{"model":"auto","messages":[{"role":"user","content":"cut \\ud83d"},{"role":"user","content":"x"}]}'
    parsed = decoded(raw)
    assert spliced(raw, parsed) is raw
    changed = spliced(raw, parsed, fields={"model": "m"})
    assert json.loads(changed)["messages"] == parsed["messages"]
    assert b"\\ud83d" in changed
