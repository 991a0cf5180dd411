"""Tiny models with random weights, for mechanics: same architectures, real tokenizers, a few 100 KB.

The embedder's vectors are close to an average of word vectors, so texts that share
words are near each other. The reasoner answers nonsense, and valid JSON when a
schema constrains it. Both are the same bytes every time.
"""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from athena.runtime.fetch.gguf_bert import About, BertConfig, write

_TEXT = """the of and to in is you that it he was for on are as with his they at be this have from or one had by
word but not what all were we when your can said there use an each which she do how their if will up other about out
many then them these so some her would make like him into time has look two more write go see number no way could
people my than first water been call who oil its now find long down day did get come made may part alice bob anna
berlin paris london coffee tea cat dog house garden red green blue car train plane book music code python server
memory likes hates lives works monday friday january june meeting project deadline budget database postgres vector
"""
WORDS = _TEXT.split()


def tiny_embedder(path_dir: Path, dim: int = 32, name: str = "tiny-embedder", context: int = 512) -> Path:
    """A one-layer `bert` GGUF with `dim` dimensions and mean pooling; made once per folder."""
    path = path_dir / f"{name}-{dim}.gguf"
    if path.exists():
        return path
    vocab = wordpiece_vocabulary()
    config = BertConfig(
        hidden_size=dim,
        intermediate_size=2 * dim,
        max_position_embeddings=context,
        num_attention_heads=2,
        num_hidden_layers=1,
    )
    _once(path, lambda part: write(part, config, vocab, bert_weights(config, len(vocab), dim), About(name, "MIT")))
    return path


def wordpiece_vocabulary() -> list[str]:
    """Special tokens, every ASCII character as a start and as a continuation, some words and stems."""
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    characters = [*string.ascii_lowercase, *string.digits]
    endings = ["##s", "##ed", "##ing", "##er", "##ly", "##tion", "##al", "##ive"]
    vocab = [*specials, *characters, *string.punctuation, *(f"##{c}" for c in characters), *endings, *WORDS]
    return list(dict.fromkeys(vocab))


def bert_weights(config: BertConfig, tokens: int, seed: int) -> dict[str, np.ndarray[Any, Any]]:
    """Random weights under Hugging Face's names: loud word vectors, quiet everything else."""
    rng = np.random.default_rng(seed)
    d, inner = config.hidden_size, config.intermediate_size

    def normal(scale: float, *shape: int) -> np.ndarray[Any, Any]:
        return (rng.standard_normal(shape) * scale).astype(np.float32)

    weights = {
        "embeddings.word_embeddings.weight": normal(1.0, tokens, d),
        "embeddings.position_embeddings.weight": normal(0.05, config.max_position_embeddings, d),
        "embeddings.token_type_embeddings.weight": normal(0.05, config.type_vocab_size, d),
        "embeddings.LayerNorm.weight": np.ones(d, np.float32),
        "embeddings.LayerNorm.bias": np.zeros(d, np.float32),
    }
    shapes = {
        "attention.self.query": (d, d),
        "attention.self.key": (d, d),
        "attention.self.value": (d, d),
        "attention.output.dense": (d, d),
        "intermediate.dense": (inner, d),
        "output.dense": (d, inner),
    }
    for block in range(config.num_hidden_layers):
        prefix = f"encoder.layer.{block}"
        for part, shape in shapes.items():
            weights[f"{prefix}.{part}.weight"] = normal(0.3 / np.sqrt(d), *shape)
            weights[f"{prefix}.{part}.bias"] = normal(0.02, shape[0])
        for norm in ("attention.output.LayerNorm", "output.LayerNorm"):
            weights[f"{prefix}.{norm}.weight"] = np.ones(d, np.float32)
            weights[f"{prefix}.{norm}.bias"] = np.zeros(d, np.float32)
    return weights


