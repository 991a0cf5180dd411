"""From a text and its elidable blocks to the text without what matters least."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from athena.compression.aside import aside
from athena.compression.extract import marks, rank
from athena.compression.extract.select import select
from athena.compression.extract.units import Unit, units
from athena.compression.tokens import estimate
from athena.compression.types import Block, Elision, Ranker, Span

# Where time is short, those near the border between kept and left out are asked about first.
_MOST_RANKED = 2048
_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class Extraction:
    """`blocks`: the text of each block given, in order. `ranked`: how many units an embedding model scored."""

    blocks: list[str]
    elisions: tuple[Elision, ...]
    ranked: int
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Dense:
    ranker: Ranker
    within_s: float


async def extract(
    text: str,
    blocks: Sequence[Block],
    budget: int,
    query: str | None,
    *,
    dense: Dense | None = None,
    spans: Sequence[Span] = (),
) -> Extraction:
    """`budget`: tokens for all the blocks together. Units that hold one of `spans` stay, whatever they cost."""
    found, scores = await aside(text, _scored, text, blocks, query)
    ranked, failure = 0, None
    if dense is not None and query:
        cosines, failure = await _cosines(text, found, scores, budget, query, dense)
        scores, ranked = rank.with_meaning(found, scores, cosines), len(cosines)
    rendered, elisions = await aside(text, _fitted, text, blocks, found, scores, budget, _forced(found, spans))
    return Extraction(rendered, elisions, ranked, failure)


def _scored(text: str, blocks: Sequence[Block], query: str | None) -> tuple[list[Unit], list[float]]:
    found = units(text, list(blocks))
    return found, rank.by_words(text, found, query, _kinds(found, blocks))


def _fitted(
    text: str,
    blocks: Sequence[Block],
    found: Sequence[Unit],
    scores: Sequence[float],
    budget: int,
    forced: frozenset[int],
) -> tuple[list[str], tuple[Elision, ...]]:
    """Tokens of parts don't quite add up to those of the whole: what is over is taken off in a second round."""
    kept = select(found, scores, budget, marks.FULL_TOKENS, forced)
    gaps = len(_gaps(found, kept))
    short = gaps > 1 and gaps * marks.FULL_TOKENS > marks.FULL_SHARE * budget
    room, before = budget, set[int]()
    for _ in range(_ROUNDS):
        mark, own = (marks.SHORT_TOKENS, marks.LEGEND_TOKENS) if short else (marks.FULL_TOKENS, 0)
        kept = select(found, scores, room - own, mark, forced)
        rendered, elisions = _render(text, blocks, found, kept, short)
        over = estimate("".join(rendered)) - budget
        if over <= 0 or kept <= forced:
            break
        # Where taking off what is over changes nothing, more must go.
        room -= over + 1 + (budget // 50 if kept == before else 0)
        before = kept
    return rendered, elisions


def _kinds(found: Sequence[Unit], blocks: Sequence[Block]) -> list[str]:
    at = 0
    kinds: list[str] = []
    for unit in found:
        while unit.start >= blocks[at].end:
            at += 1
        kinds.append(blocks[at].kind)
    return kinds


def _forced(found: Sequence[Unit], spans: Sequence[Span]) -> frozenset[int]:
    forced, at = set(), 0
    for index, unit in enumerate(found):
        while at < len(spans) and spans[at].end <= unit.start:
            at += 1
        if at < len(spans) and spans[at].start < unit.end:
            forced.add(index)
    return frozenset(forced)


async def _cosines(
    text: str, found: Sequence[Unit], scores: Sequence[float], budget: int, query: str, dense: Dense
) -> tuple[dict[int, float], str | None]:
    """Of as many units as there was time for; and what went wrong, if something did."""
    order = sorted(range(len(found)), key=lambda index: -scores[index])
    room, border = budget, len(order)
    for place, index in enumerate(order):
        room -= found[index].tokens
        if room < 0:
            border = place
            break
    asked = [order[place] for place in sorted(range(len(order)), key=lambda place: abs(place - border))][:_MOST_RANKED]
    try:
        async with asyncio.timeout(dense.within_s):
            given = await dense.ranker.score(query, [text[found[i].start : found[i].end].strip() for i in asked])
    except TimeoutError:
        return {}, "embedding: not in time"
    except Exception as exc:  # whatever a ranker raises, words alone rank too
        return {}, f"embedding: {exc}"
    return dict(zip(asked, given, strict=False)), None


def _gaps(found: Sequence[Unit], kept: set[int]) -> list[tuple[int, int]]:
    """Runs of units left out: first and one past the last."""
    gaps: list[tuple[int, int]] = []
    for index in range(len(found)):
        if index in kept:
            continue
        if gaps and gaps[-1][1] == index and found[index - 1].end == found[index].start:
            gaps[-1] = (gaps[-1][0], index + 1)
        else:
            gaps.append((index, index + 1))
    return gaps


def _render(
    text: str, blocks: Sequence[Block], found: Sequence[Unit], kept: set[int], short: bool
) -> tuple[list[str], tuple[Elision, ...]]:
    gaps = _gaps(found, kept)
    by_block: list[list[str]] = [[] for _ in blocks]
    elisions: list[Elision] = []
    at = block = 0
    for index, unit in enumerate(found):
        while unit.start >= blocks[block].end:
            block += 1
        if index in kept:
            by_block[block].append(text[unit.start : unit.end])
        elif at < len(gaps) and gaps[at][0] == index:
            left_out = text[unit.start : found[gaps[at][1] - 1].end]
            at += 1
            if short:
                by_block[block].append(_in_place(marks.SHORT, left_out))
            else:
                elisions.append(marks.elision(left_out))
                by_block[block].append(_in_place(marks.full(elisions[-1]), left_out))
    if short and gaps:
        elisions = [marks.elision(text)]
        ended = "".join(by_block[-1])
        by_block[-1].append(
            ("" if not ended or ended.endswith("\n") else "\n") + marks.legend(elisions[0], len(gaps)) + "\n"
        )
    return ["".join(parts) for parts in by_block], tuple(elisions)


def _in_place(mark: str, left_out: str) -> str:
    """With the white space that what it stands for ended with: the line or the paragraph goes on as before."""
    if left_out.endswith("\n\n"):
        return f"{mark}\n\n"
    if left_out.endswith("\n"):
        return f"{mark}\n"
    return f"{mark} " if left_out[-1:].isspace() else mark
