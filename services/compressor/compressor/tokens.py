"""The model's tokenizer, from a tokenizer.json, without transformers and without network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tokenizers import Tokenizer

from compressor.architecture import PLACEHOLDERS, Architecture
from compressor.errors import BadModel
from compressor.spans import Span


@dataclass(frozen=True, slots=True)
class Encoded:
    """`offsets` are code points of the text that was given."""

    ids: list[int]
    tokens: list[str]
    offsets: list[Span]


class Tokens:
    """Not for several threads at once: how special tokens are read is state of the tokenizer."""

    def __init__(self, path: Path, architecture: Architecture) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as exc:  # the library raises bare Exception
            raise BadModel(f"{path}: {exc}") from exc
        self.architecture = architecture
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        missing = [name for name in (*architecture.special, *PLACEHOLDERS) if self._tokenizer.token_to_id(name) is None]
        if missing:
            raise BadModel(f"{path} is no tokenizer of {architecture.name}: it has no {missing[0]}")
        self._unknown = int(self._tokenizer.token_to_id(architecture.unk) or 0)
        # SentencePiece's vocabulary has them as pieces like any other.
        self._special = {self.id(name) for name in architecture.special}

    def id(self, token: str) -> int:
        """Of a token, or of the unknown one."""
        found = self._tokenizer.token_to_id(token)
        return self._unknown if found is None else found

    def plain(self, text: str) -> Encoded:
        """Text that spells a special token is text: to the model it is unknown, or the letters it is made of."""
        encoded = self._encode(text, literal=True)
        if not self._special.isdisjoint(encoded.ids):
            unknown = self.id(self.architecture.unk)
            encoded = replace(encoded, ids=[unknown if found in self._special else found for found in encoded.ids])
        return encoded

    def as_package(self, text: str) -> Encoded:
        """Text that spells a special token becomes it, as in transformers."""
        return self._encode(text, literal=False)

    def joined(self, tokens: Sequence[str]) -> str:
        """The text that the package makes of tokens."""
        decoder = self._tokenizer.decoder
        return decoder.decode(list(tokens)) if decoder is not None else " ".join(tokens)

    def _encode(self, text: str, *, literal: bool) -> Encoded:
        self._tokenizer.encode_special_tokens = literal
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return Encoded(encoding.ids, encoding.tokens, encoding.offsets)
