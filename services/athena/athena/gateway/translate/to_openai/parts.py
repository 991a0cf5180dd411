"""Content blocks to content parts, and parts to what a message holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from athena.errors import InvalidInput
from athena.gateway.translate.errors import CannotCarry
from athena.gateway.translate.to_openai.dialects import Manners
from athena.gateway.translate.to_openai.shapes import blocks, mapping, string
from athena.gateway.types import Json

Block = dict[str, Json]
Part = dict[str, Json]

_BY_CLAUDE = "name a Claude model for this request, or leave the block out"
_AS_TEXT = "send its text instead, or name a model that can read it"
_BETWEEN = "\n\n"


def text_part(text: str) -> Part:
    return {"type": "text", "text": text}


def content(parts: Sequence[Part]) -> str | list[Part]:
    """What a message holds: one string where all is text (many templates take nothing else, and clients switch
    between a string and blocks from one request to the next), else parts, with texts side by side made one."""
    merged = _merged(parts)
    if not merged:
        return ""
    if len(merged) == 1 and merged[0]["type"] == "text":
        return str(merged[0]["text"])
    return merged


def _merged(parts: Iterable[Part]) -> list[Part]:
    merged: list[Part] = []
    for part in parts:
        if part["type"] == "text" and merged and merged[-1]["type"] == "text":
            merged[-1] = text_part(merged[-1]["text"] + _BETWEEN + part["text"])
        else:
            merged.append(part)
    return merged


def of_user(block: Block, field: str, manners: Manners, *, local: bool) -> list[Part]:
    """A block that a person or a tool gave, as parts. Raises `CannotCarry` and `InvalidInput`."""
    kind = block.get("type")
    if kind == "text":
        text = string(block, "text", field)
        return [text_part(text)] if text else []
    if kind == "image":
        return [_image(block, field, local=local)]
    if kind == "document":
        return _document(block, field, manners, local=local)
    if kind == "search_result":
        return _search_result(block, field)
    if kind == "tool_reference":
        return [text_part(f"The tool {string(block, 'tool_name', field)} is available.")]
    if not isinstance(kind, str):
        raise InvalidInput(f"{field}.type: must be a string")
    raise CannotCarry(field, f"a block of the type `{kind}` is known to Claude alone", hint=_BY_CLAUDE)


def _image(block: Block, field: str, *, local: bool) -> Part:
    source = mapping(block.get("source"), f"{field}.source")
    if mapping(block.get("transformations"), f"{field}.transformations").get("oversized_image") == "error":
        raise CannotCarry(
            f"{field}.transformations", "another provider may make an image smaller without saying so", hint=_BY_CLAUDE
        )
    kind = source.get("type")
    if kind == "base64":
        media = string(source, "media_type", f"{field}.source")
        return _image_url(f"data:{media};base64,{string(source, 'data', f'{field}.source')}")
    if kind == "url" and not local:
        return _image_url(string(source, "url", f"{field}.source"))
    if kind == "url":
        # A local server would fetch it by itself: a way out that nobody watches.
        raise CannotCarry(
            f"{field}.source", "a local model takes no image by URL", hint="send the image itself, base64"
        )
    if kind == "file":
        raise CannotCarry(f"{field}.source", "a file at Anthropic can't be read elsewhere", hint="send the image")
    raise InvalidInput(f"{field}.source.type: must be base64, url or file")


def _image_url(url: str) -> Part:
    return {"type": "image_url", "image_url": {"url": url}}


def _document(block: Block, field: str, manners: Manners, *, local: bool) -> list[Part]:
    source = mapping(block.get("source"), f"{field}.source")
    _without_citations(block, field)
    kind = source.get("type")
    if kind == "text":
        return _framed(block, [text_part(string(source, "data", f"{field}.source"))])
    if kind == "content":
        inner: list[Part] = []
        for index, item in enumerate(blocks(source.get("content"), f"{field}.source.content")):
            inner += of_user(item, f"{field}.source.content.{index}", manners, local=local)
        return _framed(block, inner)
    if kind == "base64" and source.get("media_type") == "application/pdf" and manners.pdf:
        name = str(block.get("title") or "document")
        data = f"data:application/pdf;base64,{string(source, 'data', f'{field}.source')}"
        file = {
            "type": "file",
            "file": {"filename": name if name.endswith(".pdf") else f"{name}.pdf", "file_data": data},
        }
        return [*([text_part(str(block["context"]))] if block.get("context") else []), file]
    if not isinstance(kind, str):
        raise InvalidInput(f"{field}.source.type: must be a string")
    raise CannotCarry(field, "this model's provider takes no documents of this kind", hint=_AS_TEXT)


def _framed(block: Block, inner: list[Part]) -> list[Part]:
    """Text with a beginning and an end, so that the model knows it from what the person says."""
    title = f' title="{_attribute(block["title"])}"' if block.get("title") else ""
    context = [text_part(str(block["context"]))] if block.get("context") else []
    return [text_part(f"<document{title}>"), *context, *inner, text_part("</document>")]


def _search_result(block: Block, field: str) -> list[Part]:
    _without_citations(block, field)
    head = f'<search_result source="{_attribute(block.get("source"))}" title="{_attribute(block.get("title"))}">'
    texts = [
        text_part(string(item, "text", f"{field}.content.{index}"))
        for index, item in enumerate(blocks(block.get("content"), f"{field}.content"))
    ]
    return [text_part(head), *texts, text_part("</search_result>")]


def _without_citations(block: Block, field: str) -> None:
    if mapping(block.get("citations"), f"{field}.citations").get("enabled"):
        raise CannotCarry(
            f"{field}.citations", "only Claude cites in a form that a program can check", hint="switch citations off"
        )


def _attribute(value: Json) -> str:
    return str(value or "").replace("&", "&amp;").replace('"', "&quot;")
