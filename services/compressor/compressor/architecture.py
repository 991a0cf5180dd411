"""The two LLMLingua-2 models. Which one a folder holds is said, never guessed from its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from compressor.errors import InvalidInput

ModelName = Literal["mbert", "xlmr"]
Precision = Literal["int8", "fp32"]

MAX_TOKENS = 512
"""Positions of both models, the two special tokens included."""

MARK = "▁"
"""What SentencePiece puts where a word begins."""

PLACEHOLDERS = tuple(f"[NEW{i}]" for i in range(100))
"""Tokens that the package adds, to stand for forced text that isn't one token; the published tables have room."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """`package_name` is what the package must find in a model's name; `model_type` is the config's."""

    name: ModelName
    repo: str
    package_name: str
    model_type: str
    cls: str
    sep: str
    pad: str
    unk: str
    special: frozenset[str]
    heads_marked: bool
    """Whether a word's first token carries the mark (`▁`), rather than those that continue it (`##`)."""

    def pure(self, token: str) -> str:
        """The token's own text. Strips every leading `#`, as the package does."""
        return token.lstrip("▁") if self.heads_marked else token.lstrip("#")

    @property
    def file_stem(self) -> str:
        """What the checkpoint's files are called where all models share one folder."""
        return self.repo.partition("/")[2]


MBERT = Architecture(
    name="mbert",
    repo="microsoft/llmlingua-2-bert-base-multilingual-cased-meetingbank",
    package_name="bert-base-multilingual-cased",
    model_type="bert",
    cls="[CLS]",
    sep="[SEP]",
    pad="[PAD]",
    unk="[UNK]",
    special=frozenset({"[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"}),
    heads_marked=False,
)
XLMR = Architecture(
    name="xlmr",
    repo="microsoft/llmlingua-2-xlm-roberta-large-meetingbank",
    package_name="xlm-roberta-large",
    model_type="xlm-roberta",
    cls="<s>",
    sep="</s>",
    pad="<pad>",
    unk="<unk>",
    special=frozenset({"<s>", "</s>", "<pad>", "<unk>", "<mask>"}),
    heads_marked=True,
)
ARCHITECTURES = {MBERT.name: MBERT, XLMR.name: XLMR}


def architecture(name: str) -> Architecture:
    """Raises `InvalidInput`, naming what there is."""
    for known in ARCHITECTURES.values():
        if name == known.name:
            return known
    raise InvalidInput(f"no model {name!r}", hint=f"known: {', '.join(ARCHITECTURES)}")
