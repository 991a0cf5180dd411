"""Damage is seen by a quick look: cut short, overwritten, or not a model at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from athena.errors import StackError
from athena.runtime import catalogue, gguf_header, inventory
from athena.runtime.catalogue import Model
from tests.fakes.tiny_models import tiny_embedder, tiny_reasoner


@pytest.fixture
def model() -> Model:
    return Model(name="m", role="reasoning", repo="o/r", file="m.gguf", licence="MIT")


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return tiny_embedder(tmp_path).rename(tmp_path / "m.gguf")


def _receipt(path: Path) -> inventory.Receipt:
    return inventory.Receipt(
        model="m", size=path.stat().st_size, sha256=inventory.hash_file(path), source="o/r", commit="c"
    )


def test_header_of_real_files(tmp_path: Path) -> None:
    embedder = gguf_header.read(tiny_embedder(tmp_path, dim=64, context=300))
    assert (embedder.architecture, embedder.embedding_length, embedder.context_length) == ("bert", 64, 300)
    assert embedder.pooling == "mean"
    reasoner = gguf_header.read(tiny_reasoner(tmp_path))
    assert (reasoner.architecture, reasoner.context_length, reasoner.pooling) == ("qwen3", 4096, None)


def test_least_size_is_the_end_of_the_last_tensor(whole: Path) -> None:
    least = gguf_header.least_size(whole)
    assert least is not None
    assert 0 <= whole.stat().st_size - least < 32


@pytest.mark.parametrize("keep", [0, 3, 4, 23, 200, 3000, -40])
def test_every_cut_is_seen_without_a_receipt(whole: Path, model: Model, keep: int) -> None:
    whole.write_bytes(whole.read_bytes()[:keep])
    assert inventory.fault(whole, model) is not None


@pytest.mark.parametrize("keep", [0, 3, 23, 200, 3000])
def test_reading_a_cut_header_is_one_line(whole: Path, keep: int) -> None:
    whole.write_bytes(whole.read_bytes()[:keep])
    with pytest.raises(StackError, match="not a GGUF model, or is damaged"):
        gguf_header.read(whole)


def test_a_header_that_promises_nonsense_is_refused(whole: Path) -> None:
    data = bytearray(whole.read_bytes())
    data[24:32] = (1 << 60).to_bytes(8, "little")
    whole.write_bytes(data)
    assert gguf_header.least_size(whole) is None
    with pytest.raises(StackError):
        gguf_header.read(whole)


def test_whole_file_has_no_fault(whole: Path, model: Model) -> None:
    assert inventory.fault(whole, model) is None
    inventory.write_receipt(whole, _receipt(whole))
    assert inventory.fault(whole, model) is None
    assert inventory.hash_fault(whole, model) is None


def test_receipt_knows_the_size(whole: Path, model: Model) -> None:
    inventory.write_receipt(whole, _receipt(whole))
    whole.write_bytes(whole.read_bytes() + b"x")
    assert "instead of" in (inventory.fault(whole, model) or "")


def test_a_flipped_byte_is_found_by_hash_only(whole: Path, model: Model) -> None:
    inventory.write_receipt(whole, _receipt(whole))
    data = bytearray(whole.read_bytes())
    data[-5] ^= 1
    whole.write_bytes(data)
    assert inventory.fault(whole, model) is None
    assert "its sha256 is" in (inventory.hash_fault(whole, model) or "")


def test_without_receipt_the_pinned_size_and_hash_count(whole: Path) -> None:
    nomic = catalogue.load().find("nomic")
    assert "instead of 146146432" in (inventory.fault(whole, nomic) or "")
    assert "expected 3e24342164b3" in (inventory.hash_fault(whole, nomic) or "")


def test_missing_and_unreadable(tmp_path: Path, model: Model) -> None:
    assert inventory.fault(tmp_path / "none.gguf", model) == "is missing"
    assert "can't be read" in (inventory.fault(tmp_path / ("x" * 300), model) or "")


def test_found_under_the_other_spelling(tmp_path: Path) -> None:
    qwen = catalogue.load().default("reasoning")
    assert inventory.find(qwen, tmp_path) is None
    other = tmp_path / "Qwen3-VL-4B-Instruct-Q4_K_M.gguf"
    shutil.copy(tiny_reasoner(tmp_path), other)
    assert inventory.find(qwen, tmp_path) == other


def test_write_is_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    inventory.write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        inventory.write_atomically(path, "new \udcff")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]
