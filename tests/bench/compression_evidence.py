"""How often all turns that answer a question are still there, at equal actual size, beside plain ways to shorten."""

from __future__ import annotations

import random
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import mean

import numpy as np

from athena import config
from athena.compression import Ranker, compress, estimate
from athena.core.llm_client import LocalLLMClient
from athena.runtime import catalogue, llama
from tests.bench.bars import Figure
from tests.bench.compression_contexts import Context, PlainBm25, drawn, kept, read, truncated
from tests.bench.world.ground import free_port, running, until
from tests.fakes.minilm import minilm

PART = "evidence"
# Times shorter, and the share of questions whose evidence must all be kept.
BARS = {2: 0.92, 5: 0.82, 10: 0.78, 20: 0.72}
# What is over the target by rounding; the others get what ours really took.
_SLACK = 1.01
_RESAMPLES = 2000
_OTHERS = ("truncated", "random", "BM25")


class Cached:
    """MiniLM's cosines, each sentence embedded once for all questions: time is not what is measured here."""

    def __init__(self, client: LocalLLMClient) -> None:
        self._client = client
        self._known: dict[str, np.ndarray] = {}

    async def score(self, query: str, sentences: Sequence[str], /) -> list[float]:
        missing = [text for text in {query, *sentences} if text not in self._known]
        if missing:
            batch = await self._client.embed_many(missing)
            self._known |= {text: np.asarray(vector) for text, vector in zip(missing, batch.embeddings, strict=True)}
        return [float(self._known[query] @ self._known[sentence]) for sentence in sentences]


async def measure(path: Path, questions: int | None, embeddings: bool) -> list[Figure]:
    """`questions`: at most so many per conversation, evenly spread; None: all."""
    contexts = read(path)
    figures = await _measure(contexts, questions, None, "words alone")
    if embeddings:
        async with (
            embedding_server() as url,
            LocalLLMClient(embedding_url=url, reasoning_url=url, compressor_url=url) as client,
        ):
            figures += await _measure(contexts, questions, Cached(client), "with MiniLM")
    return figures


@asynccontextmanager
async def embedding_server() -> AsyncIterator[str]:
    """MiniLM as the stack would serve it."""
    with tempfile.TemporaryDirectory(prefix="athena-bench-") as home:
        settings = config.load({"ATHENA_HOME": home})
        for folder in (settings.logs_dir, settings.run_dir):
            folder.mkdir()
        port = free_port()
        model = catalogue.load().find("all-minilm-l6-v2")
        wanted = llama.spec(settings, "embedding", await minilm(), model, port)
        async with running(await llama.command(settings, "bench-embeddings", wanted)) as process:
            await until(lambda: llama.healthy(port), process)
            yield f"http://127.0.0.1:{port}"


async def _measure(contexts: list[Context], questions: int | None, ranker: Ranker | None, how: str) -> list[Figure]:
    figures = []
    for times, bar in BARS.items():
        ours: list[bool] = []
        others: dict[str, list[bool]] = {name: [] for name in _OTHERS}
        sizes: list[float] = []
        dice = random.Random(times)
        for context in contexts:
            plain = PlainBm25(context)
            total = estimate(context.text)
            step = 1 if questions is None else max(1, len(context.questions) // questions)
            for question in context.questions[::step]:
                found = await compress(
                    context.text, query=question.text, ratio=1 / times, ranker=ranker, budget_ms=600_000
                )
                ours.append(kept(context.turns, question.evidence, found.text))
                tokens = found.compressed_tokens
                sizes.append(tokens / total)
                if ranker is None:
                    others["truncated"].append(question.evidence <= truncated(context, tokens))
                    others["random"].append(question.evidence <= drawn(context, tokens, dice))
                    others["BM25"].append(question.evidence <= plain.kept(question.text, tokens))
        if mean(sizes) > _SLACK / times:
            raise RuntimeError(f"{times} times shorter was asked for, {1 / mean(sizes):.2f} came")
        figures.append(
            Figure(
                *(PART, f"all evidence kept at {times}×, {how}", mean(ours), "", bar),
                ours=f"{_interval(ours)}, actual {1 / mean(sizes):.2f}×, {len(ours)} questions",
                theirs=", ".join(f"{name} {_interval(hits)}" for name, hits in others.items() if hits),
            )
        )
    return figures


def _interval(hits: list[bool]) -> str:
    """The share, and where 95 % of resampled ones lie."""
    drawn_again = np.random.default_rng(0).choice(np.asarray(hits, dtype=float), (_RESAMPLES, len(hits))).mean(axis=1)
    low, high = np.percentile(drawn_again, (2.5, 97.5))
    return f"{100 * mean(hits):.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
