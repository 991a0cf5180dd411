"""Claude's thinking, for clients that have no place for it.

The newest models bind each thinking block to every byte before it, and want it back unchanged while tools are used.
OpenAI's messages can't hold it. So an answer that calls tools is remembered by its first tool call's id: its thinking
as it came, and of everything else only the place. When the client sends the message back, the two are laid together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, takewhile

from athena.gateway.types import Json

Block = dict[str, Json]
THINKING = ("thinking", "redacted_thinking")


def placed(content: Iterable[Block]) -> list[Block]:
    """An answer's content as it is remembered: thinking whole, of a text its length, of a tool call its id."""
    layout: list[Block] = []
    for block in content:
        kind = block.get("type")
        if kind in THINKING:
            layout.append(block)
        elif kind == "text":
            layout.append({"type": "text", "length": len(block.get("text") or "")})
        elif kind == "tool_use":
            layout.append({"type": "tool_use", "id": block.get("id")})
    return layout


def kept(layout: Sequence[Block], model_id: str) -> dict[str, Json]:
    """What to remember, by tool call; nothing, where there was no thinking or no call that asks for it back."""
    first = next((block["id"] for block in layout if block["type"] == "tool_use"), None)
    if first is None or not any(block["type"] in THINKING for block in layout):
        return {}
    return {first: {"model": model_id, "blocks": list(layout)}}


def restored(entry: Json, model_id: str, text: str, uses: Sequence[tuple[str, Block]]) -> list[Block] | None:
    """The assistant's content as the model gave it, or None where the thinking is another model's: no other can
    read it. `uses`: the tool calls with the ids that the client knows them by.

    If the client changed the message, only the thinking at its very beginning is laid back: what stood between
    texts has no place any more.
    """
    if not isinstance(entry, dict) or entry.get("model") != model_id:
        return None
    layout: list[Block] = entry["blocks"]
    texts = _cut(text, [block["length"] for block in layout if block["type"] == "text"])
    calls = [block["id"] for block in layout if block["type"] == "tool_use"]
    if texts is None or calls != [known for known, _ in uses]:
        leading = takewhile(lambda block: block["type"] in THINKING, layout)
        said = [{"type": "text", "text": text}] if text.strip() else []
        return [*leading, *said, *(use for _, use in uses)]
    next_text, next_use = iter(texts), (use for _, use in uses)
    content: list[Block] = []
    for block in layout:
        if block["type"] == "text":
            content.append({"type": "text", "text": next(next_text)})
        else:
            content.append(next(next_use) if block["type"] == "tool_use" else block)
    return content


def _cut(text: str, lengths: Sequence[int]) -> list[str] | None:
    """`text` in pieces, or None where it isn't theirs: of another length, or with a piece that is blank, which the
    model may say and nobody may send."""
    if sum(lengths) != len(text):
        return None
    ends = list(accumulate(lengths))
    pieces = [text[end - length : end] for end, length in zip(ends, lengths, strict=True)]
    return pieces if all(piece.strip() for piece in pieces) else None
