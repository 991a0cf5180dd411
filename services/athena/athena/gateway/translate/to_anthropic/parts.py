"""Content parts of OpenAI's messages to blocks of Anthropic's."""

from __future__ import annotations

import base64
import binascii
from typing import Literal

from athena.errors import InvalidInput
from athena.gateway.translate.errors import CannotCarry
from athena.gateway.types import Json

Block = dict[str, Json]
Role = Literal["user", "assistant", "system", "tool"]

_IMAGES = {"image/jpeg", "image/png", "image/gif", "image/webp"}
_TEXT_FILES = (".txt", ".md", ".csv", ".json", ".xml", ".html", ".log")


def blocks(content: Json, where: str, role: Role) -> list[Block]:
    """Empty where nothing is said: Anthropic refuses a text of white space alone."""
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content.strip() else []
    if not isinstance(content, list):
        raise InvalidInput(f"{where}: must be a text or a list of parts")
    found = []
    for index, part in enumerate(content):
        here = f"{where}[{index}]"
        block = _block({"type": "text", "text": part} if isinstance(part, str) else part, here, role)
        if block is not None:
            found.append(block)
    return found


def text_of(content: Json) -> str:
    """All that is said in words, as the model that is quoted once said it in one piece."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "".join(
        part.get("text") or "" for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)
    )


def _block(part: Json, where: str, role: Role) -> Block | None:
    if not isinstance(part, dict):
        raise InvalidInput(f"{where}: must be a content part: an object with a type")
    kind = part.get("type")
    if kind in ("text", "refusal"):
        text = part.get("text" if kind == "text" else "refusal")
        if not isinstance(text, str):
            raise InvalidInput(f"{where}.{kind}: must be a text")
        block: Block | None = {"type": "text", "text": text} if text.strip() else None
    elif kind == "image_url" and role in ("user", "tool"):
        block = {"type": "image", "source": _image(part.get("image_url"), f"{where}.image_url")}
    elif kind == "file" and role in ("user", "tool"):
        block = _document(part.get("file"), f"{where}.file")
    elif kind in ("image_url", "file"):
        raise CannotCarry(where, f"Anthropic takes no {kind} part in a message of role {role}; put it into a user's")
    else:
        raise CannotCarry(f"{where}.type", f"Anthropic takes no part of type {kind!r}; send text, an image or a PDF")
    if block is not None and _is_breakpoint(part):
        block["cache_control"] = {"type": "ephemeral"}
    return block


def _is_breakpoint(part: Block) -> bool:
    """OpenAI's mark for where a prompt may be cached to, or Anthropic's own, which many gateways' clients send."""
    return isinstance(part.get("prompt_cache_breakpoint"), dict) or isinstance(part.get("cache_control"), dict)


def _image(image: Json, where: str) -> Block:
    url = image.get("url") if isinstance(image, dict) else image
    if not isinstance(url, str):
        raise InvalidInput(f"{where}.url: must be a URL or a data URL")
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    media, data = _data_url(url, f"{where}.url")
    if media not in _IMAGES:
        raise CannotCarry(
            f"{where}.url", f"Anthropic takes no image of type {media or 'unknown'}", hint="send JPEG, PNG, GIF or WebP"
        )
    return {"type": "base64", "media_type": media, "data": data}


def _document(file: Json, where: str) -> Block:
    if not isinstance(file, dict) or not isinstance(file.get("file_data"), str):
        raise CannotCarry(where, "an uploaded file is known to OpenAI alone; send its bytes as file_data")
    name, data = file.get("filename"), file["file_data"]
    media = _media_of(name)
    if data.startswith("data:"):
        media, data = _data_url(data, f"{where}.file_data")
    if media == "application/pdf":
        source = {"type": "base64", "media_type": media, "data": data}
    elif media.startswith("text/"):
        source = {"type": "text", "media_type": "text/plain", "data": _decoded(data, f"{where}.file_data")}
    else:
        raise CannotCarry(
            f"{where}.file_data", f"Anthropic takes no file of type {media or 'unknown'}; send PDF or text"
        )
    block: Block = {"type": "document", "source": source}
    if isinstance(name, str) and name:
        block["title"] = name
    return block


def _media_of(name: Json) -> str:
    """Of a file whose bytes come without a type."""
    lowered = name.lower() if isinstance(name, str) else ""
    if lowered.endswith(".pdf"):
        return "application/pdf"
    return "text/plain" if lowered.endswith(_TEXT_FILES) else ""


def _data_url(url: str, where: str) -> tuple[str, str]:
    """Media type and base64 of a data URL. Megabytes long: cut at the comma, never searched."""
    head, comma, data = url[len("data:") :].partition(",")
    media, *parameters = head.split(";")
    if not comma or "base64" not in parameters:
        raise CannotCarry(where, "a data URL must be in base64")
    media = media.strip().lower()
    return {"image/jpg": "image/jpeg"}.get(media, media), data


def _decoded(data: str, where: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as exc:
        raise InvalidInput(f"{where}: must be UTF-8 text in base64") from exc
