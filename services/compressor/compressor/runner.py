"""The exported model on ONNX Runtime: token ids in, the probability that each token is kept out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from compressor.architecture import MAX_TOKENS
from compressor.engine import Stop
from compressor.errors import BadModel, EngineFailed

BATCH_TOKENS = MAX_TOKENS
"""One long piece, or many short ones: more brings nothing on a processor and costs memory."""
WASTE = 0.1
"""The share of a batch that may be padding."""


@dataclass(frozen=True, slots=True)
class Row:
    """One piece with its special tokens; `masked`: positions that the model must not see."""

    ids: Sequence[int]
    masked: tuple[int, ...] = ()


class Runner:
    """Runs pieces at their own length, those of like length together. The same request gives the same answer:
    int8 takes its scale from the whole batch, so a batch never mixes requests."""

    def __init__(self, path: Path, *, pad: int, threads: int) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Lengths differ from run to run: a plan of memory per length would cost memory only.
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        # Threads that spin while they wait gain nothing here and take the processor from the servers beside this one.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as exc:  # the library's exceptions share no base class
            raise BadModel(f"{path}: {exc}") from exc
        self._pad = pad

    def keep_probabilities(self, rows: Sequence[Row], stop: Stop) -> list[NDArray[np.float32]]:
        """One array per row, as long as the row."""
        result: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(rows)
        for batch in batches([len(row.ids) for row in rows]):
            stop.check()
            kept = softmax(self.logits([rows[index] for index in batch], stop))[..., 1]
            for line, index in enumerate(batch):
                result[index] = kept[line, : len(rows[index].ids)]
        return result

    def logits(self, rows: Sequence[Row], stop: Stop) -> NDArray[np.float32]:
        """(rows, longest, 2)."""
        longest = max(len(row.ids) for row in rows)
        ids = np.full((len(rows), longest), self._pad, np.int64)
        mask = np.zeros((len(rows), longest), np.int64)
        for line, row in enumerate(rows):
            ids[line, : len(row.ids)] = row.ids
            mask[line, : len(row.ids)] = 1
            mask[line, list(row.masked)] = 0
        options = ort.RunOptions()
        stop.during(lambda: setattr(options, "terminate", True))
        try:
            (found,) = self._session.run(["logits"], {"input_ids": ids, "attention_mask": mask}, options)
        except Exception as exc:  # ended by us, or out of memory
            stop.check()
            raise EngineFailed(f"ONNX Runtime: {exc}") from exc
        finally:
            stop.during(None)
        return np.asarray(found, np.float32)


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indexes, longest first, grouped so that little is padding."""
    batch: list[int] = []
    used = 0
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        longest = lengths[batch[0]] if batch else lengths[index]
        padded = longest * (len(batch) + 1)
        if batch and (padded > BATCH_TOKENS or padded - used - lengths[index] > WASTE * padded):
            yield batch
            batch, used = [], 0
        batch.append(index)
        used += lengths[index]
    if batch:
        yield batch


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)
