"""The second opinion: each event alone beside the statement, without the quotes and the reasons of the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from athena.consolidation.slow import prompts
from athena.consolidation.slow.asking import Asking
from athena.consolidation.slow.check import FEWEST, Grounded, distinct_times
from athena.consolidation.slow.claims import Kind
from athena.consolidation.slow.faults import NoAnswer, Unfit
from athena.consolidation.slow.passages import Passage
from athena.consolidation.slow.text.folding import shown

BAR = 0.45
# Each costs seconds on a CPU; this many say enough of confidence, and evidence for a long series is still most of it.
MOST_ASKED = 12
# After so many times no from the start, the rest isn't asked.
_HOPELESS = 3
_MAX_TOKENS = 48
_FULL_SPAN_DAYS = 7


@dataclass(frozen=True, slots=True)
class Supported:
    passages: tuple[Passage, ...]
    confidence: float


async def supported(asking: Asking, claim: Grounded) -> Supported:
    """What passed both the code and the second question. Raises `Unfit` below the bar, `NoAnswer`."""
    if claim.kind is Kind.CONTRADICTION:
        return await _contradicted(asking, claim)
    chosen = _spread(claim.passages, MOST_ASKED)
    found: list[Passage] = []
    for place, passage in enumerate(chosen):
        if not found and place >= _HOPELESS:
            break
        if await bears_out(asking, claim.statement, passage.shown.note):
            found.append(passage)
    if distinct_times(found) < FEWEST[claim.kind]:
        raise Unfit("second_opinion", f"asked about each event alone, the model said yes to {len(found)} only")
    # What the code threw out counts as much as what the second question did.
    return Supported(tuple(found), _over_bar(confidence(found, claim.refuted + len(chosen) - len(found))))


async def tells_apart(asking: Asking) -> bool:
    """Whether the model answers two questions rightly whose answers are plain. One that says yes to everything, or no,
    has no second opinion."""
    for statement, note, right in prompts.CONTROLS:
        if await bears_out(asking, statement, note) != (right == "yes"):
            return False
    return True


async def bears_out(asking: Asking, statement: str, note: str) -> bool:
    return await _yes(asking, prompts.BEARS_OUT, prompts.bears_out(shown(statement).text, note))


def confidence(passages: Sequence[Passage], refuted: int) -> float:
    """share x breadth x span, 0..1: of n events that bear it out, `refuted` others that were to and don't, on d days,

    share = n / (n + refuted), breadth = n / (n + 1), span = 0.7 + 0.3 * min(1, (d - 1) / 6).

    Two events of one day: 0.47. Three of three days: 0.6. Ten of ten days: 0.91.
    """
    n = len(passages)
    days = len({passage.shown.event.at.astimezone(UTC).date() for passage in passages})
    span = 0.7 + 0.3 * min(1.0, (days - 1) / (_FULL_SPAN_DAYS - 1))
    return n / (n + refuted) * n / (n + 1) * span if n else 0.0


async def _contradicted(asking: Asking, claim: Grounded) -> Supported:
    older, newer = claim.passages
    if await _yes(asking, prompts.BOTH_TRUE, prompts.both_true(older.shown.note, newer.shown.note)):
        raise Unfit("second_opinion", "asked again, the model said that both events can be true")
    if not await bears_out(asking, claim.statement, newer.shown.note):
        raise Unfit("second_opinion", "asked again, the model said that the newer event doesn't say so")
    return Supported(claim.passages, _over_bar(confidence(claim.passages, 0)))


async def _yes(asking: Asking, system: str, prompt: str) -> bool:
    said: Any = await asking.ask(prompt, system=system, schema=prompts.YES_NO, max_tokens=_MAX_TOKENS)
    answer = said.get("answer") if isinstance(said, dict) else None
    if answer not in ("yes", "no"):
        raise NoAnswer("invalid_answer", "asked for yes or no, the model answered neither")
    return bool(answer == "yes")


def _over_bar(found: float) -> float:
    if found < BAR:
        raise Unfit("unsure", f"its confidence is {found:.2f}, {BAR} is needed")
    return round(found, 4)


def _spread(passages: Sequence[Passage], most: int) -> Sequence[Passage]:
    if len(passages) <= most:
        return passages
    step = (len(passages) - 1) / (most - 1)
    return [passages[round(step * place)] for place in range(most)]
