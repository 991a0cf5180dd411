"""LLMLingua-2 checkpoints with random weights: both architectures, under tokenizers of the real kinds.

Laid out as published: config.json, model.safetensors, tokenizer.json, tokenizer_config.json. The tokenizers are
trained on what the standard library says of the language. `size` "true" has the published models' dimensions,
vocabulary included; "tiny" has two layers.
"""

from __future__ import annotations

import functools
import io
import json
import pydoc_data.topics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import sentencepiece
import torch
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertForTokenClassification, XLMRobertaConfig, XLMRobertaForTokenClassification

Name = Literal["mbert", "xlmr"]
Size = Literal["tiny", "true"]

OTHER_SCRIPTS = (
    "Привет, мир! Как дела? Всё хорошо. " * 3,
    "你好世界。我们今天开会讨论预算。 " * 3,
    "مرحبا بالعالم. كيف حالك اليوم؟ " * 3,
    "Grüße aus Köln: naïve Façade, déjà vu; größer als 3,5 km. " * 3,
)


@dataclass(frozen=True)
class Dimensions:
    layers: int
    width: int
    heads: int
    inner: int
    vocabulary: int


DIMENSIONS: dict[tuple[Name, Size], Dimensions] = {
    ("mbert", "tiny"): Dimensions(2, 32, 2, 64, 3000),
    ("xlmr", "tiny"): Dimensions(2, 32, 2, 64, 3000),
    ("mbert", "true"): Dimensions(12, 768, 12, 3072, 119_547),
    ("xlmr", "true"): Dimensions(24, 1024, 16, 4096, 250_002),
}


def prose() -> str:
    """Some 700 kB of English with code in it, the same on every machine with this Python."""
    return "\n\n".join(text for _, text in sorted(pydoc_data.topics.topics.items()))


def lines() -> Iterator[str]:
    yield from prose().splitlines()
    yield from OTHER_SCRIPTS


def write(folder: Path, name: Name, size: Size = "tiny", *, room: bool = True, seed: int = 0) -> Path:
    """`room`: whether the embedding table has rows for the package's hundred placeholders, as the published ones do."""
    folder.mkdir(parents=True, exist_ok=True)
    of = DIMENSIONS[name, size]
    tokenizer = wordpiece(of.vocabulary) if name == "mbert" else unigram(of.vocabulary)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(_tokenizer_config(name)))
    torch.manual_seed(seed)
    rows = tokenizer.get_vocab_size() + (100 if room else 0)
    model = _bert(of, rows) if name == "mbert" else _xlmr(of, rows)
    _shake(model)
    model.save_pretrained(folder)
    return folder


def wordpiece(vocabulary: int) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(
        vocab_size=min(vocabulary, 8000), special_tokens=specials, continuing_subword_prefix="##", show_progress=False
    )
    tokenizer.train_from_iterator(lines(), trainer)
    held = tokenizer.get_vocab()
    held |= {f"filler{at}": at for at in range(len(held), vocabulary)}
    tokenizer.model = models.WordPiece(held, unk_token="[UNK]", max_input_chars_per_word=100)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def unigram(vocabulary: int) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Precompiled(charsmap())
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    pre = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")]
    )
    tokenizer.pre_tokenizer = pre
    trainer = trainers.UnigramTrainer(
        vocab_size=min(vocabulary, 8000) - 1, special_tokens=specials, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(lines(), trainer)
    pieces = [tuple(piece) for piece in json.loads(tokenizer.to_str())["model"]["vocab"]]
    pieces += [(f"▁filler{at}", -20.0) for at in range(len(pieces), vocabulary - 1)]
    made = Tokenizer(models.Unigram([*pieces, ("<mask>", 0.0)], unk_id=3, byte_fallback=False))
    made.normalizer = tokenizer.normalizer
    made.pre_tokenizer = pre
    made.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    made.add_special_tokens([*specials, "<mask>"])
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return made


@functools.cache
def charsmap() -> bytes:
    """SentencePiece's own normalisation (NFKC and more), which XLM-R's tokenizer carries."""
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(prose().splitlines()[:2000]), model_writer=made, vocab_size=500, minloglevel=2
    )
    proto = sentencepiece_model_pb2.ModelProto.FromString(made.getvalue())
    return bytes(proto.normalizer_spec.precompiled_charsmap)


def _bert(of: Dimensions, rows: int) -> BertForTokenClassification:
    return BertForTokenClassification(
        BertConfig(
            vocab_size=rows,
            hidden_size=of.width,
            num_hidden_layers=of.layers,
            num_attention_heads=of.heads,
            intermediate_size=of.inner,
            num_labels=2,
            pad_token_id=0,
        )
    )


def _xlmr(of: Dimensions, rows: int) -> XLMRobertaForTokenClassification:
    return XLMRobertaForTokenClassification(
        XLMRobertaConfig(
            vocab_size=rows,
            hidden_size=of.width,
            num_hidden_layers=of.layers,
            num_attention_heads=of.heads,
            intermediate_size=of.inner,
            max_position_embeddings=514,
            type_vocab_size=1,
            layer_norm_eps=1e-5,
            num_labels=2,
            bos_token_id=0,
            pad_token_id=1,
            eos_token_id=2,
        )
    )


def _shake(model: torch.nn.Module) -> None:
    """Fresh layers have biases of zero and scales of one; the published ones don't. A spread of logits makes a
    wrong graph visible and ties rare."""
    with torch.no_grad():
        for name, values in model.named_parameters():
            if values.dim() == 1:
                values.add_(torch.randn_like(values) * 0.1)
            if name.startswith("classifier") and values.dim() == 2:
                values.copy_(torch.randn_like(values) * (1.5 / values.shape[1] ** 0.5))


def _tokenizer_config(name: Name) -> dict[str, object]:
    if name == "mbert":
        return {"tokenizer_class": "BertTokenizer", "do_lower_case": False, "model_max_length": 512}
    return {"tokenizer_class": "XLMRobertaTokenizer", "model_max_length": 512}
