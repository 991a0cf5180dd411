"""A published checkpoint, loaded as the package loads it: where its files lie, its model, its tokenizer."""

from __future__ import annotations

import contextlib
import io
import json
import random
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    BertForTokenClassification,
    BertTokenizer,
    PreTrainedModel,
    XLMRobertaForTokenClassification,
    XLMRobertaTokenizer,
)

from compressor.architecture import MBERT, PLACEHOLDERS, Architecture
from compressor.errors import BadModel

FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
_SEED = 42
"""The package's: what it adds to an embedding table without room for its placeholders is random, but the same."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    model: PreTrainedModel
    tokenizer: Any


def folder(models_dir: Path, architecture: Architecture) -> Path:
    """The checkpoint as a folder of its own, made of links to what was pulled into the models' folder.

    Raises `BadModel`, naming the first file that isn't there.
    """
    made = models_dir / "compressor" / architecture.name / "checkpoint"
    made.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        pulled = models_dir / f"{architecture.file_stem}.{name.removeprefix('model.')}"
        link = made / name
        if pulled.is_file():
            link.unlink(missing_ok=True)
            link.symlink_to(pulled)
        elif not link.is_file():
            raise BadModel(f"{pulled} isn't there", hint="athena pull, for each file that the manifest lists for it")
    return made


def check_type(path: Path, architecture: Architecture) -> None:
    """Raises `BadModel` where config.json names another architecture than the one that was said."""
    try:
        found = json.loads((path / "config.json").read_text()).get("model_type")
    except (OSError, ValueError) as exc:
        raise BadModel(f"{path / 'config.json'}: {exc}") from exc
    if found != architecture.model_type:
        raise BadModel(f"{path} holds a {found!r} model, not {architecture.name} ({architecture.model_type!r})")


def load(path: Path, architecture: Architecture) -> Checkpoint:
    """With the placeholders added, their embeddings drawn with the package's seed where the table has none."""
    check_type(path, architecture)
    model_class, tokenizer_class = (
        (BertForTokenClassification, BertTokenizer)
        if architecture is MBERT
        else (XLMRobertaForTokenClassification, XLMRobertaTokenizer)
    )
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tokenizer = tokenizer_class.from_pretrained(path, local_files_only=True)
            model = model_class.from_pretrained(
                path, dtype=torch.float32, attn_implementation="eager", local_files_only=True
            )
            _seed()
            tokenizer.add_special_tokens({"additional_special_tokens": list(PLACEHOLDERS)})
            model.resize_token_embeddings(len(tokenizer))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as exc:
        raise BadModel(f"{path}: {exc}") from exc
    model.train(False)
    return Checkpoint(model, tokenizer)


def _seed() -> None:
    random.seed(_SEED)
    np.random.seed(_SEED)  # the package seeds these, too
    torch.manual_seed(_SEED)
