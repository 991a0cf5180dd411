"""Counting tokens as the package does: with cl100k, from a file that is there, never from the network."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from compressor.errors import BadModel
from compressor.tokens import Tokens

CL100K_SHA256 = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
_CACHED = "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"
"""tiktoken's name for it: the hash of its address."""
_NAMED = "cl100k_base.tiktoken"
_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)


class Counter(Protocol):
    """`encode` has the package's name for it; only the length of what it gives is used."""

    name: str

    def encode(self, text: str) -> list[int]: ...


class OwnCounter:
    """The model's own tokens. Weighs words a little differently than the package with cl100k would."""

    name = "model"

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def encode(self, text: str) -> list[int]:
        return self._tokens.plain(text).ids


class Cl100kCounter:
    """tiktoken's cl100k; text that spells one of its special tokens is text."""

    name = "cl100k"

    def __init__(self, path: Path) -> None:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != CL100K_SHA256:
            raise BadModel(f"{path} isn't cl100k", hint="delete it; it can be fetched anew")
        # Here, so that a server without the reference engine needs no tiktoken.
        import tiktoken

        ranks = (line.split() for line in content.splitlines() if line)
        self._encoding = tiktoken.Encoding(
            "cl100k_base",
            pat_str=_PATTERN,
            mergeable_ranks={base64.b64decode(token): int(rank) for token, rank in ranks},
            special_tokens={},
        )

    def encode(self, text: str) -> list[int]:
        return self._encoding.encode(text, disallowed_special=())


def cl100k(models_dir: Path) -> Cl100kCounter | None:
    """Where its file lies in the models' folder or in tiktoken's cache. Raises `BadModel` where it is another file."""
    return next((Cl100kCounter(path) for path in _places(models_dir) if path.is_file()), None)


def counter(models_dir: Path, tokens: Tokens) -> Counter:
    """cl100k where there is its file, else the model's own."""
    return cl100k(models_dir) or OwnCounter(tokens)


def _places(models_dir: Path) -> Iterator[Path]:
    yield models_dir / _NAMED
    cache = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    if cache:
        yield Path(cache) / _CACHED
