"""How long extraction takes, without the embedding call."""

from __future__ import annotations

import pydoc
import random

from athena.compression import compress, estimate
from tests.bench.bars import Figure
from tests.bench.timing import percentile

PART = "speed"
BAR_MS = 10.0
_MODULES = ("asyncio", "argparse", "logging", "sqlite3", "unittest.mock", "typing", "decimal", "socketserver")
_QUERY = "What happens when the connection is closed before the answer has been read?"
_REPEATS = 40


async def measure() -> list[Figure]:
    """Talk and prose of 2,000 tokens, and of 20,000 (per 2,000); the median bears what else the machine does."""
    figures = []
    for name, text in (("prose", _prose(2000)), ("talk", _talk(2000)), ("prose, long", _prose(20_000))):
        tokens = estimate(text)
        taken = []
        for repeat in range(_REPEATS if tokens < 5000 else _REPEATS // 4):
            found = await compress(text, query=f"{_QUERY} {repeat}", ratio=0.3)
            if "extract" not in found.engines:
                raise RuntimeError(f"{name} was not extracted from, but {found.engines}")
            taken.append(found.latency_ms * 2000 / tokens)
        figures.append(
            Figure(
                *(PART, f"{name}: per 2,000 tokens, median", percentile(taken, 0.5), "ms", BAR_MS, "at most"),
                ours=f"p95 {percentile(taken, 0.95):.1f} ms, {tokens} tokens",
            )
        )
    return figures


def _prose(tokens: int) -> str:
    """The standard library's own documentation, its paragraphs of sentences."""
    found: list[str] = []
    size = 0
    for name in _MODULES * 50:
        for paragraph in (pydoc.getdoc(__import__(name, fromlist=["_"])) + "\n\n" + _documented(name)).split("\n\n"):
            if len(paragraph.split()) > 8:
                found.append(paragraph)
                size += estimate(paragraph) + 1
                if size >= tokens:
                    return "\n\n".join(found)
    return "\n\n".join(found)


def _documented(module: str) -> str:
    holder = __import__(module, fromlist=["_"])
    members = (getattr(holder, name) for name in sorted(dir(holder)) if not name.startswith("_"))
    return "\n\n".join(pydoc.getdoc(member) for member in members if callable(member))


def _talk(tokens: int) -> str:
    dice = random.Random(3)
    sentences = [" ".join(part.split()) for part in _prose(tokens).split(". ") if 4 < len(part.split()) < 40]
    turns: list[str] = []
    while estimate("\n".join(turns)) < tokens:
        turns += [f"{('Ada', 'Ben')[index % 2]}: {dice.choice(sentences)}." for index in range(20)]
    return "\n".join(turns)
