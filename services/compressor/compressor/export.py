"""`python -m compressor.export mbert`: make the ONNX model that the fast engine runs, from the published weights.

The dynamo exporter is used because the older one gives wrong logits where there is padding. What was made is
compared with torch before anything is put in place; on a mismatch nothing is written.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import shutil
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from compressor import checkpoint
from compressor.architecture import ARCHITECTURES, MAX_TOKENS, Architecture, architecture
from compressor.compare import agreement, largest_difference
from compressor.config import default_models_dir, default_threads
from compressor.errors import CompressorError, ExportMismatch
from compressor.exported import FORMAT, Card, Export
from compressor.tokens import Tokens

_SAMPLES = (
    "Ärzte in New York don't smile: 3.5 % of e-mails (or fewer) were naïve, façade-like and Über-long!",
    "path/to/File_name.PY  \t tabs\nand lines — 你好，世界。 Привет, мир! مرحبا بالعالم 🙂 ①②",
)


def export(source: Path, target: Export, chosen: Architecture, threads: int, *, int8: bool = True) -> Card:
    """Raises `ExportMismatch` or `BadModel`; then `target` is as it was."""
    loaded = checkpoint.load(source, chosen)
    target.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.folder.parent, prefix=f".{chosen.name}-") as made:
        new = Export(Path(made))
        save_tokenizer(loaded.tokenizer, source, new.tokenizer)
        trace(loaded.model, new.graph("fp32"))
        tokens = Tokens(new.tokenizer, chosen)
        ids = list(range(min(len(loaded.tokenizer), loaded.model.config.vocab_size)))
        pad = tokens.id(chosen.pad)
        # A padding token inside a text is nobody's text; XLM-R would count its positions differently.
        ids.remove(pad)
        exact = new.runner("fp32", tokens, threads)
        differs = largest_difference(loaded.model, exact, ids, pad)
        agrees = None
        if int8:
            quantise(new.graph("fp32"), new.graph("int8"))
            agrees = agreement(exact, new.runner("int8", tokens, threads), ids)
        card = Card(
            format=FORMAT,
            architecture=chosen.name,
            weights_sha256=_sha256(source / "model.safetensors"),
            versions={name: version(name) for name in ("torch", "transformers", "onnx", "onnxruntime", "onnxscript")},
            differs=differs,
            int8_agreement=agrees,
        )
        _put_in_place(new, target, card)
    return card


def trace(model: PreTrainedModel, path: Path) -> None:
    """Write the graph, its weights beside it: they are mapped into memory, and may be over 2 GB."""
    ids = torch.randint(5, 50, (2, 64))
    mask = torch.ones_like(ids)
    mask[1, 40:] = 0
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens", max=MAX_TOKENS)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model,
            (ids, mask),
            dynamo=True,
            verbose=False,
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_shapes={"input_ids": sizes, "attention_mask": sizes},
        )
    if program is None:
        raise ExportMismatch("torch exported nothing")
    program.save(path, external_data=True)


def quantise(exact: Path, path: Path) -> None:
    """The layers' matrices only, one scale per column: embeddings are looked up, not multiplied, and stay exact."""
    logging.disable(logging.WARNING)  # it recommends, on the root logger, a step for other kinds of models
    try:
        quantize_dynamic(
            exact,
            path,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            use_external_data_format=True,
        )
    finally:
        logging.disable(logging.NOTSET)


def save_tokenizer(tokenizer: object, source: Path, path: Path) -> None:
    """The one that the package gets, with its placeholders. Raises `ExportMismatch` if it isn't the published one."""
    backend: Tokenizer = tokenizer.backend_tokenizer  # type: ignore[attr-defined]
    backend.no_padding()
    backend.no_truncation()
    backend.save(str(path))
    published = Tokenizer.from_file(str(source / "tokenizer.json"))
    for sample in _SAMPLES:
        if published.encode(sample).tokens != Tokenizer.from_file(str(path)).encode(sample).tokens:
            raise ExportMismatch("transformers reads the published tokenizer otherwise than it was published")


def _put_in_place(new: Export, target: Export, card: Card) -> None:
    """Without a card the old export is none until the new one is complete."""
    target.folder.mkdir(exist_ok=True)
    target.card_file.unlink(missing_ok=True)
    for made in new.folder.iterdir():
        made.chmod(0o644)
        shutil.move(made, target.folder / made.name)
    target.card_file.write_text(card.model_dump_json(indent=2) + "\n")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m compressor.export", description=__doc__.partition("\n")[0])
    parser.add_argument("model", choices=list(ARCHITECTURES))
    parser.add_argument("--models-dir", type=Path, default=default_models_dir())
    parser.add_argument("--checkpoint", type=Path, help="a folder as published; default: what was pulled")
    parser.add_argument("--threads", type=int, default=default_threads())
    parser.add_argument("--no-int8", action="store_true")
    given = parser.parse_args(arguments)
    chosen = architecture(given.model)
    try:
        source = given.checkpoint or checkpoint.folder(given.models_dir, chosen)
        target = Export.at(given.models_dir, chosen.name)
        card = export(source, target, chosen, given.threads, int8=not given.no_int8)
    except CompressorError as exc:
        print(f"compressor: {exc.message}" + (f" ({exc.hint})" if exc.hint else ""), file=sys.stderr)
        return 1
    agrees = "" if card.int8_agreement is None else f"; int8 halves agree on {card.int8_agreement:.1%} of tokens"
    print(f"{target.folder}: logits differ from torch's by at most {card.differs:.1e}{agrees}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
