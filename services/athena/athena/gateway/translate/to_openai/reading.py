"""What a provider of the OpenAI wire says at the end of an answer, whole or streamed: why it stopped, what it used,
what its calls of tools are called with."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping

import msgspec

from athena.gateway.translate.to_openai.ids import hashed
from athena.gateway.translate.to_openai.shapes import encoded
from athena.gateway.types import Json, Model

# Small models write arguments that aren't JSON, or are cut in the middle. Clients parse what they get, so it comes to
# them as an object that has one field: their own check of the tool's input refuses it, and the model reads why.
MALFORMED = "malformed_arguments"

_ID = re.compile(r"msg_[a-zA-Z0-9_-]+")
_NOT_OF_IDS = re.compile(r"[^a-zA-Z0-9_-]")


def usage(said: Json, model: Model) -> dict[str, Json]:
    """As Anthropic counts: what was read from a cache, and written to one, isn't part of the input."""
    told = said if isinstance(said, Mapping) else {}
    prompt, output = _count(told, "prompt_tokens"), _count(told, "completion_tokens")
    about_prompt = _details(told, "prompt_tokens_details")
    cached, written = _count(about_prompt, "cached_tokens"), _count(about_prompt, "cache_write_tokens")
    if model.provider.dialect == "google":
        # What it thought is billed as output, and there is in the total alone.
        output = max(output, _count(told, "total_tokens") - prompt)
    counted: dict[str, Json] = {
        "input_tokens": max(prompt - cached - written, 0),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": output,
    }
    thought = _count(_details(told, "completion_tokens_details"), "reasoning_tokens")
    if thought:
        counted["output_tokens_details"] = {"thinking_tokens": thought}
    return counted


def _details(told: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    found = told.get(name)
    return found if isinstance(found, Mapping) else {}


def _count(told: Mapping[str, Json], name: str) -> int:
    value = told.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def stop(finish: Json, matched: Json, *, calls: bool, refused: bool) -> dict[str, Json]:
    """`stop_reason` and `stop_sequence`. `matched`: the sequence, which few providers tell; where they don't, an
    answer that one ended looks like one that ended by itself. Calls count for more than what `finish` says of them:
    some providers say `stop` all the same."""
    if refused or finish == "content_filter":
        return {"stop_reason": "refusal", "stop_sequence": None}
    if finish == "length":
        return {"stop_reason": "max_tokens", "stop_sequence": None}
    if calls:
        return {"stop_reason": "tool_use", "stop_sequence": None}
    if isinstance(matched, str):
        return {"stop_reason": "stop_sequence", "stop_sequence": matched}
    return {"stop_reason": "end_turn", "stop_sequence": None}


def arguments(said: Json) -> str:
    """Those of a call, as JSON that is an object; as they were said, where they are one."""
    if isinstance(said, Mapping):
        return encoded(said)
    if said is None or (isinstance(said, str) and not said.strip()):
        return "{}"
    if isinstance(said, str):
        value = _decoded(said)
        if isinstance(value, dict):
            return said
        if isinstance(value, str) and isinstance(_decoded(value), dict):
            return value  # encoded twice
    return encoded({MALFORMED: said})


def _decoded(text: str) -> Json:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None


def thought(message: Mapping[str, Json]) -> str:
    """What a model thought aloud; servers call it differently."""
    for name in ("reasoning_content", "reasoning"):
        value = message.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def said(message: Mapping[str, Json]) -> str:
    """The text, which some providers send in parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [part.get("text") for part in content if isinstance(part, Mapping) and part.get("type") == "text"]
    return "".join(text for text in texts if isinstance(text, str))


def message_id(answer_id: Json) -> str:
    """In Anthropic's form, and the same for the same answer."""
    if not isinstance(answer_id, str) or not answer_id:
        return f"msg_{uuid.uuid4().hex}"
    return answer_id if _ID.fullmatch(answer_id) else f"msg_{_NOT_OF_IDS.sub('', answer_id) or hashed(answer_id)}"
