"""What an export leaves: `<models>/compressor/<architecture>/`, read without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from compressor.architecture import ModelName, Precision, architecture
from compressor.errors import BadModel
from compressor.runner import Runner
from compressor.tokens import Tokens

FORMAT = 1


class Card(BaseModel):
    """card.json, written last: a folder without it is no export. `differs`: largest difference of logits from torch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    architecture: ModelName
    weights_sha256: str
    versions: dict[str, str]
    differs: float
    int8_agreement: float | None


@dataclass(frozen=True, slots=True)
class Export:
    folder: Path

    @classmethod
    def at(cls, models_dir: Path, name: ModelName) -> Export:
        return cls(models_dir / "compressor" / name)

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tokenizer.json"

    @property
    def card_file(self) -> Path:
        return self.folder / "card.json"

    def graph(self, precision: Precision) -> Path:
        return self.folder / f"model.{precision}.onnx"

    def card(self) -> Card:
        """Raises `BadModel`."""
        try:
            card = Card.model_validate_json(self.card_file.read_bytes())
        except FileNotFoundError as exc:
            name = self.folder.name
            raise BadModel(f"no exported model in {self.folder}", hint=f"python -m compressor.export {name}") from exc
        except (OSError, ValidationError) as exc:
            raise BadModel(f"{self.card_file}: {exc}") from exc
        if card.format != FORMAT:
            raise BadModel(f"{self.card_file} has format {card.format}", hint="export it anew")
        return card

    def check(self, precision: Precision) -> None:
        """Cheap: whether all is there. Raises `BadModel`."""
        self.card()
        for path in (self.tokenizer, self.graph(precision)):
            if not path.is_file():
                raise BadModel(f"{path} isn't there", hint=f"python -m compressor.export {self.folder.name}")

    def tokens(self) -> Tokens:
        return Tokens(self.tokenizer, architecture(self.card().architecture))

    def runner(self, precision: Precision, tokens: Tokens, threads: int) -> Runner:
        return Runner(self.graph(precision), pad=tokens.id(tokens.architecture.pad), threads=threads)
