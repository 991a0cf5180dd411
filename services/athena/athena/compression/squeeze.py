"""The token-level step: words dropped from prose by a model behind the `Squeezer` protocol, and checked here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from athena.compression.protect import protect
from athena.compression.types import Segment, Span, Squeezed, Squeezer
from athena.errors import AthenaError


@dataclass(frozen=True, slots=True)
class Outcome:
    """One text per text given: shorter, or as it was. `failure`: why it isn't shorter, where it isn't."""

    texts: list[str]
    failure: str | None = None


async def squeeze(texts: Sequence[str], target_tokens: int, squeezer: Squeezer, within_s: float) -> Outcome:
    """Never raises for what the squeezer does. A result that lost a protected span is not used."""
    spans = [protect(text) for text in texts]
    segments = [
        Segment(text, tuple((span.start, span.end) for span in own)) for text, own in zip(texts, spans, strict=True)
    ]
    try:
        async with asyncio.timeout(within_s):
            answers = await squeezer.squeeze(
                segments, target_tokens=max(target_tokens, 1), deadline_ms=max(1, int(within_s * 1000))
            )
    except TimeoutError:
        return Outcome(list(texts), "compressor: not in time")
    except AthenaError as exc:
        return Outcome(list(texts), f"compressor: {exc.message}")
    except Exception as exc:  # an engine of somebody else's may raise anything; the prompt must go out
        return Outcome(list(texts), f"compressor: {type(exc).__name__}: {exc}")
    if len(answers) != len(texts):
        return Outcome(list(texts), f"compressor: {len(answers)} answers to {len(texts)} segments")
    used = [_checked(text, own, answer) for text, own, answer in zip(texts, spans, answers, strict=True)]
    refused = sum(text is None for text in used)
    failure = f"compressor: {refused} of {len(texts)} answers lost a protected span" if refused else None
    return Outcome([text if new is None else new for text, new in zip(texts, used, strict=True)], failure)


def _checked(text: str, spans: Sequence[Span], answer: Squeezed) -> str | None:
    if len(answer.text) >= len(text):
        return text
    return answer.text if survive(text, spans, answer.text) else None


def survive(text: str, spans: Sequence[Span], shorter: str) -> bool:
    """Each span is in `shorter`, byte for byte, in the same order."""
    at = 0
    for span in spans:
        wanted = text[span.start : span.end]
        found = shorter.find(wanted, at)
        if found < 0:
            return False
        at = found + len(wanted)
    return True
