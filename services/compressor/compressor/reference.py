"""The real package, as it is, loaded without network and without guessing the architecture from a folder's name."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from llmlingua import PromptCompressor

from compressor.architecture import Architecture, ModelName, Precision
from compressor.counter import Counter
from compressor.engine import EngineName, Job, Kept, Stop
from compressor.errors import BadModel, EngineFailed
from compressor.plan import Forced
from compressor.strict import assembled, package_rate, planned_stretches, stretches
from compressor.tokens import Tokens

_BETWEEN_WORDS = "\x1d"
_BEFORE_LABEL = "\x1e"


class OfflineCompressor(PromptCompressor):
    """The package's constructor, less its call to tiktoken, which downloads, and with the model's name given."""

    def __init__(self, folder: Path, architecture: Architecture, counter: Counter) -> None:
        self.use_llmlingua2 = True
        self.oai_tokenizer: Any = counter
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.load_model(str(folder), "cpu", {"trust_remote_code": False, "local_files_only": True})
            self.model_name = architecture.package_name
            self.init_llmlingua2()

    def labelled(self, text: str, job: Job, rate: float) -> list[tuple[str, bool]]:
        """Its words of a text, and whether it keeps them. Raises `EngineFailed`."""
        try:
            answer: dict[str, Any] = self.compress_prompt_llmlingua2(
                [text],
                rate=rate,
                force_tokens=list(job.forced_tokens),
                force_reserve_digit=job.force_digits,
                return_word_label=True,
                word_sep=_BETWEEN_WORDS,
                label_sep=_BEFORE_LABEL,
            )
        except (ValueError, IndexError, AssertionError, RuntimeError) as exc:
            raise EngineFailed(f"llmlingua: {exc}") from exc
        pairs = (line.rpartition(_BEFORE_LABEL) for line in answer["fn_labeled_original_prompt"].split(_BETWEEN_WORDS))
        return [(word, label == "1") for word, _, label in pairs]


class ReferenceEngine:
    name: EngineName = "llmlingua"
    precision: Precision = "fp32"
    strict = True

    def __init__(self, folder: Path, tokens: Tokens, counter: Counter, threads: int) -> None:
        """`folder`: config.json, weights and tokenizer, as published. Raises `BadModel`."""
        torch.set_num_threads(threads)
        self._tokens = tokens
        self.model: ModelName = tokens.architecture.name
        try:
            self._package = OfflineCompressor(folder, tokens.architecture, counter)
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise BadModel(f"{folder}: {exc}") from exc

    def count(self, text: str) -> int:
        return len(self._tokens.plain(text).ids)

    def compress(self, job: Job, stop: Stop) -> list[Kept]:
        """The package can't be stopped inside a stretch of text, only between two."""
        rate = package_rate(job, [self.count(segment.text) for segment in job.segments])
        if rate >= 1.0:
            return [Kept.whole(segment.text) for segment in job.segments]
        forced = Forced.of(job.forced_tokens, job.force_digits, self._tokens)
        result = []
        for segment in job.segments:
            planned = planned_stretches(segment, forced, self._tokens)
            chosen: list[list[bool]] = []
            for (start, end), chunks in zip(stretches(segment), planned, strict=True):
                stop.check()
                sizes = [len(chunk.words) for chunk in chunks]
                if all(sizes):  # the package breaks on a chunk without words
                    found = iter(self.labelled(segment.text[start:end], job, rate))
                    chosen += [[label for _, label in _take(found, size)] for size in sizes]
                else:
                    chosen += [[True] * size for size in sizes if size]
            result.append(assembled(segment, planned, iter(chosen)))
        return result

    def labelled(self, text: str, job: Job, rate: float) -> list[tuple[str, bool]]:
        """The package's words of a text, and whether it keeps them. Raises `EngineFailed`."""
        return self._package.labelled(text, job, rate)


def _take(found: Iterator[tuple[str, bool]], size: int) -> list[tuple[str, bool]]:
    taken = list(islice(found, size))
    if len(taken) < size:
        raise EngineFailed("llmlingua read the text as other words than expected")
    return taken
