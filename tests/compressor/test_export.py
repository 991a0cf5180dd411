"""An export is right or it isn't there; loading anything needs no network and no telling names."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from conftest import World

from compressor import checkpoint, export
from compressor.architecture import MBERT, XLMR
from compressor.compare import TOLERANCE, largest_difference
from compressor.counter import OwnCounter, counter
from compressor.engine import Job, Segment, Stop
from compressor.errors import BadModel, ExportMismatch
from compressor.exported import Export
from compressor.reference import ReferenceEngine
from compressor.runner import Row


def test_logits_are_torch_s_on_padded_and_unpadded_input(world: World) -> None:
    model = checkpoint.load(world.checkpoint, world.architecture).model
    pad = world.tokens.id(world.architecture.pad)
    rows = [Row(list(range(7, 7 + length))) for length in (60, 11, 1)]
    ids = torch.tensor([[*row.ids, *[pad] * (60 - len(row.ids))] for row in rows])
    mask = torch.tensor([[1] * len(row.ids) + [0] * (60 - len(row.ids)) for row in rows])
    with torch.no_grad():
        padded = model(input_ids=ids, attention_mask=mask).logits.numpy()
    together = world.runner.logits(rows, Stop())
    for line, row in enumerate(rows):
        alone = world.runner.logits([row], Stop())
        for found in (together[line, : len(row.ids)], alone[0]):
            np.testing.assert_allclose(found, padded[line, : len(row.ids)], atol=TOLERANCE)
    assert float(np.ptp(padded)) > 0.5  # logits that hardly differ would prove nothing


def test_another_model_s_graph_is_a_mismatch(world: World, tmp_path: Path) -> None:
    other = tiny.write(tmp_path / "other", world.architecture.name, seed=99)
    model = checkpoint.load(other, world.architecture).model
    with pytest.raises(ExportMismatch, match="logits differ"):
        largest_difference(model, world.runner, range(5, 2000), world.tokens.id(world.architecture.pad))


def test_on_a_mismatch_nothing_is_written(
    worlds: dict[str, World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The graph of a model that isn't the checkpoint's, as a faulty exporter would make it."""
    world = worlds["mbert"]
    other = checkpoint.load(tiny.write(tmp_path / "other", "mbert", seed=99), MBERT).model
    rightly = export.trace
    monkeypatch.setattr(export, "trace", lambda _, path: rightly(other, path))
    models = tmp_path / "models"
    shutil.copytree(world.models_dir, models)
    before = {path: path.read_bytes() for path in sorted(models.rglob("*")) if path.is_file()}
    arguments = ["mbert", "--checkpoint", str(world.checkpoint), "--models-dir", str(models), "--threads", "1"]
    assert export.main(arguments) == 1
    assert {path: path.read_bytes() for path in sorted(models.rglob("*")) if path.is_file()} == before
    assert export.main([*arguments[:4], str(tmp_path / "fresh"), *arguments[5:]]) == 1
    assert [path for path in (tmp_path / "fresh").rglob("*") if path.is_file()] == []


def test_the_architecture_is_what_was_said_or_an_error(worlds: dict[str, World], tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="xlm-roberta"):
        checkpoint.load(worlds["xlmr"].checkpoint, MBERT)
    misleading = tmp_path / "xlm-roberta-large-something"
    shutil.copytree(worlds["mbert"].checkpoint, misleading)
    assert checkpoint.load(misleading, MBERT).model.config.model_type == "bert"
    with pytest.raises(BadModel):
        checkpoint.load(misleading, XLMR)


@pytest.mark.usefixtures("no_network")
def test_engines_are_made_and_run_without_network(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """tiktoken is never asked for an encoding: it would download one."""
    import tiktoken

    def refuse(*_: object) -> None:
        raise AssertionError("tiktoken was asked")

    monkeypatch.setattr(tiktoken, "encoding_for_model", refuse)
    monkeypatch.setattr(tiktoken, "get_encoding", refuse)
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    tokens = world.export.tokens()
    weigh = counter(world.models_dir, tokens)
    assert isinstance(weigh, OwnCounter)
    engine = ReferenceEngine(world.checkpoint, tokens, weigh, 1)
    (kept,) = engine.compress(Job((Segment("Some words to keep or to drop, here they are."),), ratio=0.5), Stop())
    assert 0 < len(kept.text) < 40
    assert world.export.runner("int8", tokens, 1).logits([Row([5, 6, 7])], Stop()).shape == (1, 3, 2)


def test_what_is_no_cl100k_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "cl100k_base.tiktoken").write_text("QQ== 0\n")
    with pytest.raises(BadModel, match="cl100k"):
        counter(tmp_path, world.tokens)


def test_what_was_pulled_becomes_a_checkpoint(world: World, tmp_path: Path) -> None:
    stem = world.architecture.file_stem
    with pytest.raises(BadModel, match=f"{stem}.config.json"):
        checkpoint.folder(tmp_path, world.architecture)
    for name in checkpoint.FILES:
        shutil.copy(world.checkpoint / name, tmp_path / f"{stem}.{name.removeprefix('model.')}")
    made = checkpoint.folder(tmp_path, world.architecture)
    assert sorted(path.name for path in made.iterdir()) == sorted(checkpoint.FILES)
    assert checkpoint.folder(tmp_path, world.architecture) == made
    assert checkpoint.load(made, world.architecture).model.num_labels == 2


def test_the_card_says_what_was_found(world: World) -> None:
    card = world.export.card()
    assert card.architecture == world.architecture.name
    assert card.differs <= TOLERANCE
    assert card.int8_agreement is not None
    assert card.int8_agreement > 0.9
    assert len(card.weights_sha256) == 64


def test_a_folder_without_card_is_no_export(world: World, tmp_path: Path) -> None:
    shutil.copytree(world.export.folder, tmp_path / "compressor" / world.architecture.name)
    copied = Export.at(tmp_path, world.architecture.name)
    copied.check("int8")
    copied.card_file.unlink()
    with pytest.raises(BadModel, match="no exported model"):
        copied.check("int8")


def test_a_damaged_graph_or_tokenizer_is_named(world: World, tmp_path: Path) -> None:
    shutil.copytree(world.export.folder, tmp_path / "compressor" / world.architecture.name)
    copied = Export.at(tmp_path, world.architecture.name)
    copied.graph("int8").write_bytes(b"not a graph")
    copied.tokenizer.write_text("{}")
    with pytest.raises(BadModel, match=r"model\.int8\.onnx"):
        copied.runner("int8", world.tokens, 1)
    with pytest.raises(BadModel, match=r"tokenizer\.json"):
        copied.tokens()
