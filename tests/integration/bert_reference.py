"""BERT by the paper, in numpy and f32: uncased WordPiece, encoder, mean pooling. The yardstick for the converter."""

from __future__ import annotations

import math
import unicodedata
from typing import Any

import numpy as np
import numpy.typing as npt

from athena.runtime.fetch.gguf_bert import BertConfig

Array = npt.NDArray[np.float32]


def tokenize(text: str, vocab: dict[str, int], limit: int) -> list[int]:
    """Ids with [CLS] and [SEP], cut to `limit`."""
    ids = [piece for word in _words(text) for piece in _pieces(word, vocab)]
    return [vocab["[CLS]"], *ids[: limit - 2], vocab["[SEP]"]]


def embed(text: str, config: BertConfig, vocab: dict[str, int], weights: dict[str, Any]) -> Array:
    """The unit vector of a text."""
    ids = tokenize(text, vocab, config.max_position_embeddings)
    hidden = _encode(np.array(ids), config, {name: np.asarray(w, np.float32) for name, w in weights.items()})
    pooled = hidden.mean(axis=0)
    return np.asarray(pooled / np.linalg.norm(pooled), np.float32)


def _words(text: str) -> list[str]:
    spaced = []
    for character in unicodedata.normalize("NFD", text.lower()):
        category = unicodedata.category(character)
        if category == "Mn" or (category in ("Cc", "Cf") and character not in "\t\n\r") or character == "\ufffd":
            continue
        symbol = category.startswith("P") or character in "$+<=>^`|~"
        ideograph = 0x4E00 <= ord(character) <= 0x9FFF or 0x3400 <= ord(character) <= 0x4DBF
        spaced.append(f" {character} " if symbol or ideograph else character)
    return "".join(spaced).split()


def _pieces(word: str, vocab: dict[str, int]) -> list[int]:
    if len(word) > 100:
        return [vocab["[UNK]"]]
    found, start = [], 0
    while start < len(word):
        prefix = "##" if start else ""
        end = next((e for e in range(len(word), start, -1) if prefix + word[start:e] in vocab), None)
        if end is None:
            return [vocab["[UNK]"]]
        found.append(vocab[prefix + word[start:end]])
        start = end
    return found


def _encode(ids: npt.NDArray[np.int64], config: BertConfig, w: dict[str, Array]) -> Array:
    eps = config.layer_norm_eps
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.token_type_embeddings.weight"][0]
    x = _norm(x + w["embeddings.position_embeddings.weight"][: len(ids)], w, "embeddings.LayerNorm", eps)
    for block in range(config.num_hidden_layers):
        at = f"encoder.layer.{block}"
        attended = _linear(_attend(x, w, at, config.num_attention_heads), w, f"{at}.attention.output.dense")
        x = _norm(x + attended, w, f"{at}.attention.output.LayerNorm", eps)
        inner = _gelu(_linear(x, w, f"{at}.intermediate.dense"))
        x = _norm(x + _linear(inner, w, f"{at}.output.dense"), w, f"{at}.output.LayerNorm", eps)
    return x


def _attend(x: Array, w: dict[str, Array], at: str, heads: int) -> Array:
    tokens, width = x.shape
    q, k, v = (
        _linear(x, w, f"{at}.attention.self.{part}").reshape(tokens, heads, width // heads).transpose(1, 0, 2)
        for part in ("query", "key", "value")
    )
    scores = q @ k.transpose(0, 2, 1) / math.sqrt(width // heads)
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ v
    return np.asarray(mixed.transpose(1, 0, 2).reshape(tokens, width), np.float32)


def _linear(x: Array, w: dict[str, Array], name: str) -> Array:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def _norm(x: Array, w: dict[str, Array], name: str, eps: float) -> Array:
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return np.asarray((x - mean) / np.sqrt(variance + eps) * w[f"{name}.weight"] + w[f"{name}.bias"], np.float32)


def _gelu(x: Array) -> Array:
    erf = np.vectorize(math.erf, otypes=[np.float32])
    return np.asarray(0.5 * x * (1 + erf(x / math.sqrt(2))), np.float32)
