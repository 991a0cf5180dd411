"""Whether an exported graph computes what torch computes, on padded and on unpadded input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from compressor.architecture import MAX_TOKENS
from compressor.engine import Stop
from compressor.errors import ExportMismatch
from compressor.runner import Row, Runner, softmax

TOLERANCE = 1e-4
"""In logits, of which real ones lie between about -6 and 6; both sides compute in 32-bit floats."""
_SHAPES = ((3,), (17,), (128, 128), (MAX_TOKENS,), (90, 31, 2), (200, 1))
"""Lengths of the rows of each batch: alone, together, padded."""


def largest_difference(model: PreTrainedModel, runner: Runner, ids: Sequence[int], pad: int) -> float:
    """Of the logits at tokens, padding apart. `ids`: what to draw from. Raises `ExportMismatch` over `TOLERANCE`."""
    worst = 0.0
    for rows in _batches(ids):
        expected = _torch_logits(model, rows, pad)
        found = runner.logits(rows, Stop())
        for line, row in enumerate(rows):
            gap = np.abs(expected[line, : len(row.ids)] - found[line, : len(row.ids)]).max()
            if not gap <= TOLERANCE:
                lengths = [len(row.ids) for row in rows]
                raise ExportMismatch(f"logits differ from torch's by {gap:.2g} with rows of {lengths} tokens")
            worst = max(worst, float(gap))
    return worst


def agreement(exact: Runner, quantised: Runner, ids: Sequence[int]) -> float:
    """The share of tokens that are in the better half of both."""
    same: list[NDArray[np.bool_]] = []
    for rows in _batches(ids):
        for row in (row for row in rows if len(row.ids) > 16):
            kept = [softmax(runner.logits([row], Stop()))[0, :, 1] for runner in (exact, quantised)]
            if not np.isfinite(kept[1]).all():
                raise ExportMismatch("int8 gives values that aren't numbers")
            halves = [probabilities > np.median(probabilities) for probabilities in kept]
            same.append(halves[0] == halves[1])
    return float(np.concatenate(same).mean())


def _batches(ids: Sequence[int]) -> Iterator[list[Row]]:
    drawn = np.random.default_rng(0)
    for lengths in _SHAPES:
        yield [Row([int(token) for token in drawn.choice(np.asarray(ids), length)]) for length in lengths]


def _torch_logits(model: PreTrainedModel, rows: Sequence[Row], pad: int) -> NDArray[np.float32]:
    longest = max(len(row.ids) for row in rows)
    ids = torch.tensor([[*row.ids, *[pad] * (longest - len(row.ids))] for row in rows])
    mask = torch.tensor([[1] * len(row.ids) + [0] * (longest - len(row.ids)) for row in rows])
    with torch.no_grad():
        logits: NDArray[np.float32] = model(input_ids=ids, attention_mask=mask).logits.numpy()
    return logits
