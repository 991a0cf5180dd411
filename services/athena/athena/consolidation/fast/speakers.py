"""Who speaks, where only the text tells: "Anna: I moved". A label that many lines of one scope begin with is a person.

The name says nothing of what is said, and yet it binds all lines of one person in words and meaning alike. So each
speaker is a scope of their own, their name is no word of theirs, and what all their vectors have in common goes.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from athena.consolidation.types import Events

_LABEL = re.compile(r"^([^\W\d_][\w’'.-]{0,20}(?: [^\W\d_][\w’'.-]{0,20})?): +(?=\S)")
_SPEECH = re.compile(r"\b(?:I|I['’]\w+|my|me|we|we['’]\w+|our|us|you|your|you['’]\w+)\b|[!?]", re.I)
_LINES = 5
# Of their lines: how many speak of oneself or to somebody. A heading ("Decision: ...") seldom does.
_SPEAKING = 0.3
# Of all lines of a scope: a conversation has a label before nearly each line.
_LABELLED = 0.5
_CHUNK = 4096


def unlabelled(events: Events) -> Events:
    """`events` without their speakers' labels, each speaker a scope; the very same where there are none."""
    labels = [_LABEL.match(text) for text in events.texts]
    keys = [(int(scope), label[1]) if label else None for scope, label in zip(events.scopes, labels, strict=True)]
    speakers = _speakers(events, keys)
    if not speakers:
        return events
    codes = {key: number for number, key in enumerate(sorted(speakers), int(events.scopes.max()) + 1)}
    spoken = [codes.get(key, -1) if key else -1 for key in keys]
    texts = tuple(
        text[label.end() :] if label and code >= 0 else text
        for text, label, code in zip(events.texts, labels, spoken, strict=True)
    )
    code = np.asarray(spoken, np.int32)
    return replace(
        events, texts=texts, scopes=np.where(code >= 0, code, events.scopes), vectors=_centred(events.vectors, code)
    )


def _speakers(events: Events, keys: list[tuple[int, str] | None]) -> frozenset[tuple[int, str]]:
    lines = Counter(key for key in keys if key)
    speaking = Counter(
        key for key, text in zip(keys, events.texts, strict=True) if key and _SPEECH.search(text, len(key[1]))
    )
    often = {key for key, count in lines.items() if count >= _LINES and speaking[key] >= _SPEAKING * count}
    whole = Counter(events.scopes.tolist())
    labelled: Counter[int] = Counter()
    for key in often:
        labelled[key[0]] += lines[key]
    return frozenset(key for key in often if labelled[key[0]] >= _LABELLED * whole[key[0]])


def _centred(vectors: NDArray[np.float32], codes: NDArray[np.int32]) -> NDArray[np.float32]:
    """Of each speaker what their lines have in common is taken away, but for what all speakers have in common."""
    speakers = np.unique(codes[codes >= 0])
    if vectors.shape[1] == 0:
        return vectors
    row = np.where(codes >= 0, np.searchsorted(speakers, codes), -1)
    sums = np.zeros((len(speakers), vectors.shape[1]))
    counts = np.zeros(len(speakers))
    for start in range(0, len(vectors), _CHUNK):
        part = row[start : start + _CHUNK]
        block = vectors[start : start + _CHUNK]
        known = (part >= 0) & np.asarray(block.any(axis=1))
        np.add.at(sums, part[known], block[known])
        counts += np.bincount(part[known], minlength=len(speakers))
    means = sums / np.maximum(counts, 1)[:, None]
    pull = (means - (means.mean(axis=0) if len(means) > 1 else 0.0)).astype(np.float32)
    out = vectors.copy()
    for start in range(0, len(vectors), _CHUNK):
        part = row[start : start + _CHUNK]
        block = out[start : start + _CHUNK]
        known = (part >= 0) & np.asarray(block.any(axis=1))
        cleared = block[known] - pull[part[known]]
        block[known] = cleared / np.maximum(np.linalg.norm(cleared, axis=1, keepdims=True), 1e-9)
    return out
