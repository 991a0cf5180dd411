"""Where Anthropic may cache a prompt to. OpenAI's clients never say: OpenAI caches by itself.

At most three places: behind what stays (tools and system), behind the last request's end, and behind this one's, so
that the next finds it. The newest end only where a next request is likely, in a conversation or with tools: a write
costs a quarter more than no cache at all. Under the model's minimum length Anthropic ignores the marks, for free.
"""

from __future__ import annotations

from collections.abc import Iterator

from athena.gateway.translate.to_anthropic.parts import Block
from athena.gateway.translate.to_anthropic.thinking import THINKING
from athena.gateway.types import Json

_MOST = 4


def mark(request: Block, options: Json) -> None:
    """Marks `request`, whose blocks are its own. `options`: the client's `prompt_cache_options`; in its mode
    `explicit` the client's own marks are all there are."""
    marked = [block for block in _blocks(request) if "cache_control" in block]
    for block in marked[:-_MOST]:
        del block["cache_control"]
    if isinstance(options, dict) and options.get("mode") == "explicit":
        return
    free = _MOST - len(marked)
    for block in _places(request):
        if free > 0 and "cache_control" not in block:
            block["cache_control"] = {"type": "ephemeral"}
            free -= 1


def _blocks(request: Block) -> Iterator[Block]:
    yield from request.get("tools", ())
    yield from request.get("system", ())
    for message in request["messages"]:
        yield from message["content"]


def _places(request: Block) -> Iterator[Block]:
    """The blocks that are worth a mark, the most valuable first."""
    steady = request.get("system") or request.get("tools")
    if steady:
        yield steady[-1]
    messages: list[Block] = request["messages"]
    answers = [index for index, message in enumerate(messages) if message["role"] == "assistant"]
    if answers or request.get("tools"):
        yield from _end(messages)
    if answers:
        yield from _end(messages[: answers[-1]])


def _end(messages: list[Block]) -> Iterator[Block]:
    """The last block of the last user's message."""
    for message in reversed(messages):
        if message["role"] == "user":
            yield from (block for block in message["content"][-1:] if block["type"] not in THINKING)
            return
