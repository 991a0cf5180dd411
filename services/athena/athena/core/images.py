"""Images for a vision model, as the parts of a chat message."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from athena.errors import InvalidInput

Image = str | Path | bytes

_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"BM": "image/bmp",
}


async def image_parts(images: Sequence[Image]) -> list[dict[str, Any]]:
    """One `image_url` part each. An image is a path, the file's bytes, or a `data:image/…` URL.

    Raises `InvalidInput`; for a web address too, since a model server that fetches one
    reaches out of the stack.
    """
    return [{"type": "image_url", "image_url": {"url": await _data_url(image)}} for image in images]


async def _data_url(image: Image) -> str:
    if isinstance(image, str) and image.startswith("data:"):
        if not image.startswith("data:image/") or ";base64," not in image:
            raise InvalidInput("an image as a data URL must begin with data:image/…;base64,")
        return image
    if isinstance(image, str) and image.startswith(("http://", "https://")):
        raise InvalidInput("images are not fetched from the web: pass a file's path, its bytes, or a data URL")
    if isinstance(image, bytes):
        name, content = "the image", image
    else:
        name, content = str(image), await _read(Path(image))
    return f"data:{_media_type(name, content)};base64,{base64.b64encode(content).decode()}"


async def _read(path: Path) -> bytes:
    try:
        return await asyncio.to_thread(lambda: path.expanduser().read_bytes())
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise InvalidInput(f"the image {str(path)[:200]} can't be read: {reason}") from exc


def _media_type(name: str, content: bytes) -> str:
    for signature, media_type in _SIGNATURES.items():
        if content.startswith(signature):
            return media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    raise InvalidInput(f"{name} isn't a PNG, JPEG, GIF, BMP or WebP image")
