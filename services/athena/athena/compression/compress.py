"""The whole way from a block to a shorter one: reduce, extract, squeeze, as far as the target needs."""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from athena.compression.aside import aside
from athena.compression.extract import extract, marks
from athena.compression.extract.run import Dense
from athena.compression.protect import protect
from athena.compression.reduce import reduce
from athena.compression.segment import segment
from athena.compression.squeeze import squeeze
from athena.compression.tokens import estimate
from athena.compression.types import ELIDABLE, Block, Compressed, Elision, Ranker, Span, Squeezer

# A block below this is left alone: what could be won isn't worth a changed byte.
LEAST_TOKENS = 500
# For less than this a text isn't changed.
_REALLY_SHORTER = 0.98
# LLMLingua is for long prose.
_LEAST_SQUEEZED = 200
_LEAST_WAIT_S = 0.02
_LONGEST_WAIT_MS = 3_600_000.0


@dataclass(frozen=True, slots=True)
class _Task:
    text: str
    tokens: int
    target: int | None
    query: str | None
    keep_spans: bool
    ends_at: float
    ranker: Ranker | None
    squeezer: Squeezer | None

    @property
    def left_s(self) -> float:
        return self.ends_at - time.perf_counter()


@dataclass(slots=True)
class _Draft:
    """One text per block, which together are what the caller gets."""

    blocks: list[Block]
    texts: list[str]
    reducers: list[tuple[str, ...]]
    models: list[str] = field(default_factory=list)
    elisions: list[Elision] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    floor: int = 0

    @property
    def tokens(self) -> int:
        return estimate("".join(self.texts))

    @property
    def engines(self) -> tuple[str, ...]:
        """Reducers first; those of blocks that were made anew from the original don't count."""
        return tuple(dict.fromkeys([*(engine for each in self.reducers for engine in each), *self.models]))

    def elidable(self) -> list[int]:
        return [index for index, block in enumerate(self.blocks) if block.kind in ELIDABLE]


async def compress(
    text: str,
    *,
    query: str | None = None,
    ratio: float | None = None,
    target_tokens: int | None = None,
    budget_ms: float = 150,
    lossless_only: bool = False,
    ranker: Ranker | None = None,
    squeezer: Squeezer | None = None,
    keep_protected: bool | None = None,
    least_tokens: int = LEAST_TOKENS,
) -> Compressed:
    """Never raises for what a text holds or what the ranker and the squeezer do; never answers with a longer text.

    `ratio`: share of tokens to keep, `target_tokens` wins over it; with neither only reducers work.
    `budget_ms`: how long to wait for the ranker and the squeezer together. `keep_protected`: numbers,
    negations, paths and their like stay in the text, so that `floor_tokens` can be above the target; by
    default with no query. With a query whole sentences go, with what they hold, and can be had by id.
    What stays of a sentence is never cut, but by the squeezer, and there protected spans stay whole.
    """
    started = time.perf_counter()
    tokens = estimate(text)
    target = _target(tokens, ratio, target_tokens)
    task = _Task(
        text=text,
        tokens=tokens,
        target=None if lossless_only else target,
        query=query.strip() or None if query else None,
        keep_spans=not (query and query.strip()) if keep_protected is None else keep_protected,
        ends_at=started + min(max(0.0, budget_ms), _LONGEST_WAIT_MS) / 1000,
        ranker=ranker,
        squeezer=squeezer,
    )
    if tokens < least_tokens or (target is not None and target >= tokens):
        return _as_it_was(task, target, tokens, started, ())
    draft = await aside(text, _reduced, task, lossless_only)
    if task.target is not None and (not draft.engines or draft.tokens > task.target):
        await _leave_out(task, task.target, draft)
    return _answer(task, target, draft, started)


def _target(tokens: int, ratio: float | None, target_tokens: int | None) -> int | None:
    if target_tokens is not None:
        return max(target_tokens, 0)
    if ratio is None or math.isnan(ratio):
        return None
    return math.ceil(tokens * min(max(ratio, 0.0), 1.0))


def _reduced(task: _Task, lossless_only: bool) -> _Draft:
    """What parses to the same first; other forms of the same content only where that isn't enough."""
    blocks = segment(task.text)
    draft = _shorter(task.text, blocks, lossless_only=True)
    if lossless_only or (task.target is not None and draft.tokens <= task.target):
        return draft
    return _shorter(task.text, blocks, lossless_only=False)


def _shorter(text: str, blocks: list[Block], *, lossless_only: bool) -> _Draft:
    done = [reduce(text[block.start : block.end], block.kind, lossless_only=lossless_only) for block in blocks]
    return _Draft(blocks, [each.text for each in done], [each.engines for each in done])


