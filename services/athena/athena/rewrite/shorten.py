"""The gateway's policy: what may be done to a text before it is first sent.

The bill is paid for tokens, the answer's quality by what is missing from them. So only
long texts are touched; structure is reduced without loss everywhere; and whole sentences
go only where they are noise to the question: in tools' output, never in what a person
wrote, and never in what the client may edit by exact match next (a file that it just read).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from athena.compression import Compressed
from athena.rewrite.canonical import Unit
from athena.rewrite.ports import Shorter

# Tools that show a file as it is on disk: what they return is quoted byte for byte in an edit.
_SHOWS_A_FILE = re.compile(r"read|view|open|cat\b|edit|write|notebook|show|get_?file|file_?content|str_replace", re.I)
# Lines with numbers in front are how such tools print a file.
_NUMBERED = re.compile(r"\A(?:\s*\d+(?:\t|→|: |\| ).*\n){3}")

log = structlog.get_logger(__name__)

Compress = Callable[..., Awaitable[Compressed]]


@dataclass(frozen=True, slots=True)
class Policy:
    """`ratio`: share of tokens to keep of a tool's output; `budget_ms`: for all models together, per text."""

    ratio: float = 0.5
    budget_ms: float = 75.0


class Shortener:
    """A `Shorten`. `compress` is `LocalLLMClient.compress` or its like; what it raises leaves a text alone."""

    def __init__(self, compress: Compress, policy: Policy | None = None) -> None:
        self._compress = compress
        self._policy = policy or Policy()

    async def __call__(self, unit: Unit, query: str) -> Shorter | None:
        if "\x00" in unit.text or not _is_unicode(unit.text):
            # PostgreSQL couldn't keep what would be left out.
            return None
        lossy = unit.tool is not None and may_lose(unit)
        try:
            done = await self._compress(
                unit.text,
                query,
                ratio=self._policy.ratio if lossy else None,
                budget_ms=self._policy.budget_ms if lossy else 0.0,
                lossless_only=not lossy,
            )
        except Exception:
            # A request must go out, whatever is wrong with shortening it.
            log.exception("a text was left as it is")
            return None
        if not done.engines or done.compressed_tokens >= done.original_tokens:
            return None
        return Shorter(done.text, done.elisions)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def may_lose(unit: Unit) -> bool:
    """Whether sentences of this tool's output may be left out."""
    return not _SHOWS_A_FILE.search(unit.tool or "") and not _NUMBERED.match(unit.text)