def tiny_reasoner(path_dir: Path, name: str = "tiny-reasoner", context: int = 4096) -> Path:
    """A two-layer `qwen3` GGUF with a byte-level vocabulary and a ChatML template; made once per folder."""
    path = path_dir / f"{name}.gguf"
    if not path.exists():
        _once(path, lambda part: _write_reasoner(part, name, context))
    return path


def _once(path: Path, make: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".making")
    make(part)
    part.replace(path)


CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_DIM, _FFN, _HEADS, _HEAD_DIM, _LAYERS = 64, 128, 4, 16, 2


def _write_reasoner(path: Path, name: str, context: int) -> None:
    tokens, merges = _byte_vocabulary()
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    first_special = len(tokens)
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_name(name)
    writer.add_context_length(context)
    writer.add_embedding_length(_DIM)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_FFN)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(2)
    writer.add_key_length(_HEAD_DIM)
    writer.add_value_length(_HEAD_DIM)
    writer.add_rope_freq_base(1_000_000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([*tokens, *specials])
    kinds = [gguf.TokenType.NORMAL] * len(tokens) + [gguf.TokenType.CONTROL] * len(specials)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(first_special + 2)
    writer.add_pad_token_id(first_special)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHATML)
    for tensor, array in _reasoner_weights([*tokens, *specials]).items():
        writer.add_tensor(tensor, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _byte_vocabulary() -> tuple[list[str], list[str]]:
    """GPT-2's printable spelling of all 256 bytes, and merges that make some common words."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spelling = {byte: chr(byte) for byte in plain}
    for offset, byte in enumerate(b for b in range(256) if b not in spelling):
        spelling[byte] = chr(256 + offset)
    tokens = [spelling[byte] for byte in range(256)]
    known, merges = set(tokens), []
    for word in WORDS:
        if not re.fullmatch("[a-z]+", word):
            continue
        left = spelling[ord(" ")]
        for character in word:
            if left + character not in known:
                merges.append(f"{left} {character}")
                tokens.append(left + character)
                known.add(left + character)
            left += character
    return tokens, merges


def _reasoner_weights(tokens: list[str]) -> dict[str, np.ndarray[Any, Any]]:
    """Random, but a constant first dimension lets `"`, `}` and the end of turn be likelier: answers end."""
    rng = np.random.default_rng(7)

    def normal(scale: float, *shape: int) -> np.ndarray[Any, Any]:
        return (rng.standard_normal(shape) * scale).astype(np.float16)

    embedding = normal(1.0, len(tokens), _DIM)
    embedding[:, 0] = 4.0
    output = normal(0.1, len(tokens), _DIM)
    output[:, 0] = 0.0
    for token, push in {'"': 1.5, "}": 1.2, "]": 1.2, "<|im_end|>": 1.0}.items():
        output[tokens.index(token), 0] = push
    ones = np.ones(_DIM, np.float32)
    weights = {"token_embd.weight": embedding, "output.weight": output, "output_norm.weight": ones}
    for block in range(_LAYERS):
        prefix = f"blk.{block}"
        weights |= {
            f"{prefix}.attn_norm.weight": ones,
            f"{prefix}.attn_q.weight": normal(0.1, _HEADS * _HEAD_DIM, _DIM),
            f"{prefix}.attn_k.weight": normal(0.1, 2 * _HEAD_DIM, _DIM),
            f"{prefix}.attn_v.weight": normal(0.1, 2 * _HEAD_DIM, _DIM),
            f"{prefix}.attn_output.weight": normal(0.05, _DIM, _HEADS * _HEAD_DIM),
            f"{prefix}.attn_q_norm.weight": np.ones(_HEAD_DIM, np.float32),
            f"{prefix}.attn_k_norm.weight": np.ones(_HEAD_DIM, np.float32),
            f"{prefix}.ffn_norm.weight": ones,
            f"{prefix}.ffn_gate.weight": normal(0.1, _FFN, _DIM),
            f"{prefix}.ffn_up.weight": normal(0.1, _FFN, _DIM),
            f"{prefix}.ffn_down.weight": normal(0.05, _DIM, _FFN),
        }
    return weights
