"""One space for meaning, words and time, in which an inner product says how much two events are the same thing.

Because likeness is an inner product, the average likeness of two groups is the inner product of their means: groups of
any size are compared exactly, without their pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from athena.consolidation.fast import clumps, nuisance
from athena.consolidation.fast import words as wording
from athena.consolidation.types import Events

DAY = 86_400.0
MEANING, WORDS, HOUR, WEEKDAY = 1.0, 0.45, 0.30, 0.12
# Without vectors words have to say it all.
WORDS_ALONE = 1.15
_SAMPLE = 2000
_CHUNK = 8192


@dataclass(frozen=True, slots=True)
class Space:
    """`rows` are the events; likeness of i and j is `rows[i] @ rows[j] - offset`. `hours`: the columns of the time of
    day; `background`: the cosine of unrelated texts; `words`: weighted by what they tell of meaning."""

    rows: NDArray[np.float16]
    offset: float
    background: float
    hours: slice
    words: wording.Words


def build(events: Events, words: wording.Words) -> Space:
    has_vector = _has_vector(events.vectors)
    background = _background(events.vectors, has_vector)
    drag = None
    if has_vector.any():
        likeness = clumps.likeness_of(words, events.vectors, background)
        drag = nuisance.learned(words, likeness, events.vectors)
        words = clumps.weighted(words, likeness)
    hours, weekdays = _clock(events)
    common_hour, common_weekday = _common(hours), _common(weekdays)
    width = events.vectors.shape[1] if drag else 0
    rows = np.zeros((len(events.ids), width + wording.WIDTH + hours.shape[1] + weekdays.shape[1]), np.float16)
    usual = _meaning(rows[:, :width], events.vectors, has_vector, drag) if drag else 0.0
    lexical = rows[:, width : width + wording.WIDTH]
    lexical[:] = wording.vectors(words)
    scale = np.where(has_vector, WORDS, WORDS_ALONE) ** 0.5
    lexical *= np.asarray(scale, np.float16)[:, None]
    hour, weekday = HOUR * (1 - common_hour), WEEKDAY * (1 - common_weekday)
    rows[:, width + wording.WIDTH : -weekdays.shape[1]] = hours * np.sqrt(hour)
    rows[:, -weekdays.shape[1] :] = weekdays * np.sqrt(weekday)
    share = float(has_vector.mean()) if len(has_vector) else 0.0
    offset = share * share * MEANING * usual / (1 - usual) + hour * common_hour + weekday * common_weekday
    return Space(rows, offset, background, slice(width + wording.WIDTH, rows.shape[1] - weekdays.shape[1]), words)


def _meaning(
    out: NDArray[np.float16], vectors: NDArray[np.float32], has_vector: NDArray[np.bool_], drag: nuisance.Nuisance
) -> float:
    """Fills `out` with what the vectors mean, scaled to its use; the cosine of unrelated rows of it."""
    for start in range(0, len(out), _CHUNK):
        out[start : start + _CHUNK] = drag.without(vectors, start, min(start + _CHUNK, len(out)))
    usual = _background(out, has_vector)
    out *= np.float16(np.sqrt(MEANING / (1 - usual)))
    return usual


def _has_vector(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    if vectors.shape[1] == 0:
        return np.zeros(len(vectors), bool)
    parts = [vectors[start : start + _CHUNK].any(axis=1) for start in range(0, len(vectors), _CHUNK)]
    return np.concatenate(parts) if parts else np.zeros(0, bool)


def _background(vectors: NDArray[np.floating], has_vector: NDArray[np.bool_]) -> float:
    """What unrelated texts have as a cosine here: models differ in it from 0 to 0.6."""
    known = np.flatnonzero(has_vector)
    if len(known) < 4:
        return 0.0
    picked = vectors[known[:: max(1, len(known) // _SAMPLE)][:_SAMPLE]].astype(np.float32)
    likeness = picked @ picked.T
    low = np.percentile(likeness[np.triu_indices(len(picked), 1)], 25)
    return float(np.clip(low, 0.0, 0.8))


def _clock(events: Events) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Hour of the day and day of the week (UTC) as vectors: near hours are alike. Only events
    have a time that counts."""
    hour = ((events.at % DAY) / 3600.0).astype(np.float32)
    distance = np.abs(hour[:, None] - np.arange(24, dtype=np.float32)[None, :])
    distance = np.minimum(distance, 24 - distance)
    hours = np.exp(-(distance**2) / 2.0)
    hours /= np.sqrt((hours**2).sum(axis=1, keepdims=True))
    weekdays = np.eye(7, dtype=np.float32)[((events.at // DAY).astype(np.int64) + 3) % 7]
    happened = np.fromiter((kind == "event" for kind in events.kinds), bool, len(events.kinds))
    return hours * happened[:, None], weekdays * happened[:, None]


def _common(features: NDArray[np.float32]) -> float:
    """What two random rows have in common: where every event has the same hour, the hour says nothing."""
    present = features[features.any(axis=1)]
    if len(present) < 2:
        return 0.0
    mean = present.mean(axis=0)
    return float(np.clip(mean @ mean, 0.0, 1.0))