async def _leave_out(task: _Task, target: int, draft: _Draft) -> None:
    """Extraction, and squeezing what is still too long; without a query the squeezer knows better, and goes first."""
    own = draft.elidable()
    if not own:
        draft.floor = draft.tokens
        return
    fixed = estimate(
        "".join(text for text, block in zip(draft.texts, draft.blocks, strict=True) if block.kind not in ELIDABLE)
    )
    blocks = [draft.blocks[index] for index in own]
    spans, own_floor = await aside(task.text, _spans, task, blocks)
    draft.floor = fixed + own_floor
    budget = target - fixed
    if budget <= 0:
        # The target can't be reached: what can be shortened still keeps its share, not nothing.
        budget = target * (task.tokens - min(fixed, task.tokens)) // task.tokens
    if task.query is None and await _squeeze(task, budget, draft, own):
        return
    await _extract(task, budget, draft, own, spans)
    if draft.tokens > target and task.query is not None:
        await _squeeze(task, budget, draft, own)


def _spans(task: _Task, blocks: Sequence[Block]) -> tuple[list[Span], int]:
    """What must stay of these blocks, and how many tokens that is; at least the mark that says what went."""
    if not task.keep_spans:
        return [], marks.FULL_TOKENS
    spans = [span for span in protect(task.text) if _inside(span, blocks)]
    return spans, sum(estimate(task.text[span.start : span.end]) for span in spans) or marks.FULL_TOKENS


def _inside(span: Span, blocks: Sequence[Block]) -> bool:
    at = bisect_right(blocks, span.start, key=lambda block: block.start) - 1
    return at >= 0 and span.start < blocks[at].end


async def _extract(task: _Task, budget: int, draft: _Draft, own: list[int], spans: Sequence[Span]) -> None:
    dense = None
    if task.ranker is not None and task.query is not None:
        if task.left_s > _LEAST_WAIT_S:
            dense = Dense(task.ranker, task.left_s)
        else:
            draft.degraded.append("embedding: no time left")
    found = await extract(
        task.text,
        [draft.blocks[index] for index in own],
        budget,
        task.query,
        dense=dense,
        spans=spans,
    )
    if found.failure:
        draft.degraded.append(found.failure)
    if not found.elisions:
        return
    for index, shorter in zip(own, found.blocks, strict=True):
        draft.texts[index], draft.reducers[index] = shorter, ()
    draft.models += ["extract", "embedding"] if found.ranked else ["extract"]
    draft.elisions += found.elisions


async def _squeeze(task: _Task, budget: int, draft: _Draft, own: list[int]) -> bool:
    """True if a model made it shorter."""
    prose = [
        i for i in own if draft.blocks[i].kind in ("prose", "quoted") and estimate(draft.texts[i]) >= _LEAST_SQUEEZED
    ]
    if task.squeezer is None or not prose:
        return False
    if task.left_s < _LEAST_WAIT_S:
        draft.degraded.append("compressor: no time left")
        return False
    texts = [draft.texts[index] for index in prose]
    others = sum(estimate(draft.texts[index]) for index in own if index not in prose)
    outcome = await squeeze(texts, budget - others, task.squeezer, task.left_s)
    if outcome.failure:
        draft.degraded.append(outcome.failure)
    changed = False
    for index, before, after in zip(prose, texts, outcome.texts, strict=True):
        block = draft.blocks[index]
        original = marks.elision(task.text[block.start : block.end])
        marked = after.rstrip("\n") + "\n" + marks.squeezed(original) + "\n"
        if estimate(marked) < estimate(before):
            draft.texts[index] = marked
            draft.elisions.append(original)
            changed = True
    if changed:
        draft.models.append("llmlingua")
    return changed


def _answer(task: _Task, target: int | None, draft: _Draft, started: float) -> Compressed:
    shorter = "".join(draft.texts)
    tokens = estimate(shorter)
    floor = draft.floor or tokens
    if len(shorter) >= len(task.text) or tokens > _REALLY_SHORTER * task.tokens:
        return _as_it_was(task, target, min(floor, task.tokens), started, tuple(draft.degraded))
    return Compressed(
        text=shorter,
        original_tokens=task.tokens,
        compressed_tokens=tokens,
        engines=draft.engines,
        elisions=tuple(draft.elisions),
        reached=target is None or tokens <= target,
        floor_tokens=min(floor, tokens),
        latency_ms=(time.perf_counter() - started) * 1000,
        degraded=tuple(draft.degraded),
    )


def _as_it_was(task: _Task, target: int | None, floor: int, started: float, degraded: tuple[str, ...]) -> Compressed:
    return Compressed(
        text=task.text,
        original_tokens=task.tokens,
        compressed_tokens=task.tokens,
        engines=(),
        elisions=(),
        reached=target is None or task.tokens <= target,
        floor_tokens=floor,
        latency_ms=(time.perf_counter() - started) * 1000,
        degraded=degraded,
    )
