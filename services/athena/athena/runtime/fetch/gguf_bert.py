"""BERT weights as Hugging Face stores them → a GGUF file that llama-server serves as an embedder.

llama.cpp's `bert` architecture wants: a WordPiece vocabulary in which a word start
carries U+2581 and a continuation carries nothing (instead of `##`), the ids of the
special tokens, matrices as f16, and norms, biases and the position and type
tables as f32.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

Array = npt.NDArray[Any]

_WORD_START = "\u2581"
_POOLING = {"mean": gguf.PoolingType.MEAN, "cls": gguf.PoolingType.CLS}


class BertConfig(BaseModel):
    """What `config.json` must say. Sizes in dimensions, `max_position_embeddings` in tokens."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    hidden_size: int
    intermediate_size: int
    max_position_embeddings: int
    num_attention_heads: int
    num_hidden_layers: int
    layer_norm_eps: float = 1e-12
    type_vocab_size: int = 2


@dataclass(frozen=True, slots=True)
class About:
    """What the file says of itself."""

    name: str
    licence: str
    pooling: str = "mean"


def write(path: Path, config: BertConfig, vocab: Sequence[str], weights: Mapping[str, Array], about: About) -> None:
    """Write the GGUF file. `weights` has Hugging Face's names. Raises ValueError if one is missing or misshapen."""
    _check(config, vocab, weights)
    writer = gguf.GGUFWriter(path, "bert")
    try:
        _describe(writer, config, about)
        _add_vocabulary(writer, vocab, config)
        for name, array in _tensors(config, weights):
            writer.add_tensor(name, array)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def _check(config: BertConfig, vocab: Sequence[str], weights: Mapping[str, Array]) -> None:
    missing = [source for source, _ in _names(config) if source not in weights]
    if missing:
        raise ValueError(f"the weights lack {missing[0]}")
    shape = weights["embeddings.word_embeddings.weight"].shape
    if shape != (len(vocab), config.hidden_size):
        raise ValueError(f"word embeddings are {shape}, the vocabulary has {len(vocab)} tokens")


def _describe(writer: gguf.GGUFWriter, config: BertConfig, about: About) -> None:
    writer.add_name(about.name)
    writer.add_license(about.licence)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_layer_norm_eps(config.layer_norm_eps)
    writer.add_causal_attention(False)
    writer.add_pooling_type(_POOLING[about.pooling])


def _add_vocabulary(writer: gguf.GGUFWriter, vocab: Sequence[str], config: BertConfig) -> None:
    index = {token: position for position, token in enumerate(vocab)}
    control = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_type_count(config.type_vocab_size)
    writer.add_token_list([token if _is_special(token) else _spelled(token) for token in vocab])
    writer.add_token_types([gguf.TokenType.CONTROL if token in control else gguf.TokenType.NORMAL for token in vocab])
    writer.add_bos_token_id(index["[CLS]"])
    writer.add_eos_token_id(index["[SEP]"])
    writer.add_sep_token_id(index["[SEP]"])
    writer.add_unk_token_id(index["[UNK]"])
    writer.add_pad_token_id(index["[PAD]"])
    writer.add_mask_token_id(index["[MASK]"])
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)


def _is_special(token: str) -> bool:
    return len(token) > 2 and token.startswith("[") and token.endswith("]")


def _spelled(token: str) -> str:
    return token[2:] if token.startswith("##") and len(token) > 2 else _WORD_START + token


def _names(config: BertConfig) -> Iterator[tuple[str, str]]:
    """Pairs of Hugging Face's name and GGUF's."""
    yield "embeddings.word_embeddings.weight", "token_embd.weight"
    yield "embeddings.position_embeddings.weight", "position_embd.weight"
    yield "embeddings.token_type_embeddings.weight", "token_types.weight"
    for kind in ("weight", "bias"):
        yield f"embeddings.LayerNorm.{kind}", f"token_embd_norm.{kind}"
    layer = {
        "attention.self.query": "attn_q",
        "attention.self.key": "attn_k",
        "attention.self.value": "attn_v",
        "attention.output.dense": "attn_output",
        "attention.output.LayerNorm": "attn_output_norm",
        "intermediate.dense": "ffn_up",
        "output.dense": "ffn_down",
        "output.LayerNorm": "layer_output_norm",
    }
    for block in range(config.num_hidden_layers):
        for source, target in layer.items():
            for kind in ("weight", "bias"):
                yield f"encoder.layer.{block}.{source}.{kind}", f"blk.{block}.{target}.{kind}"


def _tensors(config: BertConfig, weights: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    kept_exact = ("position_embd.weight", "token_types.weight")
    for source, target in _names(config):
        array = weights[source]
        half = array.ndim == 2 and target not in kept_exact
        yield target, np.ascontiguousarray(array, dtype=np.float16 if half else np.float32)
